import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type OutgoingHttpError, type OutgoingRequest } from '../../domain/nodes/index.ts';
import { UndiciOutgoingHttp } from './undici-outgoing-http.ts';

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}

const seen: Seen[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let server: Server;
let port: number;
let http: UndiciOutgoingHttp;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      seen.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      answer(request, response);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  ({ port } = server.address() as AddressInfo);
  http = new UndiciOutgoingHttp([`127.0.0.1:${port}`]);
});

beforeEach(() => {
  seen.length = 0;
  answer = (_, response) => response.end('ok');
});

afterAll(async () => {
  await http.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const request = (path: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  method: 'GET',
  url: new URL(path, `http://127.0.0.1:${port}`),
  headers: {},
  timeout: 5_000,
  redirects: 0,
  maxBytes: 1_000,
  ...more,
});

const failure = async (sent: OutgoingRequest, by = http): Promise<OutgoingHttpError> => {
  const response = await by.send(sent).catch((error: unknown) => error);
  expect(response).toBeInstanceOf(Error);
  return response as OutgoingHttpError;
};

test('the answer: status, headers in lower case, body, duration', async () => {
  answer = (_, response) => response.writeHead(201, { 'X-Thing': ['a', 'b'] }).end('made');
  const response = await http.send(
    request('/things?a=1', { method: 'POST', headers: { 'X-Key': 'k' }, body: '{"a":1}' }),
  );
  expect(response).toMatchObject({ status: 201, headers: { 'x-thing': 'a, b' }, duration: expect.any(Number) });
  expect(new TextDecoder().decode(response.body)).toBe('made');
  expect(seen).toMatchObject([{ method: 'POST', url: '/things?a=1', body: '{"a":1}', headers: { 'x-key': 'k' } }]);
});

describe('refused addresses', () => {
  let guarded: UndiciOutgoingHttp;
  beforeAll(() => {
    guarded = new UndiciOutgoingHttp([], (hostname, _, callback) => {
      if (hostname === 'rebound.example') callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else if (hostname === 'mixed.example')
        callback(null, [
          { address: '10.0.0.1', family: 4 },
          { address: '::1', family: 6 },
        ]);
      else callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []);
    });
  });
  afterAll(() => guarded.close());

  test.each([
    'http://127.0.0.1:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://0177.0.0.1:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://169.254.169.254/latest/meta-data/',
    'http://rebound.example:PORT/',
    'https://rebound.example:PORT/',
    'http://mixed.example/',
  ])('%s', async (url) => {
    const error = await failure(request('/', { url: new URL(url.replace('PORT', String(port))) }), guarded);
    expect(error).toMatchObject({ reason: 'refused_address' });
    expect(seen).toEqual([]);
  });

  test('an allowed range lets a name through', async () => {
    const ranged = new UndiciOutgoingHttp(['127.0.0.0/8'], (_, __, callback) =>
      callback(null, [
        { address: '10.0.0.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]),
    );
    const response = await ranged.send(request('/', { url: new URL(`http://rebound.example:${port}/`) }));
    expect(response.status).toBe(200);
    await ranged.close();
  });

  test('a name without an address', async () => {
    expect(await failure(request('/', { url: new URL('http://none.example/') }), guarded)).toMatchObject({
      reason: 'connection',
      message: 'the host name has no address',
    });
  });
});

describe('redirects', () => {
  test('are answers unless they are asked for', async () => {
    answer = (_, response) => response.writeHead(302, { location: '/next' }).end();
    expect((await http.send(request('/'))).status).toBe(302);
    expect(seen).toHaveLength(1);
  });

  test('are followed as RFC 9110 says: 303 becomes GET, 307 keeps method and body', async () => {
    answer = ({ url }, response) => {
      if (url === '/a') response.writeHead(307, { location: '/b' }).end();
      else if (url === '/b') response.writeHead(303, { location: 'c' }).end();
      else response.end('there');
    };
    const response = await http.send(request('/a', { method: 'POST', body: 'x', redirects: 5 }));
    expect(response.status).toBe(200);
    expect(seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ['POST', '/a', 'x'],
      ['POST', '/b', 'x'],
      ['GET', '/c', ''],
    ]);
  });

  // RFC 9110 section 15.4: what a POST has made is looked at, other methods are repeated.
  test.each<[status: number, method: string, then: string, body: string]>([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [303, 'HEAD', 'HEAD', ''],
    [301, 'PUT', 'PUT', 'x'],
    [302, 'DELETE', 'DELETE', 'x'],
    [307, 'POST', 'POST', 'x'],
    [308, 'PUT', 'PUT', 'x'],
    [302, 'GET', 'GET', ''],
  ])('%i of a %s is followed by a %s', async (status, method, then, body) => {
    answer = ({ url }, response) =>
      url === '/' ? response.writeHead(status, { location: '/next' }).end() : response.end();
    const sent = method === 'HEAD' || method === 'GET' ? {} : { body: 'x', headers: { 'content-type': 'text/plain' } };
    await http.send(request('/', { method, redirects: 1, ...sent }));
    expect(seen[1]).toMatchObject({ method: then, url: '/next', body });
    expect(seen[1]!.headers['content-type']).toBe(body === '' ? undefined : 'text/plain');
  });

  test.each([
    [300, '/next'],
    [304, '/next'],
    [302, undefined],
    [302, 'http://['],
  ])('%i to %s is the answer', async (status, location) => {
    answer = (_, response) => response.writeHead(status, { ...(location !== undefined && { location }) }).end();
    expect((await http.send(request('/', { redirects: 5 }))).status).toBe(status);
    expect(seen).toHaveLength(1);
  });

  test('as many as are asked for are followed, and one more is one too many', async () => {
    answer = ({ url }, response) =>
      url === '/3'
        ? response.end('there')
        : response.writeHead(302, { location: `/${Number(url!.slice(1)) + 1}` }).end();
    expect((await http.send(request('/0', { redirects: 3 }))).status).toBe(200);
    expect(await failure(request('/0', { redirects: 2 }))).toMatchObject({
      reason: 'too_many_redirects',
      message: 'more than 2 redirects',
    });
  });

  test('to a name with a private address are refused', async () => {
    const resolved = new UndiciOutgoingHttp([`127.0.0.1:${port}`], (_name, _, callback) =>
      callback(null, [{ address: '10.0.0.1', family: 4 }]),
    );
    answer = (_, response) => response.writeHead(302, { location: `http://rebound.example:${port}/` }).end();
    expect(await failure(request('/', { redirects: 5 }), resolved)).toMatchObject({ reason: 'refused_address' });
    expect(seen).toHaveLength(1);
    await resolved.close();
  });

  test('to a private address are refused', async () => {
    answer = (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    expect(await failure(request('/', { redirects: 5 }))).toMatchObject({ reason: 'refused_address' });
  });

  test('to another scheme are refused', async () => {
    answer = (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    expect(await failure(request('/', { redirects: 5 }))).toMatchObject({ reason: 'refused_address' });
  });

  test('without end are given up', async () => {
    answer = (_, response) => response.writeHead(302, { location: '/' }).end();
    expect(await failure(request('/', { redirects: 3 }))).toMatchObject({ reason: 'too_many_redirects' });
    expect(seen).toHaveLength(4);
  });

  test('to another origin take no credentials along', async () => {
    const other = new UndiciOutgoingHttp([`127.0.0.1:${port}`, `localhost:${port}`], (_, __, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]),
    );
    answer = ({ headers: { host } }, response) => {
      if (host?.startsWith('127')) response.writeHead(302, { location: `http://localhost:${port}/` }).end();
      else response.end();
    };
    await other.send(request('/', { redirects: 1, headers: { authorization: 'secret', cookie: 'c', 'x-own': '1' } }));
    expect(seen[1]?.headers).toMatchObject({ 'x-own': '1' });
    expect(seen[1]?.headers).not.toHaveProperty('authorization');
    expect(seen[1]?.headers).not.toHaveProperty('cookie');
    await other.close();
  });
});

describe('what is confidential', () => {
  const toOther = (status: number): void => {
    answer = ({ headers: { host } }, response) => {
      if (host?.startsWith('127')) response.writeHead(status, { location: `http://localhost:${port}/next` }).end();
      else response.end('there');
    };
  };
  const call = (more: Partial<OutgoingRequest>): OutgoingRequest =>
    request('/', { method: 'POST', redirects: 1, headers: { 'x-key': 'secret', 'x-own': '1' }, body: 'x', ...more });
  let other: UndiciOutgoingHttp;
  beforeAll(() => {
    other = new UndiciOutgoingHttp([`127.0.0.1:${port}`, `localhost:${port}`]);
  });
  afterAll(() => other.close());

  test('stays away from another origin: headers are left out', async () => {
    toOther(307);
    await other.send(call({ confidential: { headers: ['x-key'], body: false } }));
    expect(seen[1]).toMatchObject({ body: 'x', headers: { 'x-own': '1' } });
    expect(seen[1]?.headers).not.toHaveProperty('x-key');
  });

  test('stays away from another origin: a body is not sent on, the redirect is the answer', async () => {
    toOther(308);
    expect(await other.send(call({ confidential: { headers: [], body: true } }))).toMatchObject({ status: 308 });
    expect(seen).toHaveLength(1);
  });

  test('where the body is left out anyway, the redirect is followed', async () => {
    toOther(303);
    expect(await other.send(call({ confidential: { headers: ['x-key'], body: true } }))).toMatchObject({ status: 200 });
    expect(seen[1]).toMatchObject({ method: 'GET', body: '' });
    expect(seen[1]?.headers).not.toHaveProperty('x-key');
  });

  test('goes along within the origin', async () => {
    answer = ({ url }, response) =>
      url === '/' ? response.writeHead(307, { location: '/next' }).end() : response.end('there');
    await other.send(call({ confidential: { headers: ['x-key'], body: true } }));
    expect(seen[1]).toMatchObject({ url: '/next', body: 'x', headers: { 'x-key': 'secret' } });
  });
});

describe('limits', () => {
  test('an answer of as many bytes as may be is taken, and one of a byte more is not', async () => {
    answer = ({ url }, response) => response.end('x'.repeat(Number(url!.slice(1))));
    expect((await http.send(request('/1000'))).body).toHaveLength(1_000);
    expect(await failure(request('/1001'))).toMatchObject({
      reason: 'too_large',
      message: 'the answer has more than 1000 bytes',
    });
  });

  test('an answer that never ends', async () => {
    answer = (_, response) => response.write('x');
    expect(await failure(request('/', { timeout: 100 }))).toMatchObject({ reason: 'timeout' });
  });

  test('a call that is cancelled', async () => {
    const controller = new AbortController();
    answer = () => controller.abort();
    expect(await failure(request('/', { signal: controller.signal }))).toMatchObject({ reason: 'aborted' });
  });

  test('a connection that breaks', async () => {
    answer = (_, response) => response.destroy();
    expect(await failure(request('/'))).toMatchObject({ reason: 'connection' });
  });
});

describe('headers', () => {
  test.each<[name: string, value: string]>([
    ['x-a', 'a\r\nx-b: c'],
    ['x-a', 'a\nb'],
    ['x-a', '\u0000'],
    ['x a', 'b'],
    ['x-a:', 'b'],
    ['Host', 'other.example'],
    ['Transfer-Encoding', 'chunked'],
    ['content-length', '1'],
  ])('%j: %j is refused', async (name, value) => {
    expect(await failure(request('/', { headers: { [name]: value } }))).toMatchObject({ reason: 'invalid_request' });
    expect(seen).toEqual([]);
  });
});
