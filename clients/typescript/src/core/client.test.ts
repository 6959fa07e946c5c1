import { describe, expect, test } from '@jest/globals';
import { client, errorFrom, failure, serveEachTest, server } from '../../test/pets-client.ts';
import { operations } from '../../test/pets-contract.ts';
import { json, startRecordingServer } from '../../test/recording-server.ts';
import { APIError, ConnectionError, FlowpactError } from './index.ts';

serveEachTest();

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

describe('options', () => {
  test.each(['not a url', 'ftp://example.com', 'https://user:pass@example.com'])('baseUrl %s is refused', (baseUrl) => {
    expect(() => client({ baseUrl })).toThrow(FlowpactError);
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

describe('a socket', () => {
  /** One that neither opens nor fails. */
  const silent = { send: () => undefined, close: () => undefined, addEventListener: () => undefined };

  test.each([
    ['the client', { timeout: 30 }, {}],
    ['the call, which has one of its own', { timeout: 600_000 }, { timeout: 30 }],
  ])('that does not open is given up after the time-out of %s', async (_whose, options, more) => {
    const { signal } = new AbortController();
    const texts = client({ ...options, webSocket: () => silent }).socket(
      '/v1/live',
      {},
      { signal, ping: 'ping', ...more },
    );
    expect(await errorFrom(texts.next())).toMatchObject({ message: 'no connection within 30 ms' });
  });
});
