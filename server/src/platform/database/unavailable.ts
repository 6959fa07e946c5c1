import { DomainError } from '../../domain/domain-error.ts';

/** The database cannot be reached now; the request may be repeated. */
export class DatabaseUnavailableError extends DomainError {
  override readonly code = 'service_unavailable';
  readonly headers = { 'Retry-After': '5' };

  constructor(cause: unknown) {
    super('The server cannot reach its database. Try again in a few seconds.', {}, { cause });
  }
}

/** What the system and PostgreSQL (classes 08, 53 and 57P) call a connection that is lost, refused or not to be had. */
const codes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  '53300',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
]);

/** What `pg` and its pool say, without a code. */
const messages =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable|connection error|pool after calling end/i;

interface Cause {
  code?: unknown;
  message?: unknown;
  cause?: Cause;
}

/** The error itself, or a DatabaseUnavailableError when a lost database is what it comes from. */
export function translateDatabaseError(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  // By shape, not by class: what the system throws may come from another realm than this file's `Error`.
  for (let cause = error as Cause | undefined, depth = 0; cause && depth < 8; cause = cause.cause, depth += 1) {
    const code = String(cause.code ?? '');
    if (codes.has(code) || code.startsWith('08') || messages.test(String(cause.message)))
      return new DatabaseUnavailableError(error);
  }
  return error;
}
