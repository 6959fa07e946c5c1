import { Module } from '@nestjs/common';
import { HealthService } from './health.service.ts';

/** Needs the Engine. */
@Module({ providers: [HealthService], exports: [HealthService] })
export class HealthModule {}
