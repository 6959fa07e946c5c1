import { DomainError } from '../../domain/domain-error.ts';
import { translateDatabaseError } from '../../platform/database/unavailable.ts';

/** Errors as the runtime is to see them: a lost database by its name, and `Retry-After` where the details say when. */
export function translateError(error: unknown): unknown {
  const translated = translateDatabaseError(error);
  if (!(translated instanceof DomainError)) return translated;
  const { retry_after: retryAfter } = translated.details;
  if (typeof retryAfter !== 'number') return translated;
  return Object.assign(translated, { headers: { 'Retry-After': String(retryAfter) } });
}
