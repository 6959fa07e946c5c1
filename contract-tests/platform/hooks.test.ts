import { createHmac, randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, FAILING, publishedWorkflow, QUICK, SLOW } from '../harness/resources.ts';

// Inbound URLs are in no contract: what they take and answer is what their triggers say. Their refusals have its codes and shapes.

const harness = useContractHarness();

interface Made {
  id: string;
  url: string;
  secret: string;
}

const open = { type: 'none' };
/** Shows what an execution saw of the request. */
const MIRROR = {
  nodes: [{ id: 'see', type: 'set', params: { values: { seen: '{{ trigger }}' } } }],
  edges: [],
  output: { seen: '{{ trigger }}', input: '{{ input }}' },
};

async function hook(auth: object, more: object = {}, fields: object = {}, definition: unknown = MIRROR): Promise<Made> {
  const workflow_id = await publishedWorkflow(harness(), definition);
  const config = { kind: 'webhook', auth, respond: 'last_node', ...more };
  const { body } = await harness().call('createTrigger', { json: { workflow_id, name: 'Hook', config, ...fields } });
  const { trigger, secret } = body.data;
  return { id: trigger.id, url: trigger.url, secret: secret ?? '' };
}

async function send(url: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') {
  const sent = typeof body === 'string' || body instanceof FormData ? body : JSON.stringify(body);
  const type = typeof sent === 'string' ? { 'content-type': 'application/json' } : {};
  const init = { method, headers: { ...type, ...headers }, ...(method !== 'GET' && { body: sent }) };
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  // eslint-disable-next-line typescript/no-explicit-any -- a workflow may answer with anything
  return { status: response.status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : text) as any };
}

const execution = async (id: string) =>
  (await harness().call('getExecution', { path: { execution_id: id } })).body.data;

describe('what an execution sees', () => {
  test('body, method, path, query and headers, and none that prove anything', async () => {
    const { url, id } = await hook(open, { methods: ['PUT'], path: '/orders/{order_id}' });
    const headers = { 'x-shop': 'one', authorization: 'Bearer x', cookie: 'a=b' };
    const { body } = await send(`${url}/orders/A%201?tag=a&tag=b`, { total: 3 }, headers, 'PUT');
    expect(body.input).toEqual({ total: 3 });
    expect(body.seen).toMatchObject({
      type: 'webhook',
      trigger_id: id,
      method: 'PUT',
      path: '/orders/A 1',
      params: { order_id: 'A 1' },
      query: { tag: ['a', 'b'] },
      body: { total: 3 },
      headers: expect.objectContaining({ 'x-shop': 'one' }),
    });
    expect(Object.keys(body.seen.headers)).not.toEqual(expect.arrayContaining(['authorization']));
    expect(Object.keys(body.seen.headers)).not.toEqual(expect.arrayContaining(['cookie']));
  });

  test('the input that the trigger makes of it', async () => {
    const input = { twice: '{{ trigger.body.n * 2 }}', name: 'Order {{ trigger.query.id }}' };
    const { url } = await hook(open, {}, { input });
    expect((await send(`${url}?id=7`, { n: 4 })).body.input).toEqual({ twice: 8, name: 'Order 7' });
  });

  test.each<[type: string, body: string, seen: unknown]>([
    ['application/vnd.github+json', '[1,2]', [1, 2]],
    ['application/x-www-form-urlencoded', 'a=1&a=2&b=%20', { a: ['1', '2'], b: ' ' }],
    ['text/plain', 'hello', 'hello'],
    ['application/octet-stream', 'raw', Buffer.from('raw').toString('base64')],
    ['application/json', '', null],
  ])('a body of %s', async (type, body, seen) => {
    const { url } = await hook(open);
    expect((await send(url, body, { 'content-type': type })).body.seen.body).toEqual(seen);
  });

  test('a form with a file', async () => {
    const { url } = await hook(open);
    const form = new FormData();
    form.set('name', 'Ada');
    form.set('file', new File(['abc'], 'a.txt', { type: 'text/plain' }));
    const { body } = await send(url, form);
    expect(body.seen.body).toEqual({ name: 'Ada', file: { name: 'a.txt', type: 'text/plain', base64: 'YWJj' } });
  });

  test('a GET has no body', async () => {
    const { url } = await hook(open, { methods: ['GET'] });
    expect((await send(`${url}?a=1`, '', {}, 'GET')).body.seen).toMatchObject({ body: null, query: { a: '1' } });
  });
});

