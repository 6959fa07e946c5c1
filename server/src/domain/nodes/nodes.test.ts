import { describe, expect, test } from '@jest/globals';
import type { Json } from '../domain-error.ts';
import {
  createNodeRegistry,
  NodeFailure,
  type Command,
  type NodeResult,
  OutgoingHttp,
  OutgoingHttpError,
  type OutgoingRequest,
  type OutgoingResponse,
} from './index.ts';

const sent: OutgoingRequest[] = [];
let respondWith: () => OutgoingResponse = () => response(200, 'ok');

class RecordingHttp extends OutgoingHttp {
  override async send(request: OutgoingRequest): Promise<OutgoingResponse> {
    sent.push(request);
    return respondWith();
  }
}

const response = (status: number, body: string, headers: Record<string, string> = {}): OutgoingResponse => ({
  status,
  headers,
  body: new TextEncoder().encode(body),
  duration: 3,
});

const registry = createNodeRegistry(new RecordingHttp());

/** Runs a node as the scheduler does; `answers` are what its commands that are not steps come to. */
async function run(
  type: string,
  params: Record<string, Json>,
  answers: Json[] = [],
): Promise<{ result: NodeResult; commands: Command[] }> {
  const node = registry.get(type)!;
  const commands: Command[] = [];
  const generator = node.run(registry.checked(node, params), { nodeId: 'n', executionId: 'exec_1' });
  let next = generator.next(null as never);
  while (!next.done) {
    const command = next.value;
    commands.push(command);
    const context = { idempotencyKey: 'exec_1:n:1', signal: new AbortController().signal };
    next = generator.next(command.kind === 'step' ? await command.run(context) : (answers.shift() ?? null));
  }
  return { result: next.value, commands };
}

const outcome = async (type: string, params: Record<string, Json>, answers: Json[] = []): Promise<NodeResult> =>
  (await run(type, params, answers)).result;

const failure = async (type: string, params: Record<string, Json>, answers: Json[] = []): Promise<NodeFailure> => {
  const thrown = await run(type, params, answers).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(NodeFailure);
  return thrown as NodeFailure;
};

test.each<[type: string, params: Record<string, Json>, answers: Json[], want: NodeResult]>([
  ['set', { values: { a: 1 } }, [], { output: { a: 1 }, variables: { a: 1 } }],
  ['transform', { value: [1, { b: null }] }, [], { output: [1, { b: null }] }],
  ['condition', { expression: 'input.a' }, ['yes'], { output: { result: true }, port: 'true' }],
  ['condition', { expression: '{{ input.a }}' }, [0], { output: { result: false }, port: 'false' }],
  ['condition', { expression: false }, [], { output: { result: false }, port: 'false' }],
  [
    'switch',
    {
      value: 'b',
      cases: [
        { port: 'one', equals: 'a' },
        { port: 'two', equals: 'b' },
      ],
    },
    [],
    { output: { port: 'two', value: 'b' }, port: 'two' },
  ],
  [
    'switch',
    { value: { x: [1] }, cases: [{ port: 'deep', equals: { x: [1] } }] },
    [],
    { output: { port: 'deep', value: { x: [1] } }, port: 'deep' },
  ],
  [
    'switch',
    { value: '1', cases: [{ port: 'one', equals: 1 }] },
    [],
    { output: { port: 'default', value: '1' }, port: 'default' },
  ],
  ['switch', { value: 'gold' }, [], { output: { port: 'gold', value: 'gold' }, port: 'gold' }],
  ['switch', { value: 'error' }, [], { output: { port: 'default', value: 'error' }, port: 'default' }],
  ['switch', {}, [], { output: { port: 'default', value: null }, port: 'default' }],
  ['delay', { duration: '1m30s' }, [], { output: { duration_ms: 90_000 } }],
  ['delay', { until: '2026-12-01T08:00:00+01:00' }, [], { output: { until: '2026-12-01T07:00:00.000Z' } }],
  ['code', { source: 'return 1', args: { a: 1 } }, [7], { output: 7 }],
  ['log', { message: { a: 1 } }, [], { output: { level: 'info', message: '{"a":1}' } }],
  ['respond', { body: 'x' }, [], { output: 'x', response: { status: 200, headers: {}, body: 'x' } }],
  [
    'respond',
    { status: 418, headers: { 'x-a': 'b' } },
    [],
    { output: null, response: { status: 418, headers: { 'x-a': 'b' }, body: null } },
  ],
])('%s %j', async (type, params, answers, want) => {
  expect(await outcome(type, params, answers)).toEqual(want);
});

