import { Readable } from 'node:stream';

import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { contract, operation } from '../testing/descriptors.ts';
import { EventStreamBody } from './event-stream.ts';
import { RequestContext } from './request-context.ts';
import { type EncoderOptions, InvalidResponseError, ResponseEncoder, setHeaders } from './response-encoder.ts';

const pet = { type: 'object', properties: { id: { type: 'string' }, by: {} }, required: ['id'] };
const get = operation({
  id: 'get',
  method: 'GET',
  path: '/get',
  responses: {
    200: { content: { 'application/json': pet }, headers: { 'X-Count': { schema: { type: 'integer' } } } },
    201: { content: { 'application/json': pet }, supplied: ['by', 'unknown'] },
    202: { content: { 'text/csv': { type: 'string', maxLength: 3 }, 'application/octet-stream': {} } },
    203: { content: { 'application/json': {}, 'text/csv': { type: 'string' } } },
    204: {},
    206: { content: { 'text/event-stream': { type: 'object', properties: { n: { type: 'integer' } } } } },
    '5XX': { content: { 'application/json': pet } },
    default: {},
  },
});

const onInvalid = jest.fn<(problems: readonly string[]) => void>();
const onStream = jest.fn<(stream: EventStreamBody) => void>();

beforeEach(() => void jest.clearAllMocks());

function encoderOf(options: Partial<EncoderOptions> = {}, of = get): ResponseEncoder {
  const supply = { by: () => 'supplied' };
  const rest = { validation: 'throw', checkEvery: 1, supply, codecs: {}, keepAlive: 60_000 } as const;
  return new ResponseEncoder(of, { ...rest, onInvalid, onStream, ...options });
}

function contextOf(method = 'GET', accept?: string, sent: Record<string, unknown> = {}) {
  const headers: Record<string, unknown> = { ...sent };
  let status = 0;
  const reply = {
    code: (code: number) => (status = code),
    header: (name: string, value: unknown) => (headers[name.toLowerCase()] = value),
    hasHeader: (name: string) => name in headers,
  };
  const request = { method, headers: { accept } } as unknown as FastifyRequest;
  const context = new RequestContext(request, reply as unknown as FastifyReply, contract('c', [get]), get);
  return { context, headers, status: () => status };
}

describe('HEAD', () => {
  test.each<[string, { status: number; contentType?: string; body: unknown }]>([
    ['bytes', { status: 202, contentType: 'application/octet-stream', body: Readable.from([Buffer.from('x')]) }],
    ['events', { status: 206, body: [{ data: { n: 1 } }] }],
  ])('of a stream of %s has the headers of GET, and closes it', (_name, result) => {
    const { context, headers, status } = contextOf('HEAD');
    expect(encoderOf().encode(context, result)).toBeUndefined();
    expect([status(), headers['content-type']]).toEqual([result.status, result.contentType ?? 'text/event-stream']);
    if (result.body instanceof Readable) expect(result.body.destroyed).toBe(true);
    else expect(onStream.mock.calls.map(([{ destroyed }]) => destroyed)).toEqual([true]);
  });

  test('of a text is the text, of which Fastify takes the length', () => {
    expect(encoderOf().encode(contextOf('HEAD').context, { status: 200, body: { id: '1' } })).toBe('{"id":"1"}');
  });
});

