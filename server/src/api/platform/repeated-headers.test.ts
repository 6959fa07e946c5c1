import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../test/app.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 180_000);
afterAll(() => server.close());

/** Sends these lines as they are, and resolves to all that comes back. */
function raw(path: string, lines: readonly string[], body = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (data) => (text += data.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    const method = body === '' ? 'GET' : 'POST';
    socket.write([`${method} ${path} HTTP/1.1`, ...lines, 'Connection: close', '', body].join('\r\n'));
  });
}

const key = (): string => `X-API-Key: ${server.admin.apiKey}`;

test.each([
  ['/v1/scopes', ['Host: localhost', 'Host: evil.example']],
  ['/v1/scopes', ['Host: localhost', 'host: localhost']],
  ['/v1/scopes', ['Host: localhost', 'Authorization: Bearer a', 'Authorization: Bearer b']],
  ['/docs', ['Host: localhost', 'Host: evil.example']],
  ['/hooks/unknown', ['Host: localhost', 'Host: evil.example']],
])('400: %s with %j', async (path, lines) => {
  const answer = await raw(path, [...lines, key()]);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toContain('is there more than once');
});

test('400: a body with two types, and one with two lengths, which Node refuses by itself', async () => {
  const body = '{"name":"x"}';
  const common = ['Host: localhost', key(), 'Content-Type: application/json'];
  const types = await raw(
    '/v1/groups',
    [...common, 'Content-Type: text/plain', `Content-Length: ${body.length}`],
    body,
  );
  expect(types).toMatch(/^HTTP\/1\.1 400 /);
  const lengths = await raw('/v1/groups', [...common, `Content-Length: ${body.length}`, 'Content-Length: 3'], body);
  expect(lengths).toMatch(/^HTTP\/1\.1 400 /);
});

test('200: fields that may come twice', async () => {
  expect(await raw('/v1/scopes', ['Host: localhost', key(), 'Accept: text/html', 'Accept: */*'])).toMatch(
    /^HTTP\/1\.1 200 /,
  );
});

test('no answer of the API may be kept, whatever it is; what the docs are made of may', async () => {
  const cacheControl = async (path: string, headers = {}) =>
    (await fetch(server.url + path, { headers })).headers.get('cache-control');
  const credentials = { 'x-api-key': server.admin.apiKey };
  expect(await cacheControl('/v1/scopes', credentials)).toBe('no-store');
  for (const path of ['/v1/scopes', '/v1/nothing', '/health/live', '/hooks/unknown', '/channels/unknown'])
    expect([path, await cacheControl(path)]).toEqual([path, 'no-store']);
  expect(await raw('/v1/scopes', ['no header'])).toContain('Cache-Control: no-store');
  expect(await cacheControl('/docs/swagger-ui.css')).not.toBe('no-store');
});
