import { Module } from '@nestjs/common';
import { SessionModule } from '../../domain/session/session.module.ts';
import { StreamTicketModule } from '../../domain/stream-ticket/stream-ticket.module.ts';
import { IdempotencyModule } from '../idempotency/idempotency.module.ts';
import { RateLimitModule } from '../rate-limit/rate-limit.module.ts';
import { HousekeepingService } from './housekeeping.service.ts';

@Module({
  imports: [SessionModule, StreamTicketModule, RateLimitModule, IdempotencyModule],
  providers: [HousekeepingService],
})
export class HousekeepingModule {}
