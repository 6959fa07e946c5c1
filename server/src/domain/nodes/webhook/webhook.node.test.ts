import { beforeEach, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { Json } from '../../domain-error.ts';
import { nodeFailure, RecordingHttp, runNode, TestVault } from '../testing/run-node.ts';

const http = new RecordingHttp();
const vault = new TestVault();
const secret = `whsec_${Buffer.from('a secret of the receiver').toString('base64')}`;
const url = 'https://receiver.test/hook';

beforeEach(() => {
  http.sent.length = 0;
  vault.secrets = { SIGNING: secret };
});

const run = async (params: Record<string, Json>): ReturnType<typeof runNode> =>
  runNode('webhook', { url, event: 'order.paid', ...params }, [[url]], { http, vault });

test('a signed call is what the published library of Standard Webhooks verifies', async () => {
  const { result } = await run({ data: { id: 4711 }, secret: vault.markers.of('exec_1', 'SIGNING') });
  const [{ headers, body, method, redirects }] = http.sent as [(typeof http.sent)[0]];
  expect({ method, redirects }).toEqual({ method: 'POST', redirects: 0 });
  const verified = new Webhook(secret).verify(body as string, headers as Record<string, string>);
  expect(verified).toMatchObject({ type: 'order.paid', data: { id: 4711 } });
  expect(result.output).toMatchObject({ status: 200, webhook_id: headers['webhook-id'] });
});

test('each attempt has the same webhook-id and a body of its own time', async () => {
  await run({});
  await run({});
  expect(new Set(http.sent.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(JSON.parse(http.sent[0]!.body as string)).toEqual({
    type: 'order.paid',
    timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
    data: {},
  });
});

test('without a secret there is no signature; own headers go along and none of the reserved ones', async () => {
  await run({ headers: { 'X-Own': 1, 'Webhook-Id': 'forged' } });
  expect(http.sent[0]!.headers).toMatchObject({ 'x-own': '1', 'webhook-id': expect.stringMatching(/^msg_/) });
  expect(http.sent[0]!.headers).not.toHaveProperty('webhook-signature');
});

test('an answer of 400 or above fails the node, unless it is told otherwise; secrets in it are removed', async () => {
  http.answer = () => ({ status: 503, headers: {}, body: Buffer.from(`busy ${secret}`), duration: 1 });
  const params = { url, event: 'x', secret: vault.markers.of('exec_1', 'SIGNING') };
  expect(await nodeFailure('webhook', params, [[url]], { http, vault })).toMatchObject({
    code: 'http_5xx',
    details: { body: 'busy [secret SIGNING]' },
  });
  expect((await run({ fail_on_status: false })).result.output).toMatchObject({ status: 503 });
  http.answer = () => ({ status: 200, headers: {}, body: new Uint8Array(), duration: 1 });
});
