import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { RunningApplication } from '../testing/application.ts';
import { EchoApplication, type Received } from '../testing/echo-application.ts';

let application: EchoApplication;
let running: RunningApplication;
beforeAll(async () => {
  application = await EchoApplication.start();
  running = application.running;
});
afterAll(() => application.close());
const send = (...request: Parameters<EchoApplication['send']>): Promise<Received> => application.send(...request);
const exchange = (sent: string): Promise<string> => application.exchange(sent);

describe('parameters', () => {
  test('200: names that are no identifiers, arrays, defaults, deep objects, headers and cookies', async () => {
    const { status, body } = await send('GET', '/odd/a%2Fb%20c/1,2?filter[min]=1.5', undefined, undefined, {
      'x-ids': '1, 2',
      cookie: 'theme=dark',
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      path: { 'item-id': 'a/b c', point: [1, 2] },
      query: { filter: { min: 1.5 }, limit: 20 },
      headers: { 'X-Ids': [1, 2] },
      cookies: { theme: 'dark' },
    });
  });

  test('400: everything that is wrong at once, with its location', async () => {
    const { status, body } = await send('GET', '/odd/a/1,x?filter[max]=1&limit=1e3&nope=1', undefined, undefined, {
      'x-ids': 'a',
      cookie: 'theme=red',
    });
    expect(status).toBe(400);
    expect(body.details.errors).toEqual([
      { field: 'point[1]', message: 'must be an integer', location: 'path' },
      { field: 'nope', message: 'is not a known query parameter', location: 'query' },
      { field: 'filter.max', message: 'is not a known field', location: 'query' },
      { field: 'limit', message: 'must be at most 100', location: 'query' },
      { field: 'X-Ids[0]', message: 'must be an integer', location: 'header' },
      { field: 'theme', message: 'must be one of "dark", "light"', location: 'cookie' },
    ]);
  });

  test('paths with several parts in a segment reach their operations', async () => {
    expect((await send('POST', '/acts/7:cancel')).body).toEqual(['cancel', { id: '7' }]);
    expect((await send('POST', '/acts/a%3Ab:retry')).body).toEqual(['retry', { id: 'a:b' }]);
    expect((await send('POST', '/acts/7')).body).toMatchObject({ path: { id: '7' } });
    expect((await send('POST', '/acts/7:other')).body).toMatchObject({ path: { id: '7:other' } });
    expect((await send('POST', '/pairs/1.5..2.json')).body).toEqual({ a: '1.5', b: '2' });
  });

  test('404: an empty path parameter names nothing; 405 knows paths of several parts', async () => {
    expect(await send('POST', '/acts/')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const answer = await send('PUT', '/acts/7:cancel');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });

  test('405: a path that fits a template too allows what it has itself', async () => {
    const answer = await send('PUT', '/acts/all');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  });

  test('405 and 404: whatever body comes with it', async () => {
    for (const contentType of ['image/x-none', 'application/json']) {
      expect(await send('QUERY', '/take', 'x'.repeat(3_000), contentType)).toMatchObject({ status: 405 });
      expect(await send('POST', '/none', 'x'.repeat(3_000_000), contentType)).toMatchObject({ status: 404 });
    }
    expect(await send('QUERY', '/remove')).toMatchObject({ status: 405 });
  });

  test('400 and 404: paths that the router refuses have the contract’s shape', async () => {
    expect(await send('GET', '/odd/%zz/1')).toMatchObject({
      status: 400,
      body: {
        code: 'validation',
        message: 'The path is not valid percent-encoding.',
        details: { errors: [{ location: 'path' }] },
      },
    });
    expect(await send('POST', `/acts/${'x'.repeat(300)}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

describe('request ids', () => {
  test.each([
    ['mine-1.2_3:4', true],
    ['x'.repeat(129), false],
    ['a b', false],
  ])('%s is taken over: %s', async (id, taken) => {
    const answer = await send('DELETE', '/remove', undefined, undefined, { 'x-request-id': id });
    expect(answer.headers.get('x-request-id') === id).toBe(taken);
  });

  test('are on 404, 413 and malformed URLs too', async () => {
    const big = JSON.stringify({ name: 'x'.repeat(3_000) });
    for (const [status, method, path, body] of [
      [404, 'GET', '/none', undefined],
      [413, 'POST', '/take', big],
      [400, 'GET', '/odd/%zz/1', undefined],
    ] as const) {
      const answer = await send(method, path, body, body && 'application/json', { 'x-request-id': `mine-${status}` });
      expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, `mine-${status}`]);
    }
  });
});

test('around surrounds the handler of valid requests', async () => {
  application.around.length = 0;
  await send('DELETE', '/remove');
  await send('DELETE', '/remove?x=1');
  expect(application.around).toEqual(['remove']);
});

test.each([
  ['no HTTP', 'hello\r\n\r\n', 'The request is not valid HTTP.'],
  [
    'a malformed length',
    'POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'The request is not valid HTTP.',
  ],
  [
    'a broken body',
    'POST /take HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'The request is not valid HTTP.',
  ],
  [
    'a header without an end',
    `GET /remove HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`,
    'The headers of the request are too large.',
  ],
])('400 in the contract’s shape: %s', async (_, sent, message) => {
  const answer = await exchange(sent);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toMatch(/\r\nx-request-id: \S+\r\n/i);
  expect(answer).toContain(`"message":"${message}"`);
});

test.each(['/take', '/own'])('400: two Host headers, on %s too', async (path) => {
  const answer = await exchange(`POST ${path} HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  expect(answer).toContain('The header Host is there more than once.');
});

test('a request that breaks off harms nothing', async () => {
  const client = httpRequest(`${running.url}/take`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': 1000 },
  });
  client.on('error', () => undefined);
  client.write('{');
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.destroy();
  const socket = connect(Number(new URL(running.url).port), '127.0.0.1');
  socket.write('POST /take HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\n{}');
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  expect(await send('DELETE', '/remove')).toMatchObject({ status: 200 });
});
