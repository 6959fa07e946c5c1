import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { operations, wire } from '../../test/pets-contract.ts';
import { events, hangUp, json, type RecordingServer, startRecordingServer } from '../../test/recording-server.ts';
import {
  AbortError,
  APIError,
  AuthenticationError,
  Client,
  type ClientOptions,
  ConflictError,
  ConnectionError,
  FlowpactError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ServerError,
  TimeoutError,
  UnprocessableError,
  ValidationError,
} from './index.ts';

let server: RecordingServer;
let slept: number[];

beforeEach(async () => {
  server = await startRecordingServer();
  slept = [];
});

afterEach(() => server.close());

function client(options: Partial<ClientOptions> = {}): Client {
  return new Client(
    {
      baseUrl: server.url,
      apiKey: 'fp_live_secret',
      sleep: async (milliseconds) => void slept.push(milliseconds),
      random: () => 1,
      ...options,
    },
    wire,
  );
}

const failure = (code: string, message = 'no', details: unknown = {}): unknown => ({
  error: { code, message, details },
  meta: { request_id: 'req-1' },
});

async function errorFrom(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('the wire', () => {
  test('a GET has the path, the query in its styles, the key and nothing else', async () => {
    await client().call(operations.listPets, {
      params: { status: ['a b', 'c&d'], tag: ['x,y', 'z'], filter: { name: 'é' }, cursor: undefined },
    });
    const [request] = server.requests;
    expect(request!.method).toBe('GET');
    expect(request!.url).toBe('/v1/pets?status=a%20b&status=c%26d&tag=x%2Cy,z&filter[name]=%C3%A9');
    expect(request!.body).toBe('');
    expect(request!.headers).toMatchObject({ accept: 'application/json', 'x-api-key': 'fp_live_secret' });
    expect(request!.headers).not.toHaveProperty('content-type');
    expect(request!.headers).not.toHaveProperty('authorization');
    expect(request!.headers).not.toHaveProperty('idempotency-key');
    expect(request!.headers['user-agent']).toMatch(/^flowpact-sdk-typescript\/\d+\.\d+\.\d+$/);
  });

  test('path parameters are encoded as one segment', async () => {
    await client().call(operations.getPet, { path: { pet_id: 'a/b?c#d $&' } });
    expect(server.requests[0]!.url).toBe('/v1/pets/a%2Fb%3Fc%23d%20%24%26');
  });

  test.each(['', '.', '..'])('the path parameter %j is refused before anything is sent', async (pet_id) => {
    const error = await errorFrom(client().call(operations.getPet, { path: { pet_id } }));
    expect(error).toBeInstanceOf(FlowpactError);
    expect((error as Error).message).toMatch(/pet_id must be a non-empty path segment/);
    expect(server.requests).toHaveLength(0);
  });

  test('merged parameters are split into query and JSON body', async () => {
    await client().call(operations.walkPet, { path: { pet_id: 'p1' }, params: { wait: '5s', input: { n: 1 } } });
    const [request] = server.requests;
    expect(request!.url).toBe('/v1/pets/p1/walk?wait=5s');
    expect(request!.body).toBe('{"input":{"n":1}}');
    expect(request!.headers['content-type']).toBe('application/json');
  });

  test('another request media type is sent as it is given', async () => {
    await client().call(operations.createPet, { params: 'name: Rex\n' }, { contentType: 'application/yaml' });
    expect(server.requests[0]!.body).toBe('name: Rex\n');
    expect(server.requests[0]!.headers['content-type']).toBe('application/yaml');
  });

  test('a string is still JSON where JSON is sent', async () => {
    await client().call(operations.createPet, { params: 'Rex' });
    expect(server.requests[0]!.body).toBe('"Rex"');
  });

  test('another response media type is asked for and answered as text', async () => {
    server.answer((response) => response.writeHead(200, { 'content-type': 'application/yaml' }).end('name: Rex\n'));
    const text = await client().call(operations.exportPet, { path: { pet_id: 'p1' } }, { accept: 'application/yaml' });
    expect(server.requests[0]!.headers.accept).toBe('application/yaml');
    expect(text).toBe('name: Rex\n');
  });

  test('a base URL may hold a prefix and a slash at its end', async () => {
    await client({ baseUrl: `${server.url}/prefix/` }).call(operations.getPet, { path: { pet_id: 'p1' } });
    expect(server.requests[0]!.url).toBe('/prefix/v1/pets/p1');
  });

  test('headers and query of the call are added', async () => {
    await client({ headers: { 'X-App': 'one', 'X-Both': 'client' } }).call(
      operations.getPet,
      { path: { pet_id: 'p1' } },
      { headers: { 'X-Both': 'call' }, query: { debug: true } },
    );
    expect(server.requests[0]!.headers).toMatchObject({ 'x-app': 'one', 'x-both': 'call' });
    expect(server.requests[0]!.url).toBe('/v1/pets/p1?debug=true');
  });
});

describe('credentials', () => {
  const get = { path: { pet_id: 'p1' } };

  test('an access token goes as Authorization: Bearer', async () => {
    await client({ apiKey: undefined, accessToken: 'jwt' }).call(operations.getPet, get);
    expect(server.requests[0]!.headers.authorization).toBe('Bearer jwt');
  });

  test('a session cookie goes as Cookie', async () => {
    await client({ apiKey: undefined, cookie: 'session=abc' }).call(operations.getPet, get);
    expect(server.requests[0]!.headers.cookie).toBe('session=abc');
  });

  test('a credential may be a function, asked before each request', async () => {
    let count = 0;
    const fp = client({ apiKey: async () => `key-${(count += 1)}` });
    await fp.call(operations.getPet, get);
    await fp.call(operations.getPet, get);
    expect(server.requests.map((request) => request.headers['x-api-key'])).toEqual(['key-1', 'key-2']);
  });

  test('a public operation gets none', async () => {
    await client().call(operations.login, { params: {} });
    expect(server.requests[0]!.headers).not.toHaveProperty('x-api-key');
  });

  test('no error tells the key: a header that cannot be sent', async () => {
    const error = await errorFrom(client({ apiKey: 'fp_live_bad\nkey' }).call(operations.getPet, get));
    expect(error).toBeInstanceOf(FlowpactError);
    expect(inspected(error)).not.toContain('fp_live_bad');
  });

  test('no error tells the key: an answer that quotes it', async () => {
    server.answer(json(401, failure('invalid_api_key', 'unknown key fp_live_secret')));
    const error = await errorFrom(client().call(operations.getPet, get));
    expect((error as Error).message).toBe('401 invalid_api_key: unknown key [redacted] (request req-1)');
    expect(inspected(error)).not.toContain('fp_live_secret');
  });

  test('no error tells the key: a fetch that quotes it', async () => {
    const fetch = (): Promise<Response> => Promise.reject(new Error('cannot send fp_live_secret'));
    const error = await errorFrom(client({ fetch, maxRetries: 0 }).call(operations.getPet, get));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(inspected(error)).not.toContain('fp_live_secret');
  });

  test('the client itself does not show it', () => {
    expect(inspected(client())).not.toContain('fp_live_secret');
  });

  test('a redirect is not followed with the key', async () => {
    const other = await startRecordingServer();
    server.answer((response) => response.writeHead(302, { location: other.url }).end());
    const error = await errorFrom(client().call(operations.getPet, get));
    await other.close();
    expect(error).toBeInstanceOf(APIError);
    expect((error as APIError).status).toBe(302);
    expect(other.requests).toHaveLength(0);
  });
});

describe('results', () => {
  test('the envelope is unwrapped, and withResponse tells what stood around it', async () => {
    server.answer(json(200, { data: { id: 'p1' }, meta: { request_id: 'r' } }, { 'x-request-id': 'req-9' }));
    const { data, response, requestId, envelope } = await client()
      .call(operations.getPet, { path: { pet_id: 'p1' } })
      .withResponse();
    expect(data).toEqual({ id: 'p1' });
    expect(response.status).toBe(200);
    expect(requestId).toBe('req-9');
    expect(envelope).toEqual({ meta: { request_id: 'r' } });
  });

  test('204 is undefined', async () => {
    server.answer((response) => response.writeHead(204).end());
    expect(await client().call(operations.getPet, { path: { pet_id: 'p1' } })).toBeUndefined();
  });

  test('a result outside an envelope stays whole', async () => {
    server.answer(json(200, { data: 'is a field here' }));
    expect(await client().call(operations.exportPet, { path: { pet_id: 'p1' } })).toEqual({ data: 'is a field here' });
  });

  test('JSON that cannot be parsed is an error that names the operation', async () => {
    server.answer((response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":'));
    const error = await errorFrom(client().call(operations.getPet, { path: { pet_id: 'p1' } }));
    expect((error as Error).message).toMatch(/^getPet: the server answered with JSON that cannot be parsed/);
  });
});

describe('errors', () => {
  test.each([
    [400, ValidationError],
    [401, AuthenticationError],
    [403, PermissionError],
    [404, NotFoundError],
    [409, ConflictError],
    [422, UnprocessableError],
    [429, RateLimitError],
    [500, ServerError],
    [503, ServerError],
    [418, APIError],
  ])('%i is its own class, with code and request id', async (status, ErrorClass) => {
    server.answer(json(status, failure('some_code', 'what happened', { id: 'p1' })));
    const error = await errorFrom(client({ maxRetries: 0 }).call(operations.getPet, { path: { pet_id: 'p1' } }));
    expect(error).toBeInstanceOf(ErrorClass);
    expect((error as APIError).constructor).toBe(ErrorClass);
    expect(error).toMatchObject({
      status,
      code: 'some_code',
      requestId: 'req-1',
      details: { id: 'p1' },
      operation: 'getPet',
      message: `${status} some_code: what happened (request req-1)`,
    });
  });

  test('400: problems lists every reason', async () => {
    const errors = [{ field: 'name', message: 'is required', location: 'body' }];
    server.answer(json(400, failure('validation_error', 'no', { errors })));
    const error = await errorFrom(client().call(operations.createPet, { params: {} }));
    expect((error as ValidationError).problems).toEqual(errors);
  });

  test('403: the scopes that are missing', async () => {
    const details = { required_scopes: ['pets:read'], missing_scopes: ['pets:read'] };
    server.answer(json(403, failure('insufficient_scope', 'no', details)));
    const error = await errorFrom(client().call(operations.getPet, { path: { pet_id: 'p1' } }));
    expect((error as PermissionError).missingScopes).toEqual(['pets:read']);
  });

  test('problem details are read by their own pointers', async () => {
    const body = { code: 'resource_not_found', detail: 'no pet', details: { id: 'p1' } };
    server.answer(json(404, body, { 'content-type': 'application/problem+json', 'x-request-id': 'req-2' }));
    const error = await errorFrom(client().call(operations.getPet, { path: { pet_id: 'p1' } }));
    expect(error).toMatchObject({ code: 'resource_not_found', details: { id: 'p1' }, requestId: 'req-2' });
  });

  test('an answer from something else, such as a proxy, is an error too', async () => {
    server.answer((response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>'));
    const error = await errorFrom(client({ maxRetries: 0 }).call(operations.getPet, { path: { pet_id: 'p1' } }));
    expect(error).toMatchObject({ status: 502, code: undefined, body: '<h1>Bad Gateway</h1>' });
  });
});

describe('retries', () => {
  const get = { path: { pet_id: 'p1' } };
  const good = json(200, { data: 'good' });

  test.each([408, 429, 500, 502, 503, 504])('%i is tried again, with a delay that doubles', async (status) => {
    server.answer(json(status, failure('x')), json(status, failure('x')), good);
    expect(await client().call(operations.getPet, get)).toBe('good');
    expect(slept).toEqual([500, 1000]);
  });

  test.each([400, 401, 403, 404, 409, 422])('%i is not tried again', async (status) => {
    server.answer(json(status, failure('x')), good);
    await errorFrom(client().call(operations.getPet, get));
    expect(server.requests).toHaveLength(1);
  });

  test('409 with Retry-After on an operation with an idempotency key is its own earlier attempt, and tried again', async () => {
    const busy = json(409, failure('request_in_progress'), { 'retry-after': '1' });
    server.answer(hangUp, busy, good);
    expect(await client().call(operations.createPet, { params: {} })).toBe('good');
    server.answer(busy, good);
    await errorFrom(client().call(operations.walkPet, { ...get, params: {} }));
    expect(server.requests).toHaveLength(4);
  });

  test('jitter spreads the delay over its upper half', async () => {
    server.answer(json(500, failure('x')), good);
    await client({ random: () => 0 }).call(operations.getPet, get);
    expect(slept).toEqual([250]);
  });

  test('the delay has a ceiling', async () => {
    server.answer(json(500, failure('x')));
    await errorFrom(client({ maxRetries: 6 }).call(operations.getPet, get));
    expect(slept).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
  });

  test('Retry-After wins, in seconds', async () => {
    server.answer(json(429, failure('rate_limit_exceeded'), { 'retry-after': '7' }), good);
    await client().call(operations.getPet, get);
    expect(slept).toEqual([7000]);
  });

  test('Retry-After may be a date', async () => {
    const date = new Date(Date.now() + 20_000).toUTCString();
    server.answer(json(503, failure('x'), { 'retry-after': date }), good);
    await client().call(operations.getPet, get);
    expect(slept[0]).toBeGreaterThan(15_000);
    expect(slept[0]).toBeLessThanOrEqual(20_000);
  });

  test('a Retry-After above the limit is not waited for', async () => {
    server.answer(json(429, failure('rate_limit_exceeded'), { 'retry-after': '3600' }), good);
    const error = await errorFrom(client().call(operations.getPet, get));
    expect((error as RateLimitError).retryAfter).toBe(3600);
    expect(server.requests).toHaveLength(1);
  });

  test('a broken connection is tried again', async () => {
    server.answer(hangUp, good);
    expect(await client().call(operations.getPet, get)).toBe('good');
  });

  test('a body that breaks off is tried again', async () => {
    server.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"data":', () => setTimeout(() => response.socket!.destroy(), 10));
    }, good);
    expect(await client().call(operations.getPet, get)).toBe('good');
  });

  test('a POST without an idempotency key is not repeated where it may have had its effect', async () => {
    for (const answer of [hangUp, json(500, failure('x'))]) {
      const before = server.requests.length;
      server.answer(answer, good);
      await errorFrom(client().call(operations.walkPet, { ...get, params: {} }));
      expect(server.requests).toHaveLength(before + 1);
    }
  });

  test('a POST without an idempotency key is repeated after 429, which never ran it', async () => {
    server.answer(json(429, failure('x')), good);
    expect(await client().call(operations.walkPet, { ...get, params: {} })).toBe('good');
  });

  test('one idempotency key is kept over the retries of a call, and the next call has another', async () => {
    server.answer(hangUp, json(500, failure('x')), good);
    const fp = client();
    await fp.call(operations.createPet, { params: { name: 'Rex' } });
    await fp.call(operations.createPet, { params: { name: 'Rex' } });
    const keys = server.requests.map((request) => request.headers['idempotency-key']);
    expect(keys).toHaveLength(4);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[3]).not.toBe(keys[0]);
    expect(new Set(server.requests.map((request) => request.body))).toEqual(new Set(['{"name":"Rex"}']));
  });

  test('an idempotency key of the caller is sent as it is', async () => {
    await client().call(operations.createPet, { params: {} }, { idempotencyKey: 'mine' });
    expect(server.requests[0]!.headers['idempotency-key']).toBe('mine');
  });

  test('nobody listening is a ConnectionError that says so', async () => {
    const { url } = server;
    await server.close();
    const error = await errorFrom(client({ baseUrl: url }).call(operations.getPet, get));
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toMatch(/ECONNREFUSED/);
    expect(slept).toHaveLength(2);
    server = await startRecordingServer();
  });
});

describe('time and abortion', () => {
  const get = { path: { pet_id: 'p1' } };
  const never = (): void => undefined;

  test('an attempt that takes too long is a TimeoutError, after its retries', async () => {
    server.answer(never);
    const error = await errorFrom(client({ maxRetries: 1, timeout: 30 }).call(operations.getPet, get));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toBe('getPet took longer than 30 ms');
    expect(server.requests).toHaveLength(2);
  });

  test('the time limit covers the body', async () => {
    server.answer((response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"da'));
    const error = await errorFrom(client({ maxRetries: 0 }).call(operations.getPet, get, { timeout: 50 }));
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test('an abort ends the call at once, with its reason, and without a retry', async () => {
    server.answer(never);
    const controller = new AbortController();
    setTimeout(() => controller.abort('enough'), 20);
    const error = await errorFrom(client().call(operations.getPet, get, { signal: controller.signal }));
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(server.requests).toHaveLength(1);
  });

  test('an abort ends the wait between attempts', async () => {
    server.answer(json(500, failure('x')));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const patient = client({ sleep: undefined, retry: { baseDelay: 60_000, maxDelay: 60_000 } });
    const error = await errorFrom(patient.call(operations.getPet, get, { signal: controller.signal }));
    expect(error).toBeInstanceOf(AbortError);
  });

  test('a signal that has fired sends nothing', async () => {
    await errorFrom(client().call(operations.getPet, get, { signal: AbortSignal.abort() }));
    expect(server.requests).toHaveLength(0);
  });
});

describe('options', () => {
  test.each(['not a url', 'ftp://example.com', 'https://user:pass@example.com'])('baseUrl %s is refused', (baseUrl) => {
    expect(() => client({ baseUrl })).toThrow(FlowpactError);
  });
});

describe('events', () => {
  const get = { path: { pet_id: 'p1' } };
  const event = (id: number, type: string): string =>
    `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ sequence: id, type })}\n\n`;
  interface PetEvent {
    sequence: number;
    type: string;
  }
  const isLast = (pet: PetEvent): boolean => pet.type === 'end';

  async function all(stream: AsyncIterable<PetEvent>): Promise<number[]> {
    const seen: number[] = [];
    for await (const { sequence } of stream) seen.push(sequence);
    return seen;
  }

  test('a stream ends at its last event, with the connection closed', async () => {
    server.answer(events(event(1, 'a') + ': keep-alive\n\n' + event(2, 'end') + event(3, 'late'), 'stay'));
    expect(await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }))).toEqual([1, 2]);
    expect(server.requests[0]!.headers.accept).toBe('text/event-stream');
    expect(server.requests[0]!.headers).not.toHaveProperty('last-event-id');
  });

  test('a broken connection is taken up after the last event', async () => {
    server.answer(
      events(event(1, 'a') + event(2, 'b') + 'id: 3\ndata: {"sequ', 'break'),
      hangUp,
      events(event(3, 'c'), 'close'),
      events(event(4, 'end')),
    );
    expect(await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }))).toEqual([1, 2, 3, 4]);
    const resumed = server.requests.map((request) => request.headers['last-event-id']);
    expect(resumed).toEqual([undefined, '2', '2', '3']);
  });

  const greeting = `event: hello\ndata: ${JSON.stringify({ sequence: 0, type: 'hello' })}\n\n`;

  test('what greets every connection is handed out once', async () => {
    server.answer(events(greeting + event(1, 'a')), events(greeting + event(2, 'end')));
    expect(await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }))).toEqual([0, 1, 2]);
  });

  test('it gives up on connections that bring only a greeting', async () => {
    server.answer(events(greeting + event(1, 'a')), events(greeting));
    const stream = client().stream<PetEvent>(operations.watchPet, get, { isLast, maxReconnects: 2 });
    await expect(all(stream)).rejects.toThrow('the event stream broke 3 times in a row without an event');
  });

  test('a last event that comes again still ends it', async () => {
    server.answer(events(greeting + event(7, 'end'), 'stay'));
    const stream = client().stream<PetEvent>(operations.watchPet, get, { isLast, lastEventId: '7' });
    expect(await all(stream)).toEqual([7]);
  });

  test('it may start after an event seen earlier', async () => {
    server.answer(events(event(8, 'end')));
    await all(client().stream<PetEvent>(operations.watchPet, get, { isLast, lastEventId: '7' }));
    expect(server.requests[0]!.headers['last-event-id']).toBe('7');
  });

  test('without a last event it ends when the server closes', async () => {
    server.answer(events(event(1, 'a')));
    expect(await all(client().stream<PetEvent>(operations.watchPet, get))).toEqual([1]);
    expect(server.requests).toHaveLength(1);
  });

  test('silence counts as a broken connection', async () => {
    server.answer(events(event(1, 'a'), 'stay'), events(event(2, 'end')));
    const stream = client().stream<PetEvent>(operations.watchPet, get, { isLast, idleTimeout: 50 });
    expect(await all(stream)).toEqual([1, 2]);
  });

  test('it gives up after connections in a row that brought nothing', async () => {
    server.answer(events(': nothing\n\n'));
    const error = await errorFrom(
      all(client().stream<PetEvent>(operations.watchPet, get, { isLast, maxReconnects: 2 })),
    );
    expect((error as Error).message).toBe('the event stream broke 3 times in a row without an event');
    expect(slept).toEqual([500, 1000]);
  });

  test('the reconnection time of the server is kept to', async () => {
    server.answer(events('retry: 1234\n' + event(1, 'a')), events(event(2, 'end')));
    await all(client().stream<PetEvent>(operations.watchPet, get, { isLast }));
    expect(slept).toEqual([1234]);
  });

  test('404 is thrown, not taken up again', async () => {
    server.answer(json(404, failure('resource_not_found')));
    const error = await errorFrom(all(client().stream<PetEvent>(operations.watchPet, get, { isLast })));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(server.requests).toHaveLength(1);
  });

  test('an abort ends the loop with an AbortError', async () => {
    server.answer(events(event(1, 'a'), 'stay'));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const error = await errorFrom(
      all(client().stream<PetEvent>(operations.watchPet, get, { isLast, signal: controller.signal })),
    );
    expect(error).toBeInstanceOf(AbortError);
  });

  test('leaving the loop closes the connection', async () => {
    let closed: () => void;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    server.answer((response) => {
      response.on('close', () => closed());
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(1, 'a') + event(2, 'b'));
    });
    for await (const { sequence } of client().stream<PetEvent>(operations.watchPet, get, { isLast })) {
      if (sequence === 1) break;
    }
    await gone;
    expect(server.requests).toHaveLength(1);
  });
});

function inspected(value: unknown): string {
  const error = value as Error;
  return [
    JSON.stringify(value),
    String(value),
    error.stack,
    Object.values(value as object).join(),
    String(error.cause),
  ].join('\n');
}
