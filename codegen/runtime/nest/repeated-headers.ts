import { RequestFailure } from './failure.ts';

/**
 * Fields of which a request has one at most (RFC 9110 section 5.3; for `Host` RFC 9112 section 3.2). Node refuses a second
 * Content-Length by itself, and of the others it keeps the first: a proxy before it may have kept the last.
 */
const singletons = new Set(['host', 'authorization', 'content-type', 'content-length', 'content-encoding', 'origin']);

/** What to answer to a request that has such a field twice; undefined for all others. `raw`: names and values in turn. */
export function repeatedHeader(raw: readonly string[]): RequestFailure | undefined {
  let seen: string[] | undefined;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]!.toLowerCase();
    if (!singletons.has(name)) continue;
    if (seen?.includes(name)) return failureOf(raw[index]!);
    (seen ??= []).push(name);
  }
  return undefined;
}

function failureOf(field: string): RequestFailure {
  const message = 'is there more than once';
  return new RequestFailure('validation', `The header ${field} ${message}.`, {
    details: { errors: [{ field, message, location: 'header' }] },
  });
}
