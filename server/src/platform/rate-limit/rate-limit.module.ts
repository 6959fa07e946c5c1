import { Module } from '@nestjs/common';
import { LiveSlots } from './live-slots.ts';
import { PostgresRateLimiter } from './postgres-rate-limiter.ts';
import { PublicResources } from './public-resources.ts';

@Module({
  providers: [PublicResources, PostgresRateLimiter, LiveSlots],
  exports: [PublicResources, PostgresRateLimiter, LiveSlots],
})
export class RateLimitModule {}
