import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket, type ClientOptions } from 'ws';
import { NotFoundError, type models, type WebSocketLike } from '#sdk';
import { ServerProcess } from '../../server/test/server-process.ts';
import { until } from '../../server/test/until.ts';
import { useContractHarness } from '../harness/contract-harness.ts';
import { breakingAfter, LiveClient, RefusedUpgrade, type LiveMessage } from '../harness/live-client.ts';
import { apiKey, publishedWorkflow, SLOW } from '../harness/resources.ts';
import { finishedExecution } from '../harness/tags/live.ts';
import { parseEventStream } from '../verifier/event-stream.ts';
import { LiveMessages } from '../verifier/live-messages.ts';

const harness = useContractHarness({ settings: { LIVE_PING_INTERVAL: 1 } });
const violations: string[] = [];
let asyncapi: LiveMessages;

beforeAll(async () => {
  asyncapi = await LiveMessages.load();
});
afterEach(() => {
  expect(violations.splice(0)).toEqual([]);
});

interface Handshake extends Omit<ClientOptions, 'headers'> {
  headers?: Record<string, string>;
  apiKey?: string | null;
  base?: string;
}

function open(path: string, handshake: Handshake = {}): Promise<LiveClient> {
  const { apiKey: key = harness().server.admin.apiKey, base = harness().server.url, headers, ...options } = handshake;
  const credentials: Record<string, string> = key === null ? {} : { 'x-api-key': key };
  return LiveClient.open(base + path, asyncapi, { ...options, headers: { ...credentials, ...headers } }, violations);
}

/** The HTTP answer instead of a connection; it must be one that the contract gives the event stream. */
async function refusal(path: string, handshake: Handshake = {}): Promise<{ status: number; code: string }> {
  const refused = await open(path, handshake).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refused instanceof RefusedUpgrade)) throw refused ?? new Error('The server let it in.');
  const headers = Object.entries(refused.headers).map(([name, value]) => [name, [value].flat().map(String)]);
  const { violations: found } = harness().verifier.verify({
    method: 'GET',
    url: '/v1/executions/none/events',
    status: refused.status,
    headers: Object.fromEntries(headers) as Record<string, string[]>,
    body: Buffer.from(JSON.stringify(refused.body)),
    truncated: false,
  });
  violations.push(...found);
  return { status: refused.status, code: refused.body.error.code };
}

async function ticket(json: object = {}): Promise<string> {
  const { status, body } = await harness().call('createStreamTicket', { json });
  expect(status).toBe(200);
  return body.data.ticket;
}

async function slowExecution(key = harness().server.admin.apiKey): Promise<string> {
  const json = { name: 'Slow', definition: SLOW };
  const { body: made } = await harness().call('createWorkflow', { json, apiKey: key });
  const path = { workflow_id: made.data.id as string };
  await harness().call('publishWorkflow', { path, json: {}, apiKey: key });
  const { body } = await harness().call('executeWorkflow', { path, json: {}, apiKey: key });
  return body.data.id;
}

/** An event stream that stays open until it is closed, or until the server ends it. */
async function openStream(id: string, key: string) {
  const controller = new AbortController();
  const headers = { 'x-api-key': key };
  const url = `${harness().server.url}/v1/executions/${id}/events`;
  const answer = await fetch(url, { headers, signal: controller.signal });
  const ended = answer.text().then(
    () => true,
    () => false,
  );
  return { status: answer.status, ended, close: () => controller.abort() };
}

const cancel = (id: string): Promise<unknown> => harness().call('cancelExecution', { path: { execution_id: id } });
const sequences = (messages: LiveMessage[]): (number | undefined)[] => messages.map(({ sequence }) => sequence);
const stored = (messages: LiveMessage[]): LiveMessage[] =>
  messages.filter(({ type }) => /^(node|execution):/.test(type));

