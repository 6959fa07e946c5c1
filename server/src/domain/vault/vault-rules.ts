import { ValidationFailedError } from '../domain-error.ts';

/** Most secrets, and most credentials, of an organisation. */
export const mostOfAKind = 1_000;

/** Throws ValidationFailedError for an expiry that is not in the future. */
export function assertFuture(expiresAt: Date | null | undefined): void {
  if (!expiresAt || expiresAt > new Date()) return;
  const message = 'must be in the future; leave it out where there is no end';
  throw new ValidationFailedError('The expiry is in the past.', [{ field: 'expires_at', message, location: 'body' }]);
}

/** Throws ValidationFailedError when there are as many as there may be. */
export function assertRoom(count: number, what: string): void {
  if (count < mostOfAKind) return;
  const message = `an organisation has at most ${mostOfAKind} ${what}; delete one that is no longer needed`;
  throw new ValidationFailedError(`There are too many ${what}.`, [{ field: '', message, location: 'body' }]);
}
