import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { events, json, type RecordingServer, startRecordingServer } from '../test/recording-server.ts';
import type { WebSocketLike } from './core/web-socket.ts';
import { type FlowpactOptions, Flowpact, type models, TimeoutError, ValidationError } from './index.ts';

let server: RecordingServer;
let slept: number[];

beforeEach(async () => {
  server = await startRecordingServer();
  slept = [];
});

afterEach(() => server.close());

function flowpact(options: FlowpactOptions = {}): Flowpact {
  const sleep = async (milliseconds: number): Promise<void> => void slept.push(milliseconds);
  return new Flowpact({ baseUrl: server.url, apiKey: 'fp_live_x', sleep, ...options });
}

const definition: models.WorkflowDefinition = { nodes: [], edges: [] };

/** `METHOD url body`, as it came over the wire. */
async function sent(call: (fp: Flowpact) => PromiseLike<unknown>): Promise<string> {
  server.answer(json(200, { data: [], meta: {}, pagination: { has_next: false } }));
  await call(flowpact());
  const { method, url, body } = server.requests.at(-1)!;
  return [method, url, body].join(' ').trim();
}

test.each<[string, (fp: Flowpact) => PromiseLike<unknown>]>([
  ['POST /v1/auth/login {"email":"a@b.c","password":"p"}', (fp) => fp.auth.login({ email: 'a@b.c', password: 'p' })],
  ['POST /v1/auth/refresh {"refresh_token":"r"}', (fp) => fp.auth.refreshSession({ refresh_token: 'r' })],
  ['POST /v1/auth/logout', (fp) => fp.auth.logout()],
  ['GET /v1/auth/me', (fp) => fp.auth.getCurrentUser()],
  ['GET /v1/api-keys?per_page=5', (fp) => fp.apiKeys.list({ per_page: 5 })],
  ['POST /v1/api-keys {"name":"ci"}', (fp) => fp.apiKeys.create({ name: 'ci' })],
  ['GET /v1/api-keys/key_1', (fp) => fp.apiKeys.get('key_1')],
  ['PATCH /v1/api-keys/key_1 {"name":"x"}', (fp) => fp.apiKeys.update('key_1', { name: 'x' })],
  ['POST /v1/api-keys/key_1/rotate {"overlap_seconds":0}', (fp) => fp.apiKeys.rotate('key_1', { overlap_seconds: 0 })],
  ['DELETE /v1/api-keys/key_1', (fp) => fp.apiKeys.revoke('key_1')],
  ['GET /v1/scopes', (fp) => fp.apiKeys.listScopes()],
  ['GET /v1/workflows?status=published', (fp) => fp.workflows.list({ status: 'published' })],
  ['GET /v1/workflows?tag=a%20b&sort=-name', (fp) => fp.workflows.list({ tag: 'a b', sort: '-name' })],
  ['POST /v1/workflows {"name":"w"}', (fp) => fp.workflows.create({ name: 'w' })],
  ['GET /v1/workflows/wf_1', (fp) => fp.workflows.get('wf_1')],
  ['PATCH /v1/workflows/wf_1 {"status":"paused"}', (fp) => fp.workflows.update('wf_1', { status: 'paused' })],
  ['DELETE /v1/workflows/wf_1', (fp) => fp.workflows.delete('wf_1')],
  ['POST /v1/workflows/validate {"definition":{"nodes":[],"edges":[]}}', (fp) => fp.workflows.validate({ definition })],
  ['POST /v1/workflows/wf_1/publish', (fp) => fp.workflows.publish('wf_1')],
  ['GET /v1/workflows/wf_1/versions', (fp) => fp.workflows.listVersions('wf_1')],
  ['GET /v1/workflows/wf_1/versions/2', (fp) => fp.workflows.getVersion('wf_1', 2)],
  [
    'POST /v1/workflows/wf_1/execute?wait=5s {"input":{"n":1},"metadata":{"from":"test"}}',
    (fp) => fp.workflows.execute('wf_1', { input: { n: 1 }, metadata: { from: 'test' }, wait: '5s' }),
  ],
  ['GET /v1/workflows/wf_1/export', (fp) => fp.workflows.export('wf_1')],
  ['POST /v1/workflows/import name: w', (fp) => fp.workflows.import('name: w', { contentType: 'application/yaml' })],
  ['GET /v1/workflows/wf_1/executions', (fp) => fp.executions.listForWorkflow('wf_1')],
  ['GET /v1/executions?status=failed', (fp) => fp.executions.list({ status: 'failed' })],
  ['GET /v1/executions/exec_1', (fp) => fp.executions.get('exec_1')],
  ['POST /v1/executions/exec_1/cancel', (fp) => fp.executions.cancel('exec_1')],
  ['GET /v1/executions/exec_1/steps', (fp) => fp.executions.listSteps('exec_1')],
  [
    'GET /v1/executions/exec_1/logs?level=warn,error',
    (fp) => fp.executions.listLogs('exec_1', { level: ['warn', 'error'] }),
  ],
  ['GET /v1/monitoring/health', (fp) => fp.health.get()],
  ['GET /health/live', (fp) => fp.health.getLiveness()],
  ['GET /health/ready', (fp) => fp.health.getReadiness()],
])('%s', async (expected, call) => {
  expect(await sent(call)).toBe(expected);
});

