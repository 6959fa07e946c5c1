import { describe, expect, test } from '@jest/globals';
import { client, errorFrom, failure, serveEachTest, server, slept } from '../../test/pets-client.ts';
import { operations } from '../../test/pets-contract.ts';
import { hangUp, json, startRecordingServer } from '../../test/recording-server.ts';
import {
  AbortError,
  APIError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ServerError,
  TimeoutError,
  UnprocessableError,
  ValidationError,
} from './index.ts';

serveEachTest();

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
    const { url, close } = await startRecordingServer();
    await close();
    const error = await errorFrom(client({ baseUrl: url }).call(operations.getPet, get));
    expect(error).toBeInstanceOf(ConnectionError);
    expect((error as Error).message).toMatch(/ECONNREFUSED/);
    expect(slept).toHaveLength(2);
  });
});

describe('time and abortion', () => {
  const get = { path: { pet_id: 'p1' } };

  test('an attempt that takes too long is a TimeoutError, after its retries', async () => {
    let attempts = 0;
    const fetch = ({ signal }: Request): Promise<Response> => {
      attempts += 1;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const error = await errorFrom(client({ maxRetries: 1, timeout: 30, fetch }).call(operations.getPet, get));
    expect(error).toBeInstanceOf(TimeoutError);
    expect((error as Error).message).toBe('getPet took longer than 30 ms');
    expect(attempts).toBe(2);
  });

  test('the time limit covers the body', async () => {
    server.answer((response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"da'));
    const error = await errorFrom(client({ maxRetries: 0 }).call(operations.getPet, get, { timeout: 50 }));
    expect(error).toBeInstanceOf(TimeoutError);
  });

  test('an abort ends the call at once, with its reason, and without a retry', async () => {
    const controller = new AbortController();
    server.answer(() => controller.abort('enough'));
    const error = await errorFrom(client().call(operations.getPet, get, { signal: controller.signal }));
    expect(error).toBeInstanceOf(AbortError);
    expect(error).toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(server.requests).toHaveLength(1);
  });

  test('an abort ends the wait between attempts', async () => {
    server.answer(json(500, failure('x')));
    const controller = new AbortController();
    // Asked for as the wait begins.
    const random = (): number => {
      setImmediate(() => controller.abort());
      return 1;
    };
    const patient = client({ sleep: undefined, random, retry: { baseDelay: 60_000, maxDelay: 60_000 } });
    const error = await errorFrom(patient.call(operations.getPet, get, { signal: controller.signal }));
    expect(error).toBeInstanceOf(AbortError);
  });

  test('a signal that has fired sends nothing', async () => {
    await errorFrom(client().call(operations.getPet, get, { signal: AbortSignal.abort() }));
    expect(server.requests).toHaveLength(0);
  });
});
