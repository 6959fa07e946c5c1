import { createHmac } from 'node:crypto';

/**
 * The value of `webhook-signature` (Standard Webhooks 1.0): `v1,` and the HMAC-SHA256 of id, timestamp and body in base64. A
 * secret that begins with `whsec_` is base64 after that; any other is taken letter by letter.
 */
export function signatureOf(secret: string, id: string, timestamp: number, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