describe('/ws/executions/{execution_id}', () => {
  test('sends what the event stream sends, then closes with 1000', async () => {
    const id = await finishedExecution(harness());
    const client = await open(`/ws/executions/${id}`);
    expect(await client.closed).toBe(1000);
    const { text } = await harness().call('streamExecutionEvents', { path: { execution_id: id } });
    const events = parseEventStream(text, { complete: true }).map(({ data }) => JSON.parse(data) as LiveMessage);
    expect(client.messages[0]).toMatchObject({ type: 'connected', sequence: 0, data: { status: 'completed' } });
    expect(client.messages.slice(1)).toEqual(events.slice(1));
    expect(client.messages.at(-1)!.type).toBe('execution:completed');
  });

  test('sends events as they happen', async () => {
    const id = await slowExecution();
    const client = await open(`/ws/executions/${id}`);
    await client.next(({ type }) => type === 'execution:waiting');
    await cancel(id);
    await client.next(({ type }) => type === 'execution:cancelled');
    expect(await client.closed).toBe(1000);
    const order = sequences(client.messages.slice(1));
    expect(order).toEqual(order.toSorted((a, b) => a! - b!));
  });

  test('begins after the event that `after` names', async () => {
    const id = await finishedExecution(harness());
    const whole = await open(`/ws/executions/${id}`);
    await whole.closed;
    const { sequence } = stored(whole.messages)[1]!;
    const rest = await open(`/ws/executions/${id}?after=${sequence}`);
    await rest.closed;
    expect(rest.messages[0]).toMatchObject({ type: 'connected', sequence });
    expect(stored(rest.messages)).toEqual(stored(whole.messages).slice(2));
  });

  test('answers a ping, and takes no subscriptions', async () => {
    const id = await slowExecution();
    const client = await open(`/ws/executions/${id}`);
    client.send({ type: 'ping' });
    await client.next(({ type }) => type === 'pong');
    client.send({ type: 'subscribe', execution_id: id });
    expect(await client.next(({ type }) => type === 'error')).toMatchObject({ error: { code: 'validation_error' } });
    await client.close();
    await cancel(id);
  });
});

