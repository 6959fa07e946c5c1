import { isDatabaseLost } from '../../domain/database-lost.ts';
import { DomainError } from '../../domain/domain-error.ts';

/** The database cannot be reached now; the request may be repeated. */
export class DatabaseUnavailableError extends DomainError {
  override readonly code = 'service_unavailable';
  readonly headers = { 'Retry-After': '5' };

  constructor(cause: unknown) {
    super('The server cannot reach its database. Try again in a few seconds.', {}, { cause });
  }
}

/** The error itself, or a DatabaseUnavailableError when a lost database is what it comes from. */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  return isDatabaseLost(error) ? new DatabaseUnavailableError(error) : error;
}
