import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

import { errors, start, type RunningApplication } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import { contextOf, defineOperation, type ContractModuleOptions, type OperationRequest } from './index.ts';

interface Answer {
  readonly status: 200;
  readonly body: unknown;
}
const anything = { 200: { content: { 'application/json': {} } } };
const fields = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    age: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' } },
    photo: {},
    meta: { type: 'object' },
    broken: { type: 'object' },
  },
  required: ['name'],
};
const item = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };

const Take = defineOperation<OperationRequest, Answer>(
  operation({
    id: 'take',
    method: 'POST',
    path: '/take',
    body: {
      content: {
        'application/json': fields,
        'application/merge-patch+json': fields,
        'application/x-www-form-urlencoded': fields,
        'multipart/form-data': fields,
        'application/yaml': fields,
        'text/plain': { type: 'string', minLength: 2 },
        'image/*': {},
      },
    },
    bodyLimit: 2000,
    responses: anything,
    errors: { payload_too_large: 413 },
  }),
);
const Maybe = defineOperation<OperationRequest, Answer>(
  operation({
    id: 'maybe',
    method: 'PUT',
    path: '/maybe',
    body: { required: false, content: { 'application/json': item } },
    responses: anything,
  }),
);
const Remove = defineOperation<OperationRequest, Answer>(
  operation({ id: 'remove', method: 'DELETE', path: '/remove', responses: anything }),
);
const Odd = defineOperation<OperationRequest, Answer>(
  operation({
    id: 'odd',
    method: 'GET',
    path: '/odd/{item-id}/{point}',
    parameters: [
      { in: 'path', name: 'item-id', schema: { type: 'string' } },
      { in: 'path', name: 'point', schema: { type: 'array', items: { type: 'integer' } } },
      {
        in: 'query',
        name: 'filter',
        style: 'deepObject',
        schema: { type: 'object', properties: { min: { type: 'number' } }, additionalProperties: false },
      },
      { in: 'query', name: 'limit', schema: { type: 'integer', default: 20, maximum: 100 } },
      { in: 'header', name: 'X-Ids', schema: { type: 'array', items: { type: 'integer' } } },
      { in: 'cookie', name: 'theme', schema: { enum: ['dark', 'light'] } },
    ],
    responses: anything,
  }),
);
const act = (id: string, path: string, names: string[]) =>
  defineOperation<OperationRequest, Answer>(
    operation({
      id,
      method: 'POST',
      path,
      parameters: names.map((name) => ({ in: 'path' as const, name, schema: { type: 'string' } })),
      responses: anything,
    }),
  );
const Act = act('act', '/acts/{id}', ['id']);
const All = defineOperation<OperationRequest, Answer>(
  operation({ id: 'all', method: 'GET', path: '/acts/all', responses: anything }),
);
const Cancel = act('cancel', '/acts/{id}:cancel', ['id']);
const Retry = act('retry', '/acts/{id}:retry', ['id']);
const Any = defineOperation<OperationRequest, Answer>(
  operation({ id: 'any', method: 'POST', path: '/any', body: { content: { '*/*': {} } }, responses: anything }),
);
const Pair = act('pair', '/pairs/{a}..{b}.json', ['a', 'b']);

const echo = (request: OperationRequest): Answer => {
  const { path, query, headers, cookies, body, contentType } = request;
  return {
    status: 200,
    body: { path, query, headers, cookies, body: body instanceof Buffer ? [...body] : body, contentType },
  };
};

@Controller()
class Echo {
  @Take() async take(request: OperationRequest): Promise<Answer> {
    const { body } = request;
    const photo = (body as { photo?: unknown }).photo;
    if (!(photo instanceof File)) return echo(request);
    return { status: 200, body: { ...(body as object), photo: [photo.name, photo.type, await photo.text()] } };
  }
  @Maybe() async maybe(request: OperationRequest) {
    return echo(request);
  }
  @Remove() async remove(request: OperationRequest) {
    return echo(request);
  }
  @Odd() async odd(request: OperationRequest) {
    return echo(request);
  }
  @Act() async act(request: OperationRequest) {
    return echo(request);
  }
  @All() async all(request: OperationRequest) {
    return echo(request);
  }
  @Cancel() async cancel({ path }: OperationRequest): Promise<Answer> {
    return { status: 200, body: ['cancel', path] };
  }
  @Retry() async retry({ path }: OperationRequest): Promise<Answer> {
    return { status: 200, body: ['retry', path] };
  }
  @Pair() async pair({ path }: OperationRequest): Promise<Answer> {
    return { status: 200, body: path };
  }
}

