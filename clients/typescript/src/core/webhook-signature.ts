import { FlowpactError } from './errors.ts';

/** The message is not from whom it should be, or not of now: answer 400 and do nothing. */
export class WebhookVerificationError extends FlowpactError {}

/** Headers as Fetch, Node and Express have them; names in any case. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyWebhookOptions {
  /** Seconds that the message may be old, or ahead of this machine's clock. Default 300. */
  tolerance?: number;
  /** The time to hold it against, for tests. */
  now?: Date;
}

/**
 * The body of a message that is signed as Standard Webhooks 1.0 says, as text. `payload` is the body as it came, before
 * anything has parsed it; of several secrets one has to fit. Throws a `WebhookVerificationError`.
 */
export async function verifiedPayload(
  payload: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  { tolerance = 300, now = new Date() }: VerifyWebhookOptions = {},
): Promise<string> {
  const id = header(headers, 'webhook-id');
  const timestamp = header(headers, 'webhook-timestamp');
  const given = header(headers, 'webhook-signature');
  const age = now.getTime() / 1_000 - Number(timestamp);
  if (!/^\d{1,12}$/.test(timestamp))
    throw new WebhookVerificationError('webhook-timestamp is not a number of seconds.');
  if (Math.abs(age) > tolerance)
    throw new WebhookVerificationError(`The message is ${Math.round(age)} seconds old; ${tolerance} are allowed.`);
  const body = typeof payload === 'string' ? payload : decode(payload);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signatures = given.split(' ').flatMap((part) => (part.startsWith('v1,') ? (bytesOf(part.slice(3)) ?? []) : []));
  for (const each of typeof secret === 'string' ? [secret] : secret) {
    const key = await keyOf(each);
    for (const signature of signatures) if (await crypto.subtle.verify('HMAC', key, signature, signed)) return body;
  }
  throw new WebhookVerificationError('No signature fits: another secret, or a body that was changed on its way.');
}

function header(headers: WebhookHeaders, name: string): string {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([key, value]) => key.toLowerCase() === name && value !== undefined)?.[1];
  const text = typeof found === 'object' && found !== null ? found.join(' ') : found;
  if (text) return text;
  throw new WebhookVerificationError(`The header ${name} is missing.`);
}

function decode(payload: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
  } catch (cause) {
    throw new WebhookVerificationError('The body is not text.', { cause });
  }
}

async function keyOf(secret: string): Promise<Awaited<ReturnType<typeof crypto.subtle.importKey>>> {
  const bytes = bytesOf(secret.replace(/^whsec_/, ''));
  // No message, cause or property of an error holds a secret.
  if (!bytes || bytes.length === 0) throw new TypeError('The secret of a webhook is `whsec_` and base64.');
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
