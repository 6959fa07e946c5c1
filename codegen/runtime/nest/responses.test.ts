import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller } from '@nestjs/common';

import { errors, start, type RunningApplication } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import { ContractRuntime } from './contract-runtime.ts';
import {
  contextOf,
  defineOperation,
  type ContractModuleOptions,
  type OperationRequest,
  type ServerSentEvent,
} from './index.ts';

const user = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    friends: { type: 'array', items: { type: 'object', properties: { id: { type: 'string' } } } },
  },
  required: ['id'],
};
const event = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] };

const GetAny = defineOperation<
  OperationRequest,
  { status: number; body?: unknown; headers?: object; contentType?: string }
>(
  operation({
    id: 'getAny',
    method: 'GET',
    path: '/any/{what}',
    parameters: [{ in: 'path', name: 'what', schema: { type: 'string' } }],
    responses: {
      200: { content: { 'application/json': user }, headers: { 'X-Count': { schema: { type: 'integer' } } } },
      201: {
        content: { 'application/json': user },
        headers: {
          Location: { schema: { type: 'string' }, required: true },
          'Set-Cookie': { schema: { type: 'string', minLength: 1 } },
        },
      },
      204: {},
      '3XX': { headers: { Location: { schema: { type: 'string' }, required: true } } },
      400: { content: { 'application/json': { type: 'object' } } },
      default: { content: { 'application/problem+json': { type: 'object' } } },
    },
    errors: { bad: 400 },
  }),
);
const Export = defineOperation<OperationRequest, { status: 200; body: unknown; contentType?: string }>(
  operation({
    id: 'export',
    method: 'GET',
    path: '/export/{how}',
    parameters: [{ in: 'path', name: 'how', schema: { type: 'string' } }],
    responses: {
      200: {
        content: {
          'application/json': user,
          'application/yaml': { type: 'object', properties: { id: {} } },
          'text/csv': { type: 'string' },
        },
      },
    },
  }),
);
const Download = defineOperation<OperationRequest, { status: 200; body: unknown; contentType?: string }>(
  operation({
    id: 'download',
    method: 'GET',
    path: '/download/{how}',
    parameters: [{ in: 'path', name: 'how', schema: { type: 'string' } }],
    responses: { 200: { content: { 'application/octet-stream': {}, 'image/*': {} } } },
  }),
);
const Events = defineOperation<OperationRequest, { status: 200; body: unknown }>(
  operation({
    id: 'events',
    method: 'GET',
    path: '/events/{how}',
    parameters: [{ in: 'path', name: 'how', schema: { type: 'string' } }],
    responses: { 200: { content: { 'text/event-stream': event } } },
  }),
);

const bytes = Buffer.from([0, 255, 254, 128, 10]);
const answers: Record<string, { status: number; body?: unknown; headers?: object; contentType?: string }> = {
  extra: { status: 200, body: { id: '1', password: 'x', friends: [{ id: '2', token: 'y' }] } },
  wrong: { status: 200, body: { id: 1 } },
  date: { status: 200, body: { id: '1', at: new Date(0) } },
  headers: { status: 200, body: { id: '1' }, headers: { 'X-Count': 3, 'Set-Cookie': ['a=1', 'b=2'] } },
  wrongCookie: { status: 201, body: { id: '1' }, headers: { Location: '/', 'Set-Cookie': ['a=1', ''] } },
  undeclaredHeader: { status: 200, body: { id: '1' }, headers: { 'X-Other': '1' } },
  wrongHeader: { status: 200, body: { id: '1' }, headers: { 'X-Count': 'many' } },
  missingHeader: { status: 201, body: { id: '1' } },
  empty: { status: 204 },
  notEmpty: { status: 204, body: { id: '1' } },
  redirect: { status: 303, headers: { Location: '/' } },
  teapot: { status: 418, body: { any: 'thing' } },
  undeclared: { status: 100 },
  media: { status: 200, body: {}, contentType: 'text/html' },
};
let open = 0;
let aborted = 0;
let produced = 0;