describe('GET', () => {
  test('of a stream is the stream', () => {
    const body = Readable.from(['x']);
    const { context } = contextOf();
    expect(encoderOf().encode(context, { status: 202, contentType: 'application/octet-stream', body })).toBe(body);
    expect(body.destroyed).toBe(false);
  });

  test('of events asks proxies to pass them on at once', () => {
    const { context, headers } = contextOf();
    const stream = encoderOf().encode(context, { status: 206, body: [] }) as EventStreamBody;
    stream.destroy();
    expect(onStream).toHaveBeenCalledWith(stream);
    expect(headers).toMatchObject({ 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' });
  });
});

describe('events', () => {
  const large = { n: 1, other: 'x'.repeat(1_100_000) };
  test.each<['throw' | 'log' | 'off', unknown, string[], string]>([
    ['throw', { n: 1 }, [], '{"n":1}'],
    ['throw', { n: 'x' }, ['n must be an integer'], ''],
    ['throw', { n: 1, other: 1 }, ['other is not declared'], ''],
    ['log', { n: 'x' }, ['n must be an integer'], '{"n":"x"}'],
    ['log', { n: 1, other: 1 }, [], '{"n":1}'],
    ['log', large, [], '{"n":1}'],
    ['off', { n: 'x' }, [], '{"n":"x"}'],
  ])('in mode %s: %#', async (validation, data, problems, written) => {
    const stream = encoderOf({ validation }).encode(contextOf().context, { status: 206, body: [{ data }] });
    let text = '';
    const read = async (): Promise<void> => {
      for await (const chunk of stream as EventStreamBody) text += String(chunk);
    };
    if (written === '') await expect(read()).rejects.toThrow(InvalidResponseError);
    else await read();
    expect(text).toBe(`: connected\n\n${written && `data: ${written}\n\n`}`);
    expect(onInvalid.mock.calls.map(([told]) => told)).toEqual(problems.length > 0 ? [problems] : []);
  });

  test.each([
    ['throw', 1],
    ['log', 0],
  ] as const)('that are large are checked in mode %s: %i complaint', async (validation, complaints) => {
    const free = operation({
      id: 'free',
      method: 'GET',
      path: '/free',
      responses: { 200: { content: { 'text/event-stream': { maxItems: 1 } } } },
    });
    const encoder = encoderOf({ validation }, free);
    const data = ['x'.repeat(600_000), 'x'.repeat(600_000)];
    const stream = encoder.encode(contextOf().context, { status: 200, body: [{ data }] }) as EventStreamBody;
    stream.on('error', () => undefined).resume();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(onInvalid).toHaveBeenCalledTimes(complaints);
  });
});

test.each([
  [undefined, 'the handler returned no response'],
  [null, 'the handler returned no response'],
  [{ status: '200' }, 'the handler returned no response'],
  [{ status: 199 }, '199 is not the status of a final response'],
  [{ status: 600 }, '600 is not the status of a final response'],
  [{ status: Number.NaN }, 'NaN is not the status of a final response'],
])('%j is no response', (value, message) => {
  expect(() => encoderOf().encode(contextOf().context, value)).toThrow(InvalidResponseError);
  expect(() => encoderOf().encode(contextOf().context, value)).toThrow(message);
  expect(() => encoderOf().toStored(contextOf().context, value)).toThrow(message);
});

test.each([200, 599])('%i is the status of one', (status) => {
  const { context, status: sent } = contextOf();
  encoderOf().encode(context, { status, body: { id: '1' } });
  expect(sent()).toBe(status);
});

test('a status of its own wins over its class, and that over default', () => {
  const { context } = contextOf();
  expect(encoderOf().encode(context, { status: 503, body: { id: '1' } })).toBe('{"id":"1"}');
  expect(encoderOf().encode(context, { status: 404 })).toBeUndefined();
});

describe('what the runtime supplies', () => {
  test('is added where the handler left it out, and only there', () => {
    const { context } = contextOf();
    const body = { id: '1' };
    expect(encoderOf().encode(context, { status: 201, body })).toBe('{"id":"1","by":"supplied"}');
    expect(encoderOf().encode(context, { status: 201, body: { id: '1', by: 'mine' } })).toBe('{"id":"1","by":"mine"}');
    expect(body).toEqual({ id: '1' });
  });

  test('is not stored for a repetition', () => {
    const { context } = contextOf();
    expect(encoderOf().toStored(context, { status: 201, body: { id: '1' } }).body).toEqual({ id: '1' });
  });
});

describe('the media type', () => {
  test.each([
    [undefined, 'application/json; charset=utf-8', '"x"'],
    ['text/csv', 'text/csv; charset=utf-8', 'x'],
    // The request was let in for another status; the first is as good as any.
    ['image/png', 'application/json; charset=utf-8', '"x"'],
  ])('for Accept %s is %s', (accept, contentType, payload) => {
    const { context, headers } = contextOf('GET', accept);
    expect(encoderOf().encode(context, { status: 203, body: 'x' })).toBe(payload);
    expect(headers['content-type']).toBe(contentType);
  });
});

describe('a wrong response', () => {
  const wrong = { status: 202, contentType: 'text/csv', body: 'long' };

  test('is thrown before anything is set on the reply', () => {
    const { context, headers, status } = contextOf();
    expect(() => encoderOf().encode(context, { ...wrong, headers: { 'X-A': '1' } })).toThrow(InvalidResponseError);
    expect([status(), headers]).toEqual([0, {}]);
    expect(onInvalid).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['log', 1],
    ['off', 0],
  ] as const)('is sent in mode %s, and told %i times', (validation, times) => {
    const { context } = contextOf();
    expect(encoderOf({ validation }).encode(context, wrong)).toBe('long');
    expect(onInvalid).toHaveBeenCalledTimes(times);
  });

  test('of which there is no body is one', () => {
    const { context } = contextOf();
    expect(() => encoderOf().encode(context, { status: 200 })).toThrow('the body is missing');
    expect(encoderOf({ validation: 'off' }).encode(context, { status: 200 })).toBe('');
    expect(encoderOf().encode(context, { status: 204, body: null })).toBeUndefined();
  });

  test('cannot be made of a number', () => {
    const { context } = contextOf();
    const body = { status: 202, contentType: 'application/octet-stream', body: 7 };
    expect(() => encoderOf().encode(context, body)).toThrow('a application/octet-stream body cannot be made of number');
  });
});

describe('what is stored for a repetition', () => {
  test('is JSON, with headers that are set', () => {
    const { context } = contextOf();
    const headers = { 'X-A': 1, 'X-B': true, 'X-C': undefined, 'X-D': ['a', 'b'] };
    const body = { id: '1', by: new Date(0), other: 'left out' };
    expect(encoderOf().toStored(context, { status: 200, body, headers })).toEqual({
      status: 200,
      contentType: 'application/json',
      headers: { 'X-A': 1, 'X-B': 'true', 'X-D': ['a', 'b'] },
      body: { id: '1', by: '1970-01-01T00:00:00.000Z' },
    });
    expect(encoderOf().toStored(context, { status: 204 })).toEqual({
      status: 204,
      contentType: undefined,
      headers: {},
      body: null,
    });
  });

  test('may be text, and no bytes', () => {
    const { context } = contextOf();
    const text = { status: 202, contentType: 'text/csv', body: 'a,b' };
    expect(encoderOf().toStored(context, text).body).toBe('a,b');
    const bytes = { status: 202, contentType: 'application/octet-stream', body: Buffer.from('x') };
    expect(() => encoderOf().toStored(context, bytes)).toThrow('cannot be stored for a repetition');
  });
});

test('headers: lists in one, cookies one by one, and nothing of what is undefined', () => {
  const set: [string, unknown][] = [];
  const reply = { header: (name: string, value: unknown) => set.push([name, value]) } as unknown as FastifyReply;
  setHeaders(reply, {
    'X-A': ['a', 'b'],
    'Set-Cookie': ['c=1', 'd=2'],
    'set-cookie': 'e=3',
    'X-B': undefined,
    'X-C': 0,
  });
  expect(set).toEqual([
    ['X-A', 'a, b'],
    ['Set-Cookie', ['c=1', 'd=2']],
    ['set-cookie', 'e=3'],
    ['X-C', '0'],
  ]);
});

test('a required header may be set by the handler or be there already', () => {
  const made = operation({
    id: 'made',
    method: 'POST',
    path: '/made',
    responses: { 201: { headers: { Location: { required: true, schema: { type: 'string' } } } } },
  });
  const encoder = new ResponseEncoder(made, {
    validation: 'throw',
    checkEvery: 1,
    supply: {},
    codecs: {},
    keepAlive: 1,
    onInvalid,
    onStream,
  });
  const encode = (headers: object, sent = {}): unknown =>
    encoder.encode(contextOf('POST', undefined, sent).context, { status: 201, headers });
  expect(() => encode({})).toThrow('header location is missing');
  expect(() => encode({ location: undefined })).toThrow('header location is missing');
  expect(encode({ LOCATION: '/1' })).toBeUndefined();
  expect(encode({}, { location: '/1' })).toBeUndefined();
});
