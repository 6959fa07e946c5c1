import { Module } from '@nestjs/common';
import { TriggerModule } from '../../../domain/trigger/trigger.module.ts';
import { RateLimitModule } from '../../../platform/rate-limit/rate-limit.module.ts';
import { HookRoutes } from './hook-routes.ts';

@Module({ imports: [TriggerModule, RateLimitModule], providers: [HookRoutes] })
export class HooksApiModule {}
