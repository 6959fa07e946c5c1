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

// Each takes a time that is proportional to the line, whatever stands in it: strangers choose the paths of requests.
const secretShapes: readonly [RegExp, string][] = [
  [/fp_(live|test)_[\w-]+/g, 'fp_$1_[redacted]'],
  [/\b(Bearer|Basic) [\w.~+/=-]+/g, '$1 [redacted]'],
  [/([a-z0-9+.-]:\/\/[^\s:/@"]*):[^\s/@"]+@/g, '$1:[redacted]@'],
];

/** Removes what looks like an API key, a token, or a password in a URL from a line of text: the net below `redact`. */
export function withoutSecrets(line: string): string {
  return secretShapes.reduce((text, [shape, replacement]) => text.replace(shape, replacement), withoutTokens(line));
}

/** Without JSON Web Tokens: three parts with points between them, the first of which is an object in base64. */
function withoutTokens(line: string): string {
  if (!line.includes('eyJ')) return line;
  return line.replaceAll(/[\w.-]+/g, (run) => {
    const parts = run.split('.');
    const kept: string[] = [];
    for (let at = 0; at < parts.length; at += 1) {
      const begin = parts[at]!.search(/\beyJ[\w-]/);
      const isToken = begin >= 0 && Boolean(parts[at + 1]) && Boolean(parts[at + 2]);
      kept.push(isToken ? `${parts[at]!.slice(0, begin)}[redacted token]` : parts[at]!);
      if (isToken) at += 2;
    }
    return kept.join('.');
  });
}

function bracket(name: string): string {
  return /^\w+$/.test(name) ? name : `["${name}"]`;
}
