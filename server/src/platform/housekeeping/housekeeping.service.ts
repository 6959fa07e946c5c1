import { Injectable, Logger } from '@nestjs/common';
import { KnownDevices } from '../../domain/session/known-devices.ts';
import { LoginThrottle } from '../../domain/session/login-throttle.ts';
import { SessionService } from '../../domain/session/session.service.ts';
import { PasswordResetTokens } from '../../domain/password-reset/password-reset-tokens.ts';
import { StreamTicketService } from '../../domain/stream-ticket/stream-ticket.service.ts';
import { WorkerLoops } from '../../domain/worker-loops.ts';
import { PostgresIdempotencyStore } from '../idempotency/postgres-idempotency-store.ts';
import { PostgresRateLimiter } from '../rate-limit/postgres-rate-limiter.ts';

const everyMs = 10 * 60 * 1000;

/** Removes rows whose time is over, now and then; several processes doing so at once do no harm. */
@Injectable()
export class HousekeepingService {
  private readonly logger = new Logger(HousekeepingService.name);

  constructor(
    private readonly sessions: SessionService,
    private readonly logins: LoginThrottle,
    private readonly devices: KnownDevices,
    private readonly rateLimits: PostgresRateLimiter,
    private readonly idempotency: PostgresIdempotencyStore,
    private readonly tickets: StreamTicketService,
    private readonly resets: PasswordResetTokens,
    loops: WorkerLoops,
  ) {
    loops.add('housekeeping', { everyMs, run: () => this.purge() });
  }

  /** One round; what fails is logged and tried again in the next. */
  async purge(): Promise<void> {
    const { sessions, logins, devices, rateLimits, idempotency, tickets, resets } = this;
    const kinds = [sessions, logins, devices, rateLimits, idempotency, tickets, resets];
    for (const rows of kinds) {
      try {
        await rows.purge();
      } catch (err) {
        this.logger.warn({ err, what: rows.constructor.name }, 'Old rows could not be removed');
      }
    }
  }
}
