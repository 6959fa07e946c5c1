import { DomainError } from '../../domain/domain-error.ts';
import { type Passing, passingOf } from '../../domain/passing-error.ts';

const messages: Readonly<Record<Passing, string>> = {
  unavailable: 'The server cannot use its database. Try again in a few seconds.',
  contended: 'Others changed the same data at the same time. Try again in a few seconds.',
};

/** The database cannot do this now; the request may be repeated. */
export class DatabaseUnavailableError extends DomainError {
  override readonly code = 'service_unavailable';
  readonly headers = { 'Retry-After': '5' };

  constructor(passing: Passing, cause: unknown) {
    super(messages[passing], {}, { cause });
  }
}

/** The error itself, or a DatabaseUnavailableError when it comes from an error of the database that passes by itself. */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const passing = passingOf(error);
  return passing ? new DatabaseUnavailableError(passing, error) : error;
}