async function* ticks(how: string, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
  open += 1;
  try {
    yield { id: 1, event: 'tick', data: { n: 1, secret: 'x' }, retry: 500 };
    yield { id: '2', event: 'multi', data: 'a\nb' };
    if (how === 'idle') await once(signal, 'abort').catch(() => undefined);
    if (how === 'fail') throw new Error('source failed');
    if (how === 'endless') {
      for (; ; produced += 1) yield { data: 'x'.repeat(1000) };
    }
  } finally {
    open -= 1;
    if (signal.aborted) aborted += 1;
  }
}

async function* lines(count: number): AsyncGenerator<string> {
  for (let line = 1; line <= count; line += 1) yield `${line}\n`;
}

@Controller()
class Answers {
  @GetAny()
  async getAny({ path }: OperationRequest) {
    if (path['what'] === 'nothing') return undefined as unknown as { status: 204 };
    return answers[path['what'] as string]!;
  }
  @Export()
  async export({ path, accept }: OperationRequest): Promise<{ status: 200; body: unknown; contentType?: string }> {
    if (path['how'] === 'csv') return Export.respondAs(200, 'text/csv', 'id\n1\n');
    if (path['how'] === 'long') return Export.respondAs(200, 'text/csv', lines(3));
    if (path['how'] === 'accept') return { status: 200, body: accept === 'text/csv' ? 'csv' : { id: accept } };
    return { status: 200, body: { id: '1', hidden: true } };
  }
  @Download()
  async download({ path }: OperationRequest): Promise<{ status: 200; body: unknown; contentType?: string }> {
    const contentType = 'application/octet-stream';
    const bodies: Record<string, unknown> = {
      buffer: bytes,
      array: new Uint8Array(bytes),
      node: Readable.from([bytes]),
      web: new Blob([bytes]).stream(),
      blob: new Blob([bytes]),
    };
    if (path['how'] === 'png') return { status: 200, contentType: 'image/png', body: bytes };
    return { status: 200, contentType, body: bodies[path['how'] as string] };
  }
  @Events()
  async events(request: OperationRequest): Promise<{ status: 200; body: unknown }> {
    return { status: 200, body: ticks(request.path['how'] as string, contextOf(request).signal) };
  }
}

const descriptor = contract(
  'answers',
  [GetAny, Export, Download, Events].map((each) => each.descriptor),
);
const invalid: string[][] = [];
const application = (options: Partial<ContractModuleOptions>) =>
  start([Answers], {
    contracts: [{ descriptor, errors }],
    codes: { validation: 'bad' },
    keepAlive: 30,
    mediaTypes: { 'application/yaml': { encode: (value) => `id: ${(value as { id: string }).id}\n` } },
    observer: { unexpectedError: () => undefined, invalidResponse: (problems) => invalid.push([...problems]) },
    ...options,
  });

describe.each(['throw', 'log', 'off'] as const)('response validation %s', (mode) => {
  let running: RunningApplication;
  beforeAll(async () => {
    running = await application({ responseValidation: mode, checkEvery: 1 });
  });
  afterAll(() => running.close());
  afterEach(() => {
    invalid.length = 0;
  });

  test.each([
    ['extra', ['password is not declared', 'friends[0].token is not declared']],
    ['wrong', ['id must be a string']],
    ['undeclaredHeader', ['header X-Other is not declared']],
    ['wrongHeader', ['header X-Count must be an integer']],
    ['wrongCookie', ['header Set-Cookie must not be empty']],
    ['missingHeader', ['header location is missing']],
    ['notEmpty', ['status 204 has no body']],
  ])('%s', async (what, problems) => {
    const response = await running.fetch(`/any/${what}`);
    const text = await response.text();
    expect(text).not.toMatch(/password|token/);
    expect(response.status).toBe(mode === 'throw' ? 500 : answers[what]!.status);
    // Undeclared fields are dropped in any case; looking for them costs time, so that is done where it can fail a test.
    const reported = mode === 'off' || (mode === 'log' && what === 'extra') ? [] : [problems];
    expect(invalid).toEqual(reported);
  });

  test.each([['undeclared'], ['media'], ['nothing']])('500: %s can be sent in no mode', async (what) => {
    const response = await running.fetch(`/any/${what}`);
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: 'internal' });
  });

  test('200: a Date is what it writes', async () => {
    expect(await (await running.fetch('/any/date')).json()).toEqual({ id: '1', at: '1970-01-01T00:00:00.000Z' });
    expect(invalid).toEqual([]);
  });
});