describe('answers', () => {
  test('202: at once, with where to follow', async () => {
    const { url, id } = await hook(open, { respond: 'immediately' });
    const { status, body, headers } = await send(url, {});
    const { execution_id } = body.data;
    expect({ status, body }).toEqual({
      status: 202,
      body: {
        data: { execution_id, workflow_id: expect.stringMatching(/^wf_/), trigger_id: id, status: 'pending' },
        meta: { request_id: headers.get('x-request-id'), timestamp: expect.any(String) },
      },
    });
    expect(headers.get('location')).toBe(`/v1/executions/${execution_id}`);
    expect((await execution(execution_id)).started_by).toEqual({ type: 'trigger', id });
  });

  test('200: the output of the last node, where the workflow has no output of its own', async () => {
    const { output: _, ...definition } = QUICK;
    const last = { id: 'last', type: 'set', params: { values: { sum: '{{ input.n + 1 }}' } } };
    const nodes = [...definition.nodes, last];
    const edges = [...definition.edges, { id: 'e2', from: 'say', to: 'last', port: 'default' }];
    const { url } = await hook(open, {}, {}, { ...definition, nodes, edges });
    const { status, body, headers } = await send(url, { n: 1 });
    expect({ status, body }).toEqual({ status: 200, body: { sum: 2 } });
    expect(headers.get('x-execution-id')).toMatch(/^exec_/);
  });

  test('what a respond node says, while the execution goes on', async () => {
    const params = {
      status: 201,
      headers: { 'x-shop': 'two', 'content-type': 'text/html', 'set-cookie': 'a=b', 'content-security-policy': 'none' },
      body: '<p>{{ trigger.body.n }}</p>',
    };
    const definition = {
      nodes: [{ id: 'say', type: 'respond', params }, ...SLOW.nodes],
      edges: [{ id: 'e1', from: 'say', to: 'pause', port: 'default' }],
    };
    const { url } = await hook(open, { respond: 'respond_node' }, {}, definition);
    const { status, text, headers } = await send(url, { n: 5 });
    expect({ status, text }).toEqual({ status: 201, text: '<p>5</p>' });
    expect(headers.get('content-type')).toBe('text/html');
    expect(headers.get('x-shop')).toBe('two');
    expect(headers.get('set-cookie')).toBeNull();
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
    const execution_id = headers.get('x-execution-id')!;
    expect(['running', 'waiting']).toContain((await execution(execution_id)).status);
    await harness().call('cancelExecution', { path: { execution_id } });
  });

  test('a respond node that never comes: the output', async () => {
    const { url } = await hook(open, { respond: 'respond_node' }, {}, QUICK);
    expect(await send(url, { n: 2 })).toMatchObject({ status: 200, body: { twice: 4 } });
  });

  test('202: the time is up, and the execution goes on', async () => {
    const { url } = await hook(open, { timeout_seconds: 1 }, {}, SLOW);
    const { status, body } = await send(url, {});
    expect({ status, goes: body.data.execution_id }).toEqual({ status: 202, goes: expect.stringMatching(/^exec_/) });
    await harness().call('cancelExecution', { path: { execution_id: body.data.execution_id } });
  });

  test('500: an execution that fails, without the words of its nodes', async () => {
    const { url } = await hook(open, {}, {}, FAILING);
    const { status, body, text } = await send(url, {});
    expect({ status, code: body.error.code }).toEqual({ status: 500, code: 'execution_failed' });
    expect(body.error.details).toMatchObject({ status: 'failed', execution_id: expect.stringMatching(/^exec_/) });
    expect(text).not.toContain('No more');
  });
});

