import { Module } from '@nestjs/common';
import { TriggerModule } from '../../../domain/trigger/trigger.module.ts';
import { SchedulesController } from './schedules.controller.ts';

@Module({ imports: [TriggerModule], controllers: [SchedulesController] })
export class SchedulesApiModule {}