/** Writes itself, and counts the turns of the event loop in which its like do. */
class Friend {
  static readonly turns = new Set<number>();
  readonly id = 'é😀'.repeat(4_000);

  constructor(private readonly turn: () => number) {}

  toJSON(): object {
    Friend.turns.add(this.turn());
    return { id: this.id };
  }
}

test('200: a large answer is written over many turns of the event loop, as the bytes that it is', async () => {
  let turn = 0;
  let isCounting = true;
  const count = (): void => {
    turn += 1;
    if (isCounting) setImmediate(count);
  };
  count();
  const friends = Array.from({ length: 300 }, () => ({ id: new Friend(() => turn) }));
  answers['large'] = { status: 200, body: { id: '1', friends } };
  const running = await application({ responseValidation: 'off' });
  const response = await running.fetch('/any/large');
  const text = await response.text();
  isCounting = false;
  const head = await running.fetch('/any/large', { method: 'HEAD' });
  await running.close();
  expect(Friend.turns.size).toBeGreaterThan(5);
  expect(text).toBe(JSON.stringify(answers['large'].body));
  for (const { status, headers } of [response, head])
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
});

test('log checks the first response of a status, then one of so many', async () => {
  const running = await application({ responseValidation: 'log', checkEvery: 3 });
  for (let count = 0; count < 7; count += 1) await running.fetch('/any/wrong');
  expect(invalid.splice(0)).toHaveLength(3);
  await running.close();
});