test.each<[type: string, params: Record<string, Json>, want: Command[]]>([
  ['delay', { duration: '250ms' }, [{ kind: 'sleep', milliseconds: 250 }]],
  ['delay', { until: '2026-12-01T08:00:00Z' }, [{ kind: 'sleepUntil', at: '2026-12-01T08:00:00.000Z' }]],
  ['log', { level: 'warn', message: 'm', data: [1] }, [{ kind: 'log', level: 'warn', message: 'm', data: [1] }]],
  ['code', { source: 'return 1' }, [{ kind: 'evaluate', template: 'return 1', program: true, locals: { args: null } }]],
  ['condition', { expression: 'a > 1' }, [{ kind: 'evaluate', template: '{{ a > 1 }}' }]],
])('%s %j asks for %j', async (type, params, want) => {
  expect((await run(type, params)).commands).toEqual(want);
});

test('fail throws with its code and details', async () => {
  expect(await failure('fail', { message: 'out of stock', code: 'no_stock', details: { sku: 1 } })).toMatchObject({
    code: 'no_stock',
    message: 'out of stock',
    details: { sku: 1 },
  });
  expect(await failure('fail', { message: 'm' })).toMatchObject({ code: 'failed' });
});

test.each<[type: string, params: Record<string, Json>, message: string]>([
  ['delay', { duration: 'soon' }, 'params.duration is not a duration'],
  ['delay', {}, 'params'],
  ['log', { message: 'm', level: 'loud' }, 'params.level has a value that is not allowed'],
  ['respond', { status: 42 }, 'params.status must be >= 200'],
  ['respond', { headers: { 'x-a': 'a\r\nb' } }, 'params.headers.x-a must match pattern'],
  ['http.request', { url: 'x', method: 'BREW' }, 'params.method has a value that is not allowed'],
  ['http.request', { url: 'x', auth: { type: 'basic', username: 'u' } }, 'params.auth.password is missing'],
])('%s %j: evaluated params that break the schema fail the node', async (type, params, message) => {
  const error = await failure(type, params);
  expect(error.code).toBe('invalid_params');
  expect(error.message).toContain(message);
});

