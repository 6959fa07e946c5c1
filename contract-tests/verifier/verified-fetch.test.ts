import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { ContractDocument } from './contract-document.ts';
import { createVerifiedFetch } from './verified-fetch.ts';

const json = { description: 'A.', content: { 'application/json': {} } };
const operation = (operationId: string, ...responses: object[]): object => ({
  operationId,
  responses: Object.fromEntries(responses.map((response, index) => [200 + index, response])),
});
const contract = ContractDocument.of({
  paths: {
    '/plain': { get: operation('get', json, { description: 'None.' }), post: operation('post', json) },
    '/stream': { get: operation('stream', json, { description: 'A.', content: { 'text/event-stream': {} } }) },
    '/login': { get: operation('login', json, { description: 'A.', headers: { 'Set-Cookie': {} } }) },
  },
});
const violations = [
  { location: ['request', 'query'], severity: 'Error', message: 'must be number' },
  { location: ['response', 'body', 'name'], severity: 'Warning', message: 'must be string' },
];

interface Seen {
  via: 'tap' | 'prism';
  line: string;
  body: string;
  from: string | undefined;
}

let seen: Seen[] = [];
const servers: Server[] = [];
const urls = { tap: '', prism: '' };

beforeAll(async () => {
  for (const via of ['tap', 'prism'] as const) {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        seen.push({ via, line: `${request.method} ${request.url}`, body, from: request.headers['x-from'] as string });
        const reported = via === 'prism' ? { 'sl-violations': JSON.stringify(violations) } : {};
        response.writeHead(302, { location: '/elsewhere', ...reported }).end();
      });
    });
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    urls[via] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
});

afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

let complaints: string[] = [];

beforeEach(() => {
  seen = [];
  complaints = [];
});

async function send(path: string, init: RequestInit = {}, negative = false): Promise<Response> {
  const onViolation = (violation: string): unknown => complaints.push(violation);
  const options = { contract, tapUrl: urls.tap, prismUrl: urls.prism, negative, onViolation };
  const headers = { ...(init.headers as Record<string, string> | undefined), 'x-from': 'test' };
  return createVerifiedFetch(options)(`${urls.tap}${path}`, { redirect: 'manual', ...init, headers });
}

const post = (body: string, type?: string, more: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body,
  headers: { ...(type && { 'content-type': type }), ...more },
});

test.each<[string, 'tap' | 'prism', string, RequestInit]>([
  ['a request without a body', 'prism', '/plain?a=1', {}],
  ['JSON', 'prism', '/plain', post('{"a":1}', 'application/json; charset=utf-8')],
  ['a body that is no JSON', 'prism', '/plain', post('a', 'text/plain')],
  ['JSON that is false', 'tap', '/plain', post('0', 'application/json')],
  ['JSON that is broken', 'tap', '/plain', post('{', 'application/json')],
  ['other JSON', 'tap', '/plain', post('{"a":1}', 'application/merge-patch+json')],
  ['a wish for other JSON', 'tap', '/plain', { headers: { accept: 'application/problem+json' } }],
  ['a wish for JSON', 'prism', '/plain', { headers: { accept: 'application/json' } }],
  ['a cookie', 'tap', '/plain', { headers: { cookie: 'session=1' } }],
  ['an operation that sets one', 'tap', '/login', {}],
  ['an operation that may stream', 'tap', '/stream', {}],
  ['what is no operation', 'tap', '/plants', {}],
])('%s goes to the %s', async (_name, via, path, init) => {
  const response = await send(path, init);
  const from = 'test';
  expect(seen).toEqual([{ via, line: `${init.method ?? 'GET'} ${path}`, body: init.body ?? '', from }]);
  // A redirect is an answer like others.
  expect(response.status).toBe(302);
  expect(complaints).toHaveLength(via === 'prism' ? 2 : 0);
});

test("Prism's complaints are told with the request that they are about", async () => {
  await send('/plain?a=x');
  expect(complaints).toEqual([
    'Prism Error on GET /plain request.query: must be number',
    'Prism Warning on GET /plain response.body.name: must be string',
  ]);
});

test('where the request is wrong on purpose, only those about the response count', async () => {
  await send('/plain?a=x', {}, true);
  expect(complaints).toEqual(['Prism Warning on GET /plain response.body.name: must be string']);
});

test('an abort reaches the request', async () => {
  await expect(send('/plain', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  expect(seen).toEqual([]);
});