describe('responses', () => {
  let running: RunningApplication;
  beforeAll(async () => {
    running = await application({});
  });
  afterAll(() => running.close());

  test('headers are written, cookies one by one', async () => {
    const { headers } = await running.fetch('/any/headers');
    expect(headers.get('x-count')).toBe('3');
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test('204 and 303: no body, no content type', async () => {
    const empty = await running.fetch('/any/empty');
    expect([empty.status, empty.headers.get('content-type'), await empty.text()]).toEqual([204, null, '']);
    const redirect = await running.fetch('/any/redirect', { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([303, '/']);
  });

  test('418: a status under default has its media type', async () => {
    const response = await running.fetch('/any/teapot');
    expect([response.status, response.headers.get('content-type')]).toEqual([
      418,
      'application/problem+json; charset=utf-8',
    ]);
  });

  test.each([
    ['/export/any', undefined, 'application/json; charset=utf-8', '{"id":"1"}'],
    ['/export/any', 'application/yaml', 'application/yaml; charset=utf-8', 'id: 1\n'],
    ['/export/csv', undefined, 'text/csv; charset=utf-8', 'id\n1\n'],
    ['/export/long', undefined, 'text/csv; charset=utf-8', '1\n2\n3\n'],
    ['/export/accept', 'text/html;q=1, text/csv;q=0.5', 'text/csv; charset=utf-8', 'csv'],
    ['/export/accept', 'application/*', 'application/json; charset=utf-8', '{"id":"application/json"}'],
  ] as const)('%s for %s is %s', async (path, accept, contentType, text) => {
    if (path === '/export/any') invalid.splice(0);
    const lenient = path === '/export/any' ? await application({ responseValidation: 'log' }) : running;
    const response = await lenient.fetch(path, { headers: accept === undefined ? {} : { accept } });
    expect([response.headers.get('content-type'), await response.text()]).toEqual([contentType, text]);
    if (lenient !== running) await lenient.close();
  });

  test('406: nothing that the client accepts', async () => {
    const response = await running.fetch('/export/any', { headers: { accept: 'application/problem+json' } });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      406,
      'application/problem+json; charset=utf-8',
    ]);
    expect(await response.json()).toMatchObject({
      code: 'not_acceptable',
      details: { available: ['application/json', 'application/yaml', 'text/csv'] },
    });
  });

  test.each(['buffer', 'array', 'node', 'web', 'blob', 'png'])('binary from %s is not changed', async (how) => {
    const response = await running.fetch(`/download/${how}`);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    expect(response.headers.get('content-type')).toBe(how === 'png' ? 'image/png' : 'application/octet-stream');
  });

  test('HEAD: the headers of GET, no body', async () => {
    const response = await running.fetch('/any/headers', { method: 'HEAD' });
    expect([response.status, response.headers.get('x-count'), await response.text()]).toEqual([200, '3', '']);
  });

  test('HEAD of a stream: its headers, and nothing is taken from its source', async () => {
    const before = produced;
    const response = await running.fetch('/events/endless', { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(await response.text()).toBe('');
    for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    expect([open, produced]).toEqual([0, before]);
  });

  test('OPTIONS: 204 with what the path allows', async () => {
    const response = await running.fetch('/any/x', { method: 'OPTIONS' });
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
  });
});

describe('event streams', () => {
  let running: RunningApplication;
  beforeAll(async () => {
    running = await application({ responseValidation: 'off' });
  });
  afterAll(() => running.close());

  const connect = async (path: string): Promise<IncomingMessage> => {
    const request = httpGet(`${running.url}${path}`);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  };
  const until = async (condition: () => boolean) => {
    const deadline = Date.now() + 3000;
    while (!condition()) {
      if (Date.now() > deadline)
        throw new Error(`Nothing happened; ${open} sources are open, ${produced} events were made.`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  test('events are encoded, reduced to what is declared, and end with their source', async () => {
    const response = await running.fetch('/events/short');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(await response.text()).toBe(
      ': connected\n\nid: 1\nevent: tick\nretry: 500\ndata: {"n":1}\n\nid: 2\nevent: multi\ndata: a\ndata: b\n\n',
    );
    await until(() => open === 0);
  });

  test('an idle stream is kept alive; a client that leaves ends its source', async () => {
    const response = await connect('/events/idle');
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until(() => text.split(': keep-alive\n\n').length > 2);
    const before = aborted;
    response.destroy();
    await until(() => open === 0);
    expect(aborted).toBe(before + 1);
    // Forgotten too: the server would hold every stream that it ever sent.
    const { streams } = running.app.get(ContractRuntime) as unknown as { streams: Set<unknown> };
    await until(() => streams.size === 0);
  });

  test('a client that does not read stops its source', async () => {
    produced = 0;
    const response = await connect('/events/endless');
    response.pause();
    await until(() => produced > 10);
    let last = -1;
    while (last !== produced) {
      last = produced;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    response.destroy();
    await until(() => open === 0);
    // What fits into the buffers of the sockets, of an endless source.
    expect(produced).toBeLessThan(20_000);
  });

  test('a source that fails cuts the stream off', async () => {
    const response = await connect('/events/fail');
    response.resume();
    const [error] = (await once(response, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    await until(() => open === 0);
  });

  test('a server that shuts down ends open streams', async () => {
    const other = await application({ responseValidation: 'off' });
    const response = await fetch(`${other.url}/events/idle`);
    const reading = response.text();
    await until(() => open === 1);
    await other.close();
    expect(await reading).toContain('id: 2');
  });
});