test.each<[string, (fp: Flowpact) => PromiseLike<unknown>]>([
  ['apiKeys.create', (fp) => fp.apiKeys.create({ name: 'ci' })],
  ['workflows.create', (fp) => fp.workflows.create({ name: 'w' })],
  ['workflows.execute', (fp) => fp.workflows.execute('wf_1', {})],
])('%s sends an Idempotency-Key', async (_name, call) => {
  await sent(call);
  expect(server.requests[0]!.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
});

test('400: the problems of the contract are typed', async () => {
  const errors = [{ field: 'name', message: 'is required', location: 'body' }];
  server.answer(json(400, { error: { code: 'validation_error', message: 'no', details: { errors } }, meta: {} }));
  const error = await flowpact()
    .workflows.create({ name: '' })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ValidationError);
  expect((error as ValidationError).problems).toEqual(errors);
});

describe('executions', () => {
  const execution = (status: string): ReturnType<typeof json> =>
    json(200, { data: { id: 'exec_1', status }, meta: {} });

  test.each(['completed', 'failed', 'cancelled'])('waitForCompletion ends at %s', async (status) => {
    server.answer(execution('running'), execution('waiting'), execution(status));
    const ended = await flowpact().executions.waitForCompletion('exec_1', { pollInterval: 250 });
    expect(ended.status).toBe(status);
    expect(slept).toEqual([250, 250]);
  });

  test('waitForCompletion asks each second', async () => {
    server.answer(execution('running'), execution('completed'));
    await flowpact().executions.waitForCompletion('exec_1');
    expect(slept).toEqual([1_000]);
  });

  test('waitForCompletion gives up when the time is up', async () => {
    server.answer(execution('running'));
    const waiting = flowpact({ sleep: undefined }).executions.waitForCompletion('exec_1', {
      timeout: 60,
      pollInterval: 25,
    });
    await expect(waiting).rejects.toThrow(TimeoutError);
    await expect(waiting).rejects.toThrow('execution exec_1 is still running after 60 ms');
  });

  test('waitForCompletion can be aborted', async () => {
    server.answer(execution('running'));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const waiting = flowpact({ sleep: undefined }).executions.waitForCompletion('exec_1', {
      signal: controller.signal,
    });
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('stream gives typed events and ends at the terminal one', async () => {
    const event = (sequence: number, type: string): string =>
      `id: ${sequence}\nevent: ${type}\ndata: ${JSON.stringify({ type, sequence, data: {} })}\n\n`;
    server.answer(
      events(event(1, 'execution:started') + event(2, 'node:started'), 'break'),
      events(event(3, 'node:completed') + event(4, 'execution:completed'), 'stay'),
    );
    const seen: models.ExecutionEvent['type'][] = [];
    for await (const { type } of flowpact().executions.stream('exec_1')) seen.push(type);
    expect(seen).toEqual(['execution:started', 'node:started', 'node:completed', 'execution:completed']);
    expect(server.requests[1]!.headers['last-event-id']).toBe('2');
  });

  test('follow over a WebSocket goes on after the last event it was given, with a ticket for each connection', async () => {
    server.answer(
      json(200, { data: { ticket: 'first' }, meta: {} }),
      json(200, { data: { ticket: 'second' }, meta: {} }),
    );
    const event = (sequence: number, type: string): string => JSON.stringify({ sequence, type, data: {} });
    const connections = [
      [event(1, 'execution:started'), '{"type":"pong"}', event(2, 'node:started')],
      [event(3, 'node:completed'), event(4, 'execution:completed')],
    ];
    const urls: string[] = [];
    /** Says its texts as soon as it is heard, and breaks off. */
    const webSocket = (url: string): WebSocketLike => {
      const texts = connections[urls.push(url) - 1]!;
      const listeners: Record<string, (event: never) => void> = {};
      queueMicrotask(() => {
        listeners['open']!({} as never);
        for (const data of texts) listeners['message']!({ data } as never);
        listeners['close']!({ code: 1006 } as never);
      });
      const addEventListener = (type: string, listener: (event: never) => void): void =>
        void (listeners[type] = listener);
      return { send: () => undefined, close: () => undefined, addEventListener };
    };
    const seen: unknown[] = [];
    for await (const { sequence, type } of flowpact({ webSocket }).executions.follow('exec 1', {
      transport: 'websocket',
    }))
      seen.push([sequence, type]);
    expect(seen).toEqual([
      [1, 'execution:started'],
      [2, 'node:started'],
      [3, 'node:completed'],
      [4, 'execution:completed'],
    ]);
    const path = `${server.url.replace('http', 'ws')}/ws/executions/exec%201`;
    expect(urls).toEqual([`${path}?ticket=first`, `${path}?ticket=second`]);
    expect(server.requests.map(({ body }) => JSON.parse(body) as object)).toEqual([
      { execution_id: 'exec 1', after: 0 },
      { execution_id: 'exec 1', after: 2 },
    ]);
  });
});
