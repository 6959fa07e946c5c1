import { Module } from '@nestjs/common';
import { UsageModule } from '../../../domain/usage/usage.module.ts';
import { RateLimitModule } from '../../../platform/rate-limit/rate-limit.module.ts';
import { UsageController } from './usage.controller.ts';

@Module({ imports: [UsageModule, RateLimitModule], controllers: [UsageController] })
export class UsageApiModule {}
