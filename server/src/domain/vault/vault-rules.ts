import { ValidationFailedError } from '../domain-error.ts';

/** Throws ValidationFailedError for an expiry that is not in the future. */
export function assertFuture(expiresAt: Date | null | undefined): void {
  if (!expiresAt || expiresAt > new Date()) return;
  const message = 'must be in the future; leave it out where there is no end';
  throw new ValidationFailedError('The expiry is in the past.', [{ field: 'expires_at', message, location: 'body' }]);
}
