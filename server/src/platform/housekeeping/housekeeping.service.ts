import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { LoginThrottle } from '../../domain/session/login-throttle.ts';
import { SessionService } from '../../domain/session/session.service.ts';
import { PostgresIdempotencyStore } from '../idempotency/postgres-idempotency-store.ts';
import { PostgresRateLimiter } from '../rate-limit/postgres-rate-limiter.ts';

const intervalMs = 10 * 60 * 1000;

/** Removes rows whose time is over, now and then; several processes doing so at once do no harm. */
@Injectable()
export class HousekeepingService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(HousekeepingService.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly sessions: SessionService,
    private readonly logins: LoginThrottle,
    private readonly rateLimits: PostgresRateLimiter,
    private readonly idempotency: PostgresIdempotencyStore,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running = this.purge();
    }, intervalMs).unref();
  }

  /** Waits for what is running, because the database goes away afterwards. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  /** One round; what fails is logged and tried again in the next. */
  async purge(): Promise<void> {
    for (const rows of [this.sessions, this.logins, this.rateLimits, this.idempotency]) {
      try {
        await rows.purge();
      } catch (err) {
        this.logger.warn({ err, what: rows.constructor.name }, 'Old rows could not be removed');
      }
    }
  }
}
