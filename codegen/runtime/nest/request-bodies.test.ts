import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Controller } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';

import { errors, start, type RunningApplication } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import {
  type Answer,
  anything,
  echo,
  EchoApplication,
  failure,
  type Received,
  type Sent,
} from '../testing/echo-application.ts';
import { defineOperation, type OperationRequest } from './index.ts';

const Any = defineOperation<OperationRequest, Answer>(
  operation({ id: 'any', method: 'POST', path: '/any', body: { content: { '*/*': {} } }, responses: anything }),
);

let application: EchoApplication;
let running: RunningApplication;
beforeAll(async () => {
  application = await EchoApplication.start();
  running = application.running;
});
afterAll(() => application.close());
const send = (...request: Parameters<EchoApplication['send']>): Promise<Received> => application.send(...request);
const exchange = (sent: string): Promise<string> => application.exchange(sent);

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