describe('who may send', () => {
  test('api_key: the secret in the header that was chosen', async () => {
    const { url, secret } = await hook({ type: 'api_key', header: 'X-Shop-Key' });
    const { status, body } = await send(url, {}, { 'x-shop-key': secret });
    expect(status).toBe(200);
    expect(body.seen.headers).not.toHaveProperty('x-shop-key');
    expect(await send(url, {}, { 'x-shop-key': `${secret}x` })).toMatchObject({
      status: 401,
      body: { error: { code: 'invalid_credentials' } },
    });
  });

  test('bearer: the secret before and after a rotation with an overlap', async () => {
    const { url, secret, id } = await hook({ type: 'bearer' });
    const status = async (token: string) => (await send(url, {}, { authorization: `Bearer ${token}` })).status;
    const rotate = async (overlap_seconds: number): Promise<string> => {
      const path = { trigger_id: id };
      return (await harness().call('rotateTriggerSecret', { path, json: { overlap_seconds } })).body.data.secret;
    };
    const second = await rotate(60);
    expect([await status(secret), await status(second), await status('wrong')]).toEqual([200, 200, 401]);
    const third = await rotate(0);
    expect([await status(secret), await status(second), await status(third)]).toEqual([401, 401, 200]);
  });

  test('hmac: what the published Standard Webhooks library signs, once', async () => {
    const { url, secret, id } = await hook({ type: 'hmac' });
    const payload = JSON.stringify({ order: 'A-1', text: 'ü' });
    const sign = (by: string, at = new Date()): Record<string, string> => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': new Webhook(by).sign('msg_1', at, payload),
    });
    const twins = await Promise.all([1, 2, 3, 4].map(() => send(url, payload, sign(secret))));
    const again = await send(url, payload, sign(secret));
    expect(again).toMatchObject({ status: 200, body: { input: { order: 'A-1', text: 'ü' } } });
    const ids = [...twins, again].map(({ headers }) => headers.get('x-execution-id'));
    expect(new Set(ids)).toEqual(new Set([expect.stringMatching(/^exec_/)]));
    expect((await send(url, `${payload} `, sign(secret))).status).toBe(401);
    expect((await send(url, payload, sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'))).status).toBe(401);
    expect((await send(url, payload, sign(secret, new Date(Date.now() - 3_600_000)))).status).toBe(401);
    expect((await send(url, payload)).status).toBe(401);
    const listed = await harness().call('listExecutions', { query: { per_page: 100 } });
    expect(listed.body.data.filter((one: { started_by: { id: string } }) => one.started_by.id === id)).toHaveLength(1);
  });

  test('hmac: the digest of the body, as GitHub sends it', async () => {
    const secret = 'the-secret-at-github';
    const auth = { type: 'hmac', format: 'body', header: 'X-Hub-Signature-256', prefix: 'sha256=' };
    const { url } = await hook(auth, {}, { secret });
    const digest = createHmac('sha256', secret).update('{"a":1}').digest('hex');
    expect((await send(url, '{"a":1}', { 'x-hub-signature-256': `sha256=${digest}` })).status).toBe(200);
    expect((await send(url, '{"a":2}', { 'x-hub-signature-256': `sha256=${digest}` })).status).toBe(401);
    expect((await send(url, '{"a":1}', { 'x-hub-signature-256': digest })).status).toBe(401);
  });

  test('hmac: a time and a digest in one header, as Stripe sends it', async () => {
    const secret = 'whsec_of_stripe_itself';
    const { url } = await hook({ type: 'hmac', format: 'timestamped', header: 'Stripe-Signature' }, {}, { secret });
    const header = (time: number): Record<string, string> => {
      const digest = createHmac('sha256', secret).update(`${time}.{}`).digest('hex');
      return { 'stripe-signature': `t=${time},v1=${'0'.repeat(64)},v1=${digest}` };
    };
    const now = Math.floor(Date.now() / 1_000);
    expect((await send(url, '{}', header(now))).status).toBe(200);
    expect((await send(url, '{}', header(now - 600))).status).toBe(401);
  });
});

describe('refusals', () => {
  test.each(['x', 'A'.repeat(24)])('404: a URL that nobody gave out (%s)', async (token) => {
    const { status, body, headers } = await send(`${harness().server.url}/hooks/${token}`, {});
    expect({ status, code: body.error.code }).toEqual({ status: 404, code: 'resource_not_found' });
    expect(headers.get('x-request-id')).toBe(body.meta.request_id);
  });

  test('404: a path that the trigger does not have', async () => {
    const { url } = await hook(open, { path: '/orders/{order_id}' });
    for (const path of ['', '/orders', '/orders/', '/orders/1/2', '/other/1'])
      expect((await send(`${url}${path}`, {})).status).toBe(404);
  });

  test('405: a method that the trigger does not take', async () => {
    const { url } = await hook(open, { methods: ['POST', 'PUT'] });
    const { status, headers, body } = await send(url, {}, {}, 'PATCH');
    expect({ status, allow: headers.get('allow'), code: body.error.code }).toEqual({
      status: 405,
      allow: 'POST, PUT',
      code: 'method_not_allowed',
    });
  });

  test('409: a trigger that is disabled, and a workflow that is not published', async () => {
    const { url, id } = await hook(open);
    await harness().call('disableTrigger', { path: { trigger_id: id } });
    expect(await send(url, {})).toMatchObject({ status: 409, body: { error: { code: 'trigger_disabled' } } });
    const workflow_id = await draftWorkflow(harness());
    const json = { workflow_id, name: 'Draft', config: { kind: 'webhook', auth: open } };
    const { body } = await harness().call('createTrigger', { json });
    expect(await send(body.data.trigger.url, {})).toMatchObject({
      status: 409,
      body: { error: { code: 'workflow_not_published' } },
    });
  });

  test.each<[why: string, body: string, headers: Record<string, string>, status: number, code: string]>([
    ['JSON that is none', '{"a":', {}, 400, 'validation_error'],
    ['a character that cannot be stored', '{"a":"\\u0000"}', {}, 400, 'validation_error'],
    ['an input that the workflow does not take', '{"n":"x"}', {}, 400, 'validation_error'],
    ['nesting without end', '['.repeat(9_000) + ']'.repeat(9_000), {}, 400, 'validation_error'],
    ['a form that is none', 'a=1', { 'content-type': 'multipart/form-data' }, 400, 'validation_error'],
    ['a body beyond the limit', 'x'.repeat(1_100_000), {}, 413, 'payload_too_large'],
  ])('%s', async (_why, body, headers, status, code) => {
    const { url } = await hook(open, {}, {}, QUICK);
    const sent = await send(url, body, headers);
    expect({ status: sent.status, code: sent.body.error.code }).toEqual({ status, code });
  });

  test('as problem details for those who ask', async () => {
    const { url } = await hook({ type: 'bearer' });
    const { status, body, headers } = await send(url, {}, { accept: 'application/problem+json' });
    expect({ status, type: body.type }).toEqual({ status: 401, type: 'urn:flowpact:error:invalid_credentials' });
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(headers.get('www-authenticate')).toBeTruthy();
  });
});

test('starts are counted, and the log does not tell the URL', async () => {
  const { url, id } = await hook(open, { respond: 'immediately' });
  await Promise.all(Array.from({ length: 5 }, () => send(url, {}, { 'idempotency-key': randomUUID() })));
  for (;;) {
    const { body } = await harness().call('getTrigger', { path: { trigger_id: id } });
    if (body.data.trigger_count < 5) continue;
    expect(body.data).toMatchObject({ trigger_count: 5, last_triggered_at: expect.any(String) });
    break;
  }
  const logs = JSON.stringify(harness().server.logs);
  expect(logs).toContain('POST /hooks/* 202');
  expect(logs).not.toContain(new URL(url).pathname);
});
