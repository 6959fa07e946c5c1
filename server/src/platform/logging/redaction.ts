/** Names of properties whose values never reach a log, wherever in the logged object they stand (down to five levels). */
const secretNames = [
  'authorization',
  'cookie',
  'set-cookie',
  'x-api-key',
  'proxy-authorization',
  'idempotency-key',
  'password',
  'passwordHash',
  'password_hash',
  'secret',
  'secrets',
  'secretHash',
  'token',
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'apiKey',
  'api_key',
  'connectionString',
];

const levels = 5;

/** Paths for pino's `redact`. */
export const redactedPaths = Array.from({ length: levels }, (_, depth) =>
  secretNames.map((name) => `${'*.'.repeat(depth)}${bracket(name)}`),
).flat();

const secretShapes: readonly [RegExp, string][] = [
  [/fp_(live|test|reset|ticket)_[\w-]+/g, 'fp_$1_[redacted]'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '[redacted token]'],
  [/\b(Bearer|Basic) [\w.~+/=-]+/g, '$1 [redacted]'],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*):[^\s/@"]+@/g, '$1:[redacted]@'],
];

/** Removes what looks like an API key, a token, or a password in a URL from a line of text: the net below `redact`. */
export function withoutSecrets(line: string): string {
  return secretShapes.reduce((text, [shape, replacement]) => text.replace(shape, replacement), line);
}

function bracket(name: string): string {
  return /^\w+$/.test(name) ? name : `["${name}"]`;
}
