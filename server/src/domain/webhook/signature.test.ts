import { expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, signatureHeaders } from './signature.ts';

const message = { id: 'evt_1', timestamp: new Date(), body: '{"a":"ü"}' };

test('the published library of Standard Webhooks verifies what is signed, with any of the secrets', () => {
  const secrets = [newWebhookSecret(), newWebhookSecret()];
  const headers = signatureHeaders(message, secrets);
  for (const secret of secrets) expect(new Webhook(secret).verify(message.body, headers)).toEqual({ a: 'ü' });
  expect(() => new Webhook(newWebhookSecret()).verify(message.body, headers)).toThrow();
});

test('the example of the specification', () => {
  const timestamp = new Date(1_614_265_330 * 1_000);
  const headers = signatureHeaders({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp, body: '{"test": 2432232314}' }, [
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  ]);
  expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('no two secrets are the same, and each is 24 bytes', () => {
  const secrets = Array.from({ length: 50 }, newWebhookSecret);
  expect(new Set(secrets).size).toBe(50);
  for (const secret of secrets) expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(24);
});
