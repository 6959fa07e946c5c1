import { Module } from '@nestjs/common';
import { TriggerModule } from '../../../domain/trigger/trigger.module.ts';
import { TriggersController } from './triggers.controller.ts';

@Module({ imports: [TriggerModule], controllers: [TriggersController] })
export class TriggersApiModule {}
