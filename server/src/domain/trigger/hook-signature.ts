import { createHmac, timingSafeEqual } from 'node:crypto';
import { signingKey } from './hook-secret.ts';
import type { HmacAuth } from './trigger-config.ts';

/** What a signature is checked against. */
export interface SignedRequest {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** Whether the request is signed with the secret, and not too long ago at `now` (Unix milliseconds) where the format has a time. */
export function isSigned(auth: HmacAuth, secret: string, request: SignedRequest, now: number): boolean {
  const key = signingKey(secret, auth);
  switch (auth.format) {
    case 'standard_webhooks':
      return holdsStandard(auth, key, request, now);
    case 'timestamped':
      return holdsTimestamped(auth, key, request, now);
    case 'body':
      return holdsBody(auth, key, request);
  }
}

/** Standard Webhooks 1.0: `v1,<base64>` of `<id>.<timestamp>.<body>`, several parted by spaces. */
function holdsStandard({ toleranceSeconds }: HmacAuth, key: Buffer, { headers, body }: SignedRequest, now: number) {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signatures = '' } = headers;
  if (id === '' || !isRecent(timestamp, toleranceSeconds, now)) return false;
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
  return signatures
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .some((signature) => sameBytes(Buffer.from(signature.slice(3), 'base64'), expected));
}

/** `t=<unix seconds>,v1=<hex>` over `<t>.<body>`; there may be several `v1`. */
function holdsTimestamped(auth: HmacAuth, key: Buffer, { headers, body }: SignedRequest, now: number): boolean {
  const parts = (headers[auth.header.toLowerCase()] ?? '').split(',').map((part) => part.trim().split('=', 2));
  const timestamp = parts.find(([name]) => name === 't')?.[1] ?? '';
  if (!isRecent(timestamp, auth.toleranceSeconds, now)) return false;
  const expected = createHmac('sha256', key).update(`${timestamp}.`).update(body).digest();
  return parts.some(([name, value = '']) => name === 'v1' && sameBytes(Buffer.from(value, 'hex'), expected));
}

/** The digest of the body, after a prefix. */
function holdsBody({ header, prefix, algorithm, encoding }: HmacAuth, key: Buffer, { headers, body }: SignedRequest) {
  const value = headers[header.toLowerCase()] ?? '';
  if (!value.startsWith(prefix)) return false;
  const expected = createHmac(algorithm, key).update(body).digest();
  return sameBytes(Buffer.from(value.slice(prefix.length), encoding), expected);
}

function isRecent(timestamp: string, toleranceSeconds: number, now: number): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(Number(timestamp) * 1_000 - now) <= toleranceSeconds * 1_000;
}

/** Takes as long for a near miss as for a wide one. */
export function sameBytes(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
