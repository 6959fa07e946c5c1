import { Module } from '@nestjs/common';
import { PostgresRateLimiter } from './postgres-rate-limiter.ts';

@Module({ providers: [PostgresRateLimiter], exports: [PostgresRateLimiter] })
export class RateLimitModule {}
