import { type Json, ValidationFailedError } from './domain-error.ts';
import { exceededBound, exceeds } from './json-bounds.ts';

/** NUL and lone surrogates in the escapes of JSON; a backslash that is itself escaped may look like one. */
const suspicious = /\\u(0000|d[89a-f])/i;

/** JSON text that jsonb takes: it holds neither NUL nor lone surrogates, which strings from outside may contain; they are replaced. */
export function toJsonb(value: unknown): string {
  const json = JSON.stringify(value);
  return suspicious.test(json) ? JSON.stringify(storable(JSON.parse(json))) : json;
}

/**
 * Throws ValidationFailedError when the value, named `field` in the request's body, nests too deep, has an object with too
 * many names, or numbers or characters that cannot be stored.
 */
export function checkStorable(field: string, value: Json): void {
  const exceeded = exceededBound(value);
  if (exceeded) throw refused(field, exceeds[exceeded]);
  if (holdsInfinity(value)) throw refused(field, 'has a number that is too large');
  const json = JSON.stringify(value);
  if (!suspicious.test(json) || JSON.stringify(storable(value)) === json) return;
  throw refused(field, 'has a character that cannot be stored: NUL or half of a surrogate pair');
}

/** What JSON text such as 1e999 is read as; written again it would be null. */
function holdsInfinity(value: Json): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((item) => item !== undefined && holdsInfinity(item));
}

function refused(field: string, message: string): ValidationFailedError {
  return new ValidationFailedError(`${field} ${message}.`, [{ field, message, location: 'body' }]);
}

/** The text without NUL and lone surrogates, as `toJsonb` writes it. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [storableText(key), storable(item)]));
}