describe('refusals come before the connection', () => {
  const stranger = 'exec_01kaq4j9qaf5h6j7k8m9n0p1q2';

  test.each([
    ['401 invalid_api_key', '/ws', { apiKey: null }],
    ['401 invalid_api_key', `/ws/executions/${stranger}`, { apiKey: `fp_live_${'A'.repeat(32)}` }],
    ['401 invalid_token', '/ws', { apiKey: null, headers: { authorization: 'Bearer nonsense' } }],
    ['401 invalid_token', '/ws?ticket=fp_ticket_nonsense', { apiKey: null }],
    ['404 resource_not_found', `/ws/executions/${stranger}`, {}],
    ['404 resource_not_found', '/ws/executions/nonsense', {}],
    ['404 resource_not_found', '/ws/executions/%00', {}],
    ['400 validation_error', '/ws?surprise=1', {}],
    ['400 validation_error', '/ws?after=1', {}],
    ['400 validation_error', `/ws/executions/${stranger}?after=-1`, {}],
    ['400 validation_error', `/ws/executions/${stranger}?after=1&after=2`, {}],
    ['400 validation_error', `/ws/executions/${stranger}?after=99999999999999999999`, {}],
    ['400 validation_error', '/ws', { protocolVersion: 8 }],
  ] as [string, string, Handshake][])('%s: %s %j', async (expected, path, handshake) => {
    const { status, code } = await refusal(path, handshake);
    expect(`${status} ${code}`).toBe(expected);
  });

  test('403: a key without the scope', async () => {
    const { secret } = await apiKey(harness(), { scopes: ['workflows:read'] });
    expect(await refusal('/ws', { apiKey: secret })).toEqual({ status: 403, code: 'insufficient_scope' });
  });

  test("404: another organisation's execution", async () => {
    const id = await finishedExecution(harness());
    const other = await harness().server.createOrganisation();
    const refused = await refusal(`/ws/executions/${id}`, { apiKey: other.apiKey });
    expect(refused).toEqual({ status: 404, code: 'resource_not_found' });
  });

  test('429: more connections than the plan has, WebSockets and event streams together', async () => {
    const free = await harness().server.createOrganisation('free');
    const stream = await openStream(await slowExecution(free.apiKey), free.apiKey);
    expect(stream.status).toBe(200);
    const clients = await Promise.all(Array.from({ length: 9 }, () => open('/ws', { apiKey: free.apiKey })));
    expect(await refusal('/ws', { apiKey: free.apiKey })).toEqual({ status: 429, code: 'rate_limit_exceeded' });
    const path = { execution_id: await slowExecution(free.apiKey) };
    const refused = await harness().refused(
      'streamExecutionEvents',
      { path, apiKey: free.apiKey },
      429,
      'rate_limit_exceeded',
    );
    expect(refused.headers.get('retry-after')).toBe('30');
    expect(refused.body.error.details).toMatchObject({ limit: 10, window: 'open connections' });
    stream.close();
    clients.push(await until(() => open('/ws', { apiKey: free.apiKey }).catch(() => undefined)));
    await Promise.all(clients.map((client) => client.close()));
  });

  test('400: a request for no WebSocket', async () => {
    const headers = { 'x-api-key': harness().server.admin.apiKey };
    const response = await fetch(`${harness().server.url}/ws`, { headers });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'validation_error' } });
  });

  test('a request to change to another protocol is answered as if it had not asked', async () => {
    const { port } = new URL(harness().server.url);
    const socket = connect(Number(port));
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n');
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('tickets', () => {
  test('open one connection', async () => {
    const id = await finishedExecution(harness());
    const path = `/ws/executions/${id}?ticket=${await ticket()}`;
    const client = await open(path, { apiKey: null });
    expect(await client.closed).toBe(1000);
    expect(await refusal(path, { apiKey: null })).toEqual({ status: 401, code: 'invalid_token' });
  });

  test('say where to begin, for the event stream too', async () => {
    const id = await finishedExecution(harness());
    const all = await open(`/ws/executions/${id}`);
    await all.closed;
    const { sequence } = stored(all.messages)[1]!;
    const socket = await open(`/ws/executions/${id}?ticket=${await ticket({ execution_id: id, after: sequence })}`, {
      apiKey: null,
    });
    await socket.closed;
    const stream = await harness().call('streamExecutionEvents', {
      path: { execution_id: id },
      query: { ticket: await ticket({ execution_id: id, after: sequence }) },
      apiKey: null,
    });
    const streamed = parseEventStream(stream.text, { complete: true }).map(({ data }) => JSON.parse(data));
    expect(stored(socket.messages)).toEqual(stored(all.messages).slice(2));
    expect(stored(streamed)).toEqual(stored(all.messages).slice(2));
  });

  test('404: for another execution than theirs', async () => {
    const [one, other] = [await finishedExecution(harness()), await finishedExecution(harness())];
    const refused = await refusal(`/ws/executions/${other}?ticket=${await ticket({ execution_id: one })}`, {
      apiKey: null,
    });
    expect(refused).toEqual({ status: 404, code: 'resource_not_found' });
    const query = { ticket: await ticket({ execution_id: one }) };
    const options = { path: { execution_id: other }, query, apiKey: null };
    expect((await harness().call('streamExecutionEvents', options)).status).toBe(404);
    const many = await open(`/ws?ticket=${await ticket({ execution_id: one })}`, { apiKey: null });
    many.send({ type: 'subscribe', execution_id: other });
    expect(await many.next(({ type }) => type === 'error')).toMatchObject({ error: { code: 'resource_not_found' } });
    many.send({ type: 'subscribe', execution_id: one });
    await many.next(({ type }) => type === 'unsubscribed');
    await many.close();
  });

  test('404: for an execution that is not there', async () => {
    const json = { execution_id: 'exec_01kaq4j9qaf5h6j7k8m9n0p1q2' };
    await harness().refused('createStreamTicket', { json }, 404, 'resource_not_found');
    const id = await finishedExecution(harness());
    const { apiKey: strange } = await harness().server.createOrganisation();
    const options = { json: { execution_id: id }, apiKey: strange };
    await harness().refused('createStreamTicket', options, 404, 'resource_not_found');
  });

  test('401: too old, or their key is revoked', async () => {
    const old = await ticket();
    await harness().server.sql(`update stream_ticket set expires_at = now() - interval '1 second'`);
    expect(await refusal(`/ws?ticket=${old}`, { apiKey: null })).toEqual({ status: 401, code: 'invalid_token' });
    const { id, secret } = await apiKey(harness(), { scopes: ['executions:read'] });
    const { body } = await harness().call('createStreamTicket', { json: {}, apiKey: secret });
    await harness().call('revokeApiKey', { path: { api_key_id: id } });
    const refused = await refusal(`/ws?ticket=${body.data.ticket}`, { apiKey: null });
    expect(refused).toEqual({ status: 401, code: 'revoked_api_key' });
  });

  test('are not in the database as they are', async () => {
    const text = await ticket();
    const rows = await harness().server.sql('select * from stream_ticket');
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(text.slice('fp_ticket_'.length));
  });

  test('do nothing else', async () => {
    const response = await fetch(`${harness().server.url}/v1/executions?ticket=${await ticket()}`);
    expect(response.status).toBe(401);
  });
});

describe('the session cookie', () => {
  async function cookie(): Promise<string> {
    const { email, password } = harness().server.admin;
    const { headers } = await harness().call('login', { json: { email, password }, apiKey: null });
    return headers.get('set-cookie')!.split(';', 1)[0]!;
  }

  test('opens a connection for a page of this site', async () => {
    const headers = { cookie: await cookie(), origin: harness().server.url };
    const client = await open('/ws', { apiKey: null, headers });
    await client.close();
  });

  test('401: does not for a page of another site', async () => {
    const headers = { cookie: await cookie(), origin: 'https://evil.example' };
    expect(await refusal('/ws', { apiKey: null, headers })).toEqual({ status: 401, code: 'invalid_token' });
  });
});

describe('/ws', () => {
  test('follows many executions, each in its order', async () => {
    const ids = [await finishedExecution(harness()), await slowExecution(), await finishedExecution(harness())];
    const client = await open('/ws');
    for (const id of ids) client.send({ type: 'subscribe', execution_id: id });
    await client.next(({ type, execution_id: id }) => type === 'execution:waiting' && id === ids[1]);
    await cancel(ids[1]!);
    for (const id of ids)
      await client.next((message) => message.type === 'unsubscribed' && message.execution_id === id);
    for (const id of ids) {
      const own = client.messages.filter((message) => message.execution_id === id);
      expect(own[0]!.type).toBe('connected');
      expect(own.at(-1)).toEqual({ type: 'unsubscribed', execution_id: id, reason: 'ended' });
      const order = sequences(stored(own));
      expect(order).toEqual([...new Set(order)].sort((a, b) => a! - b!));
    }
    await client.close();
  });

  test('nothing comes after unsubscribing, and subscribing again resumes', async () => {
    const id = await slowExecution();
    const client = await open('/ws');
    client.send({ type: 'subscribe', execution_id: id });
    const { sequence } = await client.next(({ type }) => type === 'execution:waiting');
    client.send({ type: 'unsubscribe', execution_id: id });
    await client.next(({ type }) => type === 'unsubscribed');
    const before = client.messages.length;
    await cancel(id);
    client.send({ type: 'ping' });
    await client.next(({ type }) => type === 'pong');
    expect(client.messages.slice(before).map(({ type }) => type)).toEqual(['pong']);
    client.send({ type: 'subscribe', execution_id: id, after: sequence });
    await client.next(({ type }) => type === 'execution:cancelled');
    const again = client.messages.slice(before + 1);
    expect(again[0]).toMatchObject({ type: 'connected', sequence });
    expect(Math.min(...(sequences(stored(again)) as number[]))).toBeGreaterThan(sequence!);
    await client.close();
  });

  test.each([
    ['no JSON', '{"type":', 'validation_error'],
    ['no message', 'null', 'validation_error'],
    ['an unknown type', { type: 'shout' }, 'validation_error'],
    ['a type of the prototype', { type: 'constructor' }, 'validation_error'],
    ['an unknown field', { type: 'ping', loud: true }, 'validation_error'],
    ['no id', { type: 'subscribe' }, 'validation_error'],
    ['an id that is none', { type: 'subscribe', execution_id: 'x\u0000' }, 'resource_not_found'],
    ['a negative place', { type: 'subscribe', execution_id: 'x', after: -1 }, 'validation_error'],
    [
      'an unknown execution',
      { type: 'subscribe', execution_id: 'exec_01kaq4j9qaf5h6j7k8m9n0p1q2' },
      'resource_not_found',
    ],
    ['no such subscription', { type: 'unsubscribe', execution_id: 'x' }, 'resource_not_found'],
  ])('%s is an error, and the connection stays', async (_title, message, code) => {
    const client = await open('/ws');
    client.send(message);
    expect(await client.next(({ type }) => type === 'error')).toMatchObject({ error: { code } });
    client.send({ type: 'ping' });
    await client.next(({ type }) => type === 'pong');
    await client.close();
  });

  test('a second subscription to the same execution is an error', async () => {
    const id = await slowExecution();
    const client = await open('/ws');
    client.send({ type: 'subscribe', execution_id: id });
    client.send({ type: 'subscribe', execution_id: id });
    expect(await client.next(({ type }) => type === 'error')).toMatchObject({ error: { code: 'already_subscribed' } });
    await client.close();
    await cancel(id);
  });

  test('binary messages are an error, large ones close with 1009', async () => {
    const client = await open('/ws');
    client.socket.send(Buffer.from('{"type":"ping"}'));
    await client.next(({ type }) => type === 'error');
    client.send(JSON.stringify({ type: 'subscribe', execution_id: 'x'.repeat(20_000) }));
    expect(await client.closed).toBe(1009);
  });

  test('closes with 1008 when more messages wait than a person could mean', async () => {
    const client = await open('/ws');
    for (let n = 0; n < 500; n += 1)
      client.send({ type: 'subscribe', execution_id: 'exec_01kaq4j9qaf5h6j7k8m9n0p1q2' });
    expect(await client.closed).toBe(1008);
  });

  test('too many subscriptions are an error with the limit', async () => {
    const client = await open('/ws');
    const ids: string[] = [];
    const path = { workflow_id: await publishedWorkflow(harness(), SLOW) };
    for (let n = 0; n < 101; n += 1) {
      ids.push((await harness().call('executeWorkflow', { path, json: {} })).body.data.id);
    }
    for (const id of ids) {
      client.send({ type: 'subscribe', execution_id: id });
      if (id !== ids[100]) await client.next(({ type, execution_id: own }) => type === 'connected' && own === id);
    }
    const refused = await client.next(({ type }) => type === 'error');
    expect(refused).toMatchObject({ error: { code: 'too_many_subscriptions', details: { limit: 100 } } });
    await client.close();
    await Promise.all(ids.map(cancel));
  });
});

describe('connections end', () => {
  test('also event streams, when their key is revoked', async () => {
    const { id, secret } = await apiKey(harness(), { scopes: ['executions:read'] });
    const stream = await openStream(await slowExecution(), secret);
    expect(stream.status).toBe(200);
    await harness().call('revokeApiKey', { path: { api_key_id: id } });
    expect(await stream.ended).toBe(true);
  });

  test('with 1008 when their key is revoked', async () => {
    const { id, secret } = await apiKey(harness(), { scopes: ['executions:read'] });
    const client = await open('/ws', { apiKey: secret });
    await harness().call('revokeApiKey', { path: { api_key_id: id } });
    expect(await client.closed).toBe(1008);
  });

  test('when the client gives no sign of life', async () => {
    const client = await open('/ws', { autoPong: false });
    expect(await client.closed).toBe(1006);
  });

  test('with 1001 when the server stops, and go on with another process on the same database', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-live-'));
    const other = new ServerProcess({ DATABASE_URL: harness().server.database.url, FLOWPACT_DATA_DIR: dataDir });
    const id = await slowExecution();
    const client = await open(`/ws/executions/${id}`, { base: await other.ready() });
    const { sequence } = await client.next(({ type }) => type === 'execution:waiting');
    await other.end();
    rmSync(dataDir, { recursive: true });
    expect(await client.closed).toBe(1001);
    const resumed = await open(`/ws/executions/${id}?after=${sequence}`);
    await cancel(id);
    await resumed.closed;
    expect(stored(resumed.messages).at(-1)!.type).toBe('execution:cancelled');
    expect(Math.min(...(sequences(stored(resumed.messages)) as number[]))).toBeGreaterThan(sequence!);
  });
});

describe('the SDK follows an execution', () => {
  test.each(['sse', 'websocket'] as const)('over %s, to its end', async (transport) => {
    const fp = harness().sdk();
    const { id } = await fp.workflows.execute(await publishedWorkflow(harness()), { input: { n: 1 } });
    const seen: models.ExecutionEvent[] = [];
    for await (const event of fp.executions.follow(id, { transport })) seen.push(event);
    expect(seen[0]!.type).toBe('connected');
    expect(seen.at(-1)!.type).toBe('execution:completed');
  });

  test('over a WebSocket that breaks again and again, seeing each event once', async () => {
    const id = await finishedExecution(harness());
    const all = await open(`/ws/executions/${id}`);
    await all.closed;
    let connections = 0;
    const webSocket = (url: string): WebSocketLike => {
      connections += 1;
      return breakingAfter(3, new WebSocket(url));
    };
    const fp = harness().sdk({ client: { webSocket, sleep: async () => undefined } });
    const seen: models.ExecutionEvent[] = [];
    for await (const event of fp.executions.follow(id, { transport: 'websocket' })) seen.push(event);
    expect(seen).toEqual([expect.objectContaining({ type: 'connected' }), ...stored(all.messages)]);
    expect(connections).toBeGreaterThan(1);
  });

  test('404: over a WebSocket too, with the error of the contract', async () => {
    const following = harness().sdk().executions.follow('exec_01kaq4j9qaf5h6j7k8m9n0p1q2', { transport: 'websocket' });
    await expect(following[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(NotFoundError);
  });

  test('until it is told to stop', async () => {
    const id = await slowExecution();
    const stream = harness().sdk().executions.follow(id, { transport: 'websocket' });
    for await (const event of stream) if (event.type === 'execution:waiting') stream.close();
    expect(Number(stream.lastEventId)).toBeGreaterThan(0);
    await cancel(id);
  });
});
