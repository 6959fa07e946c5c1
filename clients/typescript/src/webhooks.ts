import {
  verifiedPayload,
  type VerifyWebhookOptions,
  type WebhookHeaders,
  WebhookVerificationError,
} from './core/index.ts';
import { type WebhookEvent, webhookNames } from './generated/webhooks.ts';

const known: ReadonlySet<string> = new Set(webhookNames);

/**
 * The event in a message to a webhook, once it is certain that Flowpact has sent it: `type` tells them apart. `payload` is
 * the body as it came, before anything has parsed it; while a secret is rotated, both may be given. Throws a
 * `WebhookVerificationError` for a message that is not signed with the secret, is too old, or of a type that this version of
 * the SDK does not know.
 */
export async function verifyWebhook(
  payload: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  options?: VerifyWebhookOptions,
): Promise<WebhookEvent> {
  const event = parsed(await verifiedPayload(payload, headers, secret, options));
  if (typeof event === 'object' && event !== null && 'type' in event && known.has(String(event.type)))
    return event as WebhookEvent;
  throw new WebhookVerificationError('The message is none that this version of the SDK knows.');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WebhookVerificationError('The body is not JSON.', { cause });
  }
}