describe('http.request', () => {
  const call = async (params: Record<string, Json>, parts: Json[]): Promise<OutgoingRequest> => {
    sent.length = 0;
    await run('http.request', params, [parts]);
    return sent[0]!;
  };

  test.each<[url: string, values: Json[], query: Record<string, Json>, want: string]>([
    ['https://api.test/a', ['https://api.test/a'], {}, 'https://api.test/a'],
    ['https://api.test/{{ input.id }}', ['https://api.test/', 'a/../b?c#d'], {}, 'https://api.test/a%2F..%2Fb%3Fc%23d'],
    ['https://api.test/?q={{ input.q }}', ['https://api.test/?q=', 'a&b=c d'], {}, 'https://api.test/?q=a%26b%3Dc%20d'],
    [
      '{{ variables.base }}/x/{{ input.id }}',
      ['https://api.test:8443/v1', '/x/', 7],
      {},
      'https://api.test:8443/v1/x/7',
    ],
    ['https://{{ input.host }}/', ['https://', 'eu.api.test', '/'], {}, 'https://eu.api.test/'],
    [
      'https://api.test/',
      ['https://api.test/'],
      { a: 1, b: ['x', 'y z'], c: null, d: { e: true } },
      'https://api.test/?a=1&b=x&b=y+z&d=%7B%22e%22%3Atrue%7D',
    ],
  ])('%s with %j and %j', async (url, values, query, want) => {
    expect((await call({ url, query }, values)).url.href).toBe(want);
  });

  test.each<[url: string, values: Json[]]>([
    ['https://api.test/{{ input.id }}/x', ['https://api.test/', '..', '/x']],
    ['https://{{ input.host }}/', ['https://', 'evil.test/@api.test', '/']],
    ['https://{{ input.host }}.api.test/', ['https://', 'evil.test?', '.api.test/']],
    ['{{ input.url }}', ['file:///etc/passwd']],
    ['{{ input.url }}', ['not a url']],
    ['https://u:p@api.test/', ['https://u:p@api.test/']],
  ])('%s with %j is an invalid_url', async (url, values) => {
    expect(await failure('http.request', { url }, [values])).toMatchObject({ code: 'invalid_url' });
  });

  test('sends JSON with the idempotency key, and no redirects', async () => {
    expect(
      await call(
        { url: 'https://a.test', method: 'POST', body: { a: [1] }, headers: { 'X-A': 1, 'x-b': null }, timeout: '2s' },
        ['https://a.test'],
      ),
    ).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'exec_1:n:1', 'x-a': '1' },
      body: '{"a":[1]}',
      timeout: 2_000,
      redirects: 0,
    });
  });

  test.each<[params: Record<string, Json>, want: Partial<OutgoingRequest>]>([
    [
      { body: 'plain' },
      { body: 'plain', headers: expect.objectContaining({ 'content-type': 'text/plain; charset=utf-8' }) as never },
    ],
    [
      { form: { a: 'b c', d: 1 } },
      {
        body: 'a=b+c&d=1',
        headers: expect.objectContaining({ 'content-type': 'application/x-www-form-urlencoded' }) as never,
      },
    ],
    [
      { auth: { type: 'bearer', token: 't' } },
      { headers: expect.objectContaining({ authorization: 'Bearer t' }) as never },
    ],
    [
      { auth: { type: 'basic', username: 'u', password: 'é' } },
      { headers: expect.objectContaining({ authorization: 'Basic dTrDqQ==' }) as never },
    ],
    [
      { headers: { 'Idempotency-Key': 'own' } },
      { headers: expect.objectContaining({ 'idempotency-key': 'own' }) as never },
    ],
    [{ follow_redirects: true }, { redirects: 5 }],
  ])('%j', async (params, want) => {
    expect(await call({ url: 'https://a.test', ...params }, ['https://a.test'])).toMatchObject(want);
  });

  test.each<[given: OutgoingResponse, body: Json]>([
    [response(200, '{"a":1}', { 'content-type': 'application/json; charset=utf-8' }), { a: 1 }],
    [response(200, '{"a":1}', { 'content-type': 'application/problem+json' }), { a: 1 }],
    [response(200, '{"a":', { 'content-type': 'application/json' }), '{"a":'],
    [response(200, '{"a":1}', { 'content-type': 'text/plain' }), '{"a":1}'],
    [response(204, ''), null],
    [{ ...response(200, ''), body: new Uint8Array([255, 254, 0]) }, '//4A'],
  ])('reads %#', async (given, body) => {
    respondWith = () => given;
    expect((await outcome('http.request', { url: 'https://a.test' }, [['https://a.test']])).output).toEqual({
      status: given.status,
      headers: given.headers,
      body,
      duration_ms: 3,
    });
  });

  test('an answer of 400 or above fails the node, with a code for retry.on', async () => {
    respondWith = () => response(503, 'busy');
    expect(
      await failure('http.request', { url: 'https://a.test/x?key=secret' }, [['https://a.test/x?key=secret']]),
    ).toMatchObject({
      code: 'http_5xx',
      message: 'https://a.test/x answered 503.',
      details: { status: 503, body: 'busy' },
    });
    expect(
      await outcome('http.request', { url: 'https://a.test', fail_on_status: false }, [['https://a.test']]),
    ).toMatchObject({ output: { status: 503 } });
  });

  test('no answer fails the node, with a code for retry.on', async () => {
    respondWith = () => {
      throw new OutgoingHttpError('timeout', 'no complete answer within 100 ms');
    };
    expect(await failure('http.request', { url: 'https://a.test/x' }, [['https://a.test/x']])).toMatchObject({
      code: 'http_timeout',
      message: 'https://a.test/x: no complete answer within 100 ms',
    });
  });
});
