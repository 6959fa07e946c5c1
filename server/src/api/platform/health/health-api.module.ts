import { Module } from '@nestjs/common';
import { HealthModule } from '../../../platform/health/health.module.ts';
import { HealthController } from './health.controller.ts';

@Module({ imports: [HealthModule], controllers: [HealthController] })
export class HealthApiModule {}
