import { expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { KnownDevices } from '../../domain/session/known-devices.ts';
import type { LoginThrottle } from '../../domain/session/login-throttle.ts';
import type { SessionService } from '../../domain/session/session.service.ts';
import type { PasswordResetTokens } from '../../domain/password-reset/password-reset-tokens.ts';
import type { StreamTicketService } from '../../domain/stream-ticket/stream-ticket.service.ts';
import type { PostgresIdempotencyStore } from '../idempotency/postgres-idempotency-store.ts';
import type { PostgresRateLimiter } from '../rate-limit/postgres-rate-limiter.ts';
import { HousekeepingService } from './housekeeping.service.ts';

test('what cannot be purged is logged, and the rest is purged all the same', async () => {
  const purged: string[] = [];
  const rows = (name: string, fails = false): { purge(): Promise<number> } => ({
    purge: () => (fails ? Promise.reject(new Error('no database')) : Promise.resolve(purged.push(name))),
  });
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const service = new HousekeepingService(
    rows('sessions') as SessionService,
    rows('logins', true) as LoginThrottle,
    rows('devices') as KnownDevices,
    rows('rate limits') as PostgresRateLimiter,
    rows('idempotency') as PostgresIdempotencyStore,
    rows('tickets') as StreamTicketService,
    rows('resets') as PasswordResetTokens,
    { add: () => undefined, wake: () => undefined },
  );
  await service.purge();
  expect(purged).toEqual(['sessions', 'devices', 'rate limits', 'idempotency', 'tickets', 'resets']);
  expect(warn).toHaveBeenCalledTimes(1);
  warn.mockRestore();
});
