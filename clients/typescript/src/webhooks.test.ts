import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { verifyWebhook, type WebhookEvent, WebhookVerificationError } from './index.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const now = new Date('2026-11-22T10:30:00Z');
const body = JSON.stringify({
  id: 'evt_01kaq5f2m8e3s4t5v6w7x8y9z0',
  type: 'webhook.test',
  timestamp: '2026-11-22T10:29:59.131Z',
  data: { webhook_id: 'wh_01kaq5d2m8e3s4t5v6w7x8y9z0', note: 'ü' },
});

/** As the published library of Standard Webhooks signs. */
function signed(text = body, { by = secret, at = now } = {}): Record<string, string> {
  return {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(by).sign('evt_1', at, text),
  };
}

const refused = async (verifying: Promise<WebhookEvent>, message: string): Promise<void> => {
  await expect(verifying).rejects.toThrow(WebhookVerificationError);
  await expect(verifying).rejects.toThrow(message);
};

test('what the published library signs is verified, and typed by its type', async () => {
  const event = await verifyWebhook(body, signed(), secret, { now });
  expect(event).toEqual(JSON.parse(body));
  // Compiles only because `type` tells the events apart.
  if (event.type === 'webhook.test') expect(event.data.webhook_id).toBe('wh_01kaq5d2m8e3s4t5v6w7x8y9z0');
});

describe('messages come in many shapes', () => {
  const upper = (): Record<string, string> =>
    Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name.toUpperCase(), value]));
  test.each([
    ['a Headers object', body, new Headers(signed())],
    ['bytes', new TextEncoder().encode(body), signed()],
    ['a Buffer', Buffer.from(body), signed()],
    ['headers in capitals', body, upper()],
    ['lists of values', body, Object.fromEntries(Object.entries(signed()).map(([name, value]) => [name, [value]]))],
    [
      'a second signature that is meant for another key',
      body,
      { ...signed(), 'webhook-signature': `v1,AAAA v1a,xyz ${signed()['webhook-signature']}` },
    ],
  ])('%s', async (_, payload, headers) => {
    expect(await verifyWebhook(payload, headers, secret, { now })).toMatchObject({ type: 'webhook.test' });
  });
});

test.each([-300, 300])(
  'a message that is %i seconds off is taken, and no more than the caller allows',
  async (seconds) => {
    const headers = signed(body, { at: new Date(now.getTime() - seconds * 1_000) });
    expect((await verifyWebhook(body, headers, secret, { now })).type).toBe('webhook.test');
    expect((await verifyWebhook(body, headers, secret, { now, tolerance: 300 })).type).toBe('webhook.test');
    await refused(
      verifyWebhook(body, headers, secret, { now, tolerance: 299 }),
      `The message is ${seconds} seconds old; 299 are`,
    );
  },
);

test('a message of now is taken by the clock of this machine', async () => {
  const at = new Date();
  expect((await verifyWebhook(body, signed(body, { at }), secret)).type).toBe('webhook.test');
});

test('a secret may come without whsec_', async () => {
  expect((await verifyWebhook(body, signed(), secret.slice('whsec_'.length), { now })).type).toBe('webhook.test');
});

test('a secret of nothing is none', async () => {
  await expect(verifyWebhook(body, signed(), 'whsec_', { now })).rejects.toThrow('The secret of a webhook is');
});

test('during a rotation either secret will do', async () => {
  const event = await verifyWebhook(body, signed(body, { by: other }), [secret, other], { now });
  expect(event.type).toBe('webhook.test');
});

describe('refused', () => {
  test('another secret', () => refused(verifyWebhook(body, signed(), other, { now }), 'No signature fits'));

  test('a body that was changed', () =>
    refused(verifyWebhook(`${body} `, signed(), secret, { now }), 'No signature fits'));

  test('another id', () =>
    refused(verifyWebhook(body, { ...signed(), 'webhook-id': 'evt_2' }, secret, { now }), 'No signature fits'));

  test('signatures that are none', async () => {
    for (const signature of ['v1', 'v1,', 'v1,%%%', 'v2,AAAA', 'AAAA'])
      await refused(
        verifyWebhook(body, { ...signed(), 'webhook-signature': signature }, secret, { now }),
        'No signature fits',
      );
  });

  test.each([-301, 301])('a message that is %i seconds off', (seconds) =>
    refused(
      verifyWebhook(body, signed(body, { at: new Date(now.getTime() - seconds * 1_000) }), secret, { now }),
      'seconds old',
    ),
  );

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('without %s', (name) =>
    refused(verifyWebhook(body, { ...signed(), [name]: undefined }, secret, { now }), `${name} is missing`),
  );

  test('a timestamp that is no number', () =>
    refused(verifyWebhook(body, { ...signed(), 'webhook-timestamp': 'soon' }, secret, { now }), 'not a number'));

  test('a type that is not known, and what is no event at all', async () => {
    for (const text of ['{"type":"moon.landed"}', '[]', 'null', '1', 'text'])
      await refused(verifyWebhook(text, signed(text), secret, { now }), text === 'text' ? 'not JSON' : 'none that');
  });

  test('bytes that are no text', () =>
    refused(verifyWebhook(Uint8Array.of(0xff), signed(), secret, { now }), 'not text'));

  test('a secret that is none, without showing it', async () => {
    await expect(verifyWebhook(body, signed(), 'whsec_%%%', { now })).rejects.toThrow('The secret of a webhook is');
  });
});
