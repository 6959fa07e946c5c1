import { Module } from '@nestjs/common';
import { PasswordResetModule } from '../../domain/password-reset/password-reset.module.ts';
import { SessionModule } from '../../domain/session/session.module.ts';
import { StreamTicketModule } from '../../domain/stream-ticket/stream-ticket.module.ts';
import { IdempotencyModule } from '../idempotency/idempotency.module.ts';
import { RateLimitModule } from '../rate-limit/rate-limit.module.ts';
import { HousekeepingService } from './housekeeping.service.ts';

@Module({
  imports: [SessionModule, PasswordResetModule, StreamTicketModule, RateLimitModule, IdempotencyModule],
  providers: [HousekeepingService],
})
export class HousekeepingModule {}
