import { ValidationFailedError } from '../../domain/domain-error.ts';
import { isWritable } from '../../domain/moment.ts';

/** A moment as the contract writes it: RFC 3339 in UTC, with milliseconds; null when there is none. */
export function toTime(time: Date | null | undefined): string | null {
  return time?.toISOString() ?? null;
}

/**
 * A moment of a request; what is null or absent stays so. Throws ValidationFailedError for one outside of the years 1 to
 * 9999, which RFC 3339 can name by way of an offset.
 */
export function fromTime<Absent extends null | undefined>(
  time: string | Absent,
  field: string,
  location: 'body' | 'query',
): Date | Absent {
  if (typeof time !== 'string') return time;
  const moment = new Date(time);
  if (isWritable(moment.getTime())) return moment;
  const message = 'must be in the years 1 to 9999 of UTC';
  throw new ValidationFailedError(`${field} ${message}.`, [{ field, message, location }]);
}
