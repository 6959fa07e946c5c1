import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { client, errorFrom, failure, serveEachTest, server } from '../../test/pets-client.ts';
import { operations } from '../../test/pets-contract.ts';
import { json } from '../../test/recording-server.ts';
import { APIError, FlowpactError, type WebSocketLike } from './index.ts';

serveEachTest();

const get = { path: { pet_id: 'p1' } };
const controller = new AbortController();
const { signal } = controller;

afterEach(() => void jest.restoreAllMocks());

describe('a socket', () => {
  /** Where the client would connect to. */
  async function address(baseUrl: string): Promise<string> {
    let asked = '';
    const webSocket = (url: string): WebSocketLike => {
      asked = url;
      throw new FlowpactError('enough');
    };
    const query = { ticket: 'a b&c' };
    await errorFrom(client({ baseUrl, webSocket }).socket('/ws', query, { signal, ping: 'ping' }).next());
    return asked;
  }

  test.each([
    ['http://api.example.com', 'ws://api.example.com/ws?ticket=a+b%26c'],
    ['https://api.example.com/prefix//', 'wss://api.example.com/prefix/ws?ticket=a+b%26c'],
  ])('of %s is at %s', async (baseUrl, expected) => {
    expect(await address(baseUrl)).toBe(expected);
  });

  test('without one in the platform says what to do', async () => {
    const native = globalThis.WebSocket;
    Object.assign(globalThis, { WebSocket: undefined });
    try {
      const error = await errorFrom(client().socket('/ws', {}, { signal, ping: 'ping' }).next());
      expect((error as Error).message).toMatch(/^there is no WebSocket here: use Node 22/);
    } finally {
      Object.assign(globalThis, { WebSocket: native });
    }
  });
});

describe('a call', () => {
  test('asks for JSON where the operation answers nothing', async () => {
    server.answer((response) => response.writeHead(204).end());
    await client().call({ ...operations.getPet, responses: {} }, get);
    expect(server.requests[0]!.headers.accept).toBe('application/json');
  });

  test('asks for the first media type that the operation answers in', async () => {
    await client().call(operations.exportPet, get);
    expect(server.requests[0]!.headers.accept).toBe('application/json');
  });

  test('may be told another number of retries than the client, and none', async () => {
    server.answer(json(500, failure('x')));
    await errorFrom(client({ maxRetries: 5 }).call(operations.getPet, get, { maxRetries: 1 }));
    expect(server.requests).toHaveLength(2);
    await errorFrom(client({ maxRetries: 5 }).call(operations.getPet, get, { maxRetries: 0 }));
    expect(server.requests).toHaveLength(3);
    await errorFrom(client().call(operations.getPet, get));
    expect(server.requests).toHaveLength(6);
  });

  test('leaves out a header that is undefined, which may be one of the client', async () => {
    await client({ headers: { 'X-A': 'a', 'X-B': undefined } }).call(operations.getPet, get, {
      headers: { 'X-A': undefined },
    });
    expect(server.requests[0]!.headers).not.toHaveProperty('x-a');
    expect(server.requests[0]!.headers).not.toHaveProperty('x-b');
  });

  test('has the fetch of the client, which is told about cookies', async () => {
    const seen: Request[] = [];
    const fetch = async (request: Request): Promise<Response> => {
      seen.push(request);
      return new Response('{"data":7}', { headers: { 'content-type': 'application/json' } });
    };
    expect(await client({ fetch, credentials: 'include' }).call(operations.getPet, get)).toBe(7);
    await client({ fetch }).call(operations.getPet, get);
    expect(seen.map(({ credentials, redirect }) => [credentials, redirect])).toEqual([
      ['include', 'manual'],
      ['same-origin', 'manual'],
    ]);
  });

  test('of parts leaves the media type to fetch, which knows the boundary', async () => {
    const upload = { ...operations.createPet, body: { contentTypes: ['multipart/form-data'], from: 'whole' } } as const;
    await client().call(upload, { params: { name: 'Rex' } });
    expect(server.requests[0]!.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(server.requests[0]!.body).toContain('Rex');
  });

  test('makes a key even where crypto.randomUUID is missing', async () => {
    jest.replaceProperty(globalThis, 'crypto', {
      getRandomValues: (bytes: Uint8Array) => bytes.fill(7),
    } as unknown as typeof crypto);
    await client().call(operations.createPet, { params: {} });
    expect(server.requests[0]!.headers['idempotency-key']).toBe('07'.repeat(16));
  });
});

describe('for a minute', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  const aborted = ({ signal: given }: Request): Promise<never> =>
    new Promise((_resolve, reject) => given.addEventListener('abort', () => reject(given.reason as Error)));

  /** How many requests were sent before the end of the time, and after. */
  async function around(milliseconds: number, sent: () => number): Promise<number[]> {
    await jest.advanceTimersByTimeAsync(milliseconds - 1);
    const before = sent();
    await jest.advanceTimersByTimeAsync(1);
    return [before, sent()];
  }

  test('a call waits for its answer', async () => {
    let sent = 0;
    const fetch = (request: Request): Promise<Response> => {
      sent += 1;
      return aborted(request);
    };
    const ended = errorFrom(client({ fetch, maxRetries: 1 }).call(operations.getPet, get));
    expect(await around(60_000, () => sent)).toEqual([1, 2]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await ended).toMatchObject({ message: 'getPet took longer than 60000 ms' });
  });

  test('a stream waits for a byte', async () => {
    let sent = 0;
    const fetch = async (): Promise<Response> => {
      sent += 1;
      return new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } });
    };
    const stream = client({ fetch }).stream(operations.watchPet, get, { isLast: () => true });
    const ended = stream[Symbol.asyncIterator]().next();
    expect(await around(60_000, () => sent)).toEqual([1, 2]);
    stream.close();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await ended).toMatchObject({ done: true });
  });

  test('a socket waits to be opened, and for a message', async () => {
    const listeners = new Map<string, (event: unknown) => void>();
    const socket: WebSocketLike = {
      send: () => undefined,
      close: () => undefined,
      addEventListener: (type, listener) => void listeners.set(type, listener as (event: unknown) => void),
    };
    const texts = (): Promise<unknown> =>
      errorFrom(
        client({ webSocket: () => socket })
          .socket('/ws', {}, { signal, ping: 'ping' })
          .next(),
      );
    const unopened = texts();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await unopened).toMatchObject({ message: 'no connection within 60000 ms' });
    const silent = texts();
    await jest.advanceTimersByTimeAsync(1);
    listeners.get('open')!({});
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await silent).toMatchObject({ message: 'nothing came for 60000 ms' });
  });
});

test('the body of an error is kept as it was where it quotes no credential', async () => {
  const body = failure('x', 'no');
  server.answer(json(400, body));
  expect(((await errorFrom(client().call(operations.getPet, get))) as APIError).body).toEqual(body);
});

test.each([
  ['http://api.example.com', undefined],
  ['https://api.example.com/prefix', undefined],
  ['example.com', 'baseUrl "example.com" is not a URL'],
  ['ws://example.com', 'baseUrl must begin with http:// or https://'],
  ['https://user@example.com', 'baseUrl must not hold a user or a password'],
  ['https://:pass@example.com', 'baseUrl must not hold a user or a password'],
])('baseUrl %s: %s', (baseUrl, message) => {
  const make = (): unknown => client({ baseUrl });
  if (message === undefined) expect(make).not.toThrow();
  else expect(make).toThrow(message);
});