type Sent = NonNullable<RequestInit['body']>;

let running: RunningApplication;
const around: string[] = [];
beforeAll(async () => {
  const options: ContractModuleOptions = {
    contracts: [
      {
        descriptor: contract(
          'echo',
          [Take, Maybe, Remove, Odd, Act, All, Cancel, Retry, Pair].map((each) => each.descriptor),
        ),
        errors,
      },
    ],
    allowRoutes: ['POST /own'],
    mediaTypes: {
      'application/yaml': {
        decode: (text) => {
          if (text.includes('{')) throw new Error('Unexpected token at line 1, column 4:\nsecret');
          return Object.fromEntries(
            text
              .trim()
              .split('\n')
              .map((line) => line.split(': ')),
          );
        },
      },
    },
    maxNames: 20,
    around: (context, next) => {
      around.push(contextOf(context.request).operation!.id);
      next();
    },
  };
  running = await start([Echo], options, {}, (app) => {
    const server = app.getHttpAdapter().getInstance() as FastifyInstance;
    server.post('/own', async ({ body }) => ({ body: body instanceof Buffer ? [...body] : body }));
  });
});
afterAll(() => running.close());

async function send(
  method: string,
  path: string,
  body?: Sent,
  contentType?: string,
  headers: Record<string, string> = {},
) {
  const response = await running.fetch(path, {
    method,
    body: body ?? null,
    headers: { ...headers, ...(contentType && { 'content-type': contentType }) },
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown> & { code: string; details: { errors: unknown[] } },
  };
}
/** What comes back for these bytes, until the server closes the connection. */
async function exchange(sent: string): Promise<string> {
  const socket = connect(Number(new URL(running.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(sent);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

const failure = (message: string, field = '', location = 'body') => ({
  status: 400,
  body: { details: { errors: [{ field, message, location }] } },
});

describe('bodies', () => {
  test.each([
    ['application/json', '{"name":"Ann"}', { name: 'Ann' }],
    ['Application/JSON; charset=utf-8', '{"name":"Ann"}', { name: 'Ann' }],
    ['application/merge-patch+json', '{"name":"Ann","age":3}', { name: 'Ann', age: 3 }],
    [
      'application/x-www-form-urlencoded',
      'name=Ann+B&age=3&tags=a&tags=b%26c',
      { name: 'Ann B', age: 3, tags: ['a', 'b&c'] },
    ],
    ['application/yaml', 'name: Ann', { name: 'Ann' }],
    ['text/plain', 'Grüße', 'Grüße'],
    ['image/png', Buffer.from([0, 255, 128]), [0, 255, 128]],
  ] as const)('%s is read', async (contentType, sent, want) => {
    expect(await send('POST', '/take', sent as Sent, contentType)).toMatchObject({
      status: 200,
      body: { body: want },
    });
  });

  test('an operation that takes whatever comes gets it as bytes', async () => {
    @Controller()
    class Bytes {
      @Any() async any(request: OperationRequest) {
        return echo(request);
      }
    }
    const other = await start([Bytes], { contracts: [{ descriptor: contract('any', [Any.descriptor]), errors }] });
    try {
      for (const contentType of [
        'application/x-unknown',
        'application/json',
        'text/plain',
        'application/x-www-form-urlencoded',
      ]) {
        const headers = { 'content-type': contentType };
        const response = await other.fetch('/any', { method: 'POST', headers, body: new Uint8Array([1, 255]) });
        expect(await response.json()).toMatchObject({ body: [1, 255], contentType: '*/*' });
      }
    } finally {
      await other.close();
    }
  });

  test.each<[string, string, unknown]>([
    ['application/json', '{"a":1}', { a: 1 }],
    ['application/x-www-form-urlencoded', 'a=1&b=c+d', { a: '1', b: 'c d' }],
    ['text/plain', 'Grüße', 'Grüße'],
    ['application/yaml', 'a: 1', 'a: 1'],
    ['image/png', 'a', [97]],
  ])('%s is read for a route of the application’s own as Fastify reads it', async (contentType, sent, body) => {
    expect(await send('POST', '/own', sent, contentType)).toMatchObject({ status: 200, body: { body } });
  });

  test('400: JSON that would reach a prototype, on a route of the application’s own', async () => {
    expect(await send('POST', '/own', '{"__proto__":{"a":1}}', 'application/json')).toMatchObject({ status: 400 });
  });

  test('the handler is told the media type', async () => {
    expect((await send('POST', '/take', '{"name":"Ann"}', 'application/json; charset=utf-8')).body['contentType']).toBe(
      'application/json',
    );
    expect((await send('POST', '/take', 'xx', 'image/png')).body['contentType']).toBe('image/*');
  });

  test('multipart/form-data: text fields become values, files stay files', async () => {
    const form = new FormData();
    form.set('name', '007');
    form.set('age', '7');
    form.append('tags', '1');
    form.set('meta', '{"a":1}');
    form.set('broken', '{"a"');
    form.set('one', '1');
    form.append('many', '1');
    form.append('many', '2');
    form.set('photo', new File(['pixels'], 'me.png', { type: 'image/png' }));
    expect(await send('POST', '/take', form)).toMatchObject({
      status: 200,
      body: {
        name: '007',
        age: 7,
        tags: ['1'],
        meta: { a: 1 },
        broken: '{"a"',
        one: '1',
        many: ['1', '2'],
        photo: ['me.png', 'image/png', 'pixels'],
      },
    });
    form.set('__proto__', 'x');
    expect(await send('POST', '/take', form)).toMatchObject(failure('is not valid multipart data'));
  });

  test.each([
    ['application/json', '{"name":', 'is not valid JSON'],
    ['application/json', '{"name": secret}', 'is not valid JSON'],
    ['application/json', '{"name": "secret" 1}', 'is not valid JSON (at position 18)'],
    ['application/json', '{"name":"x","__proto__":{"admin":true}}', 'holds the name __proto__, which is not allowed'],
    ['application/json', '', 'a request body is required'],
    ['application/yaml', 'a: {', 'is not valid application/yaml (at line 1, column 4)'],
    ['multipart/form-data; boundary=x', 'nonsense', 'is not valid multipart data'],
    ['text/plain', 'x', 'must have at least 2 characters'],
    ['application/json', '[]', 'must be an object'],
  ])('400: %s %s', async (contentType, sent, message) => {
    const answer = await send('POST', '/take', sent, contentType);
    expect(answer).toMatchObject(failure(message));
    expect(JSON.stringify(answer.body)).not.toContain('secret');
  });

  test('an object has as many names as it may have; one more is refused', async () => {
    const names = (count: number): string =>
      `{"name":"x","more":{${Array.from({ length: count }, (_, id) => `"${id}":0`).join(',')}}}`;
    expect((await send('POST', '/take', names(20), 'application/json')).status).toBe(200);
    expect(await send('POST', '/take', names(21), 'application/json')).toMatchObject(
      failure('has an object with more than 20 names'),
    );
  });

  test.each(['application/json', 'application/yaml', 'text/plain'])(
    '400: %s that is not UTF-8',
    async (contentType) => {
      const sent = Buffer.from('{"name":"caf\xe9"}', 'latin1');
      expect(await send('POST', '/take', sent, contentType)).toMatchObject(failure('is not valid UTF-8'));
    },
  );

  test('415: a body with a content coding', async () => {
    const response = await running.fetch('/take', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: '{"name":"x"}',
    });
    expect(response.status).toBe(415);
  });

  test('400: fields of a form are checked like any other', async () => {
    expect(await send('POST', '/take', 'age=x', 'application/x-www-form-urlencoded')).toMatchObject({
      status: 400,
      body: {
        details: {
          errors: [
            { field: 'name', message: 'is required' },
            { field: 'age', message: 'must be an integer' },
          ],
        },
      },
    });
  });

  test('406: the only media type of the answer is not one that the client takes', async () => {
    const headers = { accept: 'text/html' };
    expect(await send('DELETE', '/remove', undefined, undefined, headers)).toMatchObject({
      status: 406,
      body: { code: 'not_acceptable', details: { available: ['application/json'] } },
    });
  });

  test('415: another media type, or none', async () => {
    const answer = await send('POST', '/take', 'a,b', 'text/csv');
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
    expect(await send('POST', '/take', Buffer.from('x') as unknown as Sent)).toMatchObject({ status: 415 });
    // Of a single byte.
    expect(await send('PUT', '/maybe', 'x', 'text/plain')).toMatchObject({
      status: 415,
      body: { message: 'The request body must be application/json.', details: { supported: ['application/json'] } },
    });
    const message = 'The media type of the request body is not supported.';
    for (const path of ['/own', '/none'])
      expect(await send('POST', path, 'x', 'application/x-unknown')).toMatchObject(
        path === '/own' ? { status: 415, body: { message, details: { supported: [] } } } : { status: 404 },
      );
  });

  test('200: a media type without a body says nothing', async () => {
    const head = 'PUT /maybe HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n';
    expect(await exchange(head)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('400: the message names the first problem and counts the others', async () => {
    for (const [method, path, contentType, sent, message] of [
      ['POST', '/take', 'application/json', '{', 'The request body is not valid JSON'],
      ['POST', '/take', 'application/json', '', 'A request body is required'],
      ['POST', '/take', 'application/json', '{}', 'name is required'],
      ['POST', '/take', 'application/json', '{"age":"x"}', 'name is required (and 1 more problem)'],
      [
        'POST',
        '/take?x=1',
        'application/json',
        '{"age":"x"}',
        'x is not a known query parameter (and 2 more problems)',
      ],
      ['POST', '/take', 'application/x-www-form-urlencoded', '&', 'name is required'],
    ] as const) {
      const { body } = await send(method, path, sent, contentType);
      expect((body['message'] as string).replace(/ \(at position \d+\)/, '')).toBe(`${message}.`);
    }
  });

  test('400: a body of another length than Content-Length says', async () => {
    const server = running.app.getHttpAdapter().getInstance() as FastifyInstance;
    const headers = { 'content-type': 'application/json', 'content-length': '5' };
    const { statusCode, body } = await server.inject({ method: 'POST', url: '/take', headers, payload: '{}' });
    expect([statusCode, JSON.parse(body)]).toMatchObject([
      400,
      {
        message: 'The request body does not have the length that Content-Length says.',
        details: { errors: [{ location: 'body' }] },
      },
    ]);
  });

  test('413: a body beyond the limit of its operation, in the contract’s shape, however long it takes to send', async () => {
    const big = JSON.stringify({ name: 'x'.repeat(3_000_000) });
    for (let round = 0; round < 5; round += 1) {
      expect(await send('POST', '/take', big, 'application/json')).toMatchObject({
        status: 413,
        body: { code: 'payload_too_large', details: { limit: 2000 } },
      });
    }
    const chunks = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 50; index += 1) controller.enqueue(new Uint8Array(1000));
        controller.close();
      },
    });
    const response = await running.fetch('/take', {
      method: 'POST',
      body: chunks,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    });
    expect(response.status).toBe(413);
  });

  test('an optional body may be absent; a body that the operation does not have is ignored', async () => {
    expect(await send('PUT', '/maybe')).toMatchObject({ status: 200 });
    expect(await send('PUT', '/maybe', '{}', 'application/json')).toMatchObject(failure('is required', 'id'));
    expect(await send('DELETE', '/remove', '{"a":1}', 'application/json')).toMatchObject({ status: 200 });
    expect(await send('DELETE', '/remove', undefined, 'application/json')).toMatchObject({ status: 200 });
  });
});

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
  around.length = 0;
  await send('DELETE', '/remove');
  await send('DELETE', '/remove?x=1');
  expect(around).toEqual(['remove']);
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
