import { beforeEach, expect, jest, test } from '@jest/globals';
import type { FastifyReply, FastifyRequest } from 'fastify';

import { errors } from '../testing/application.ts';
import { contract, operation } from '../testing/descriptors.ts';
import { RequestFailure } from './failure.ts';
import { FailureResponder } from './failure-responder.ts';
import { RequestContext } from './request-context.ts';
import { InvalidResponseError, type ResponseEncoder } from './response-encoder.ts';

const body = { content: { 'application/json': { type: 'object' } } };
const get = operation({
  id: 'get',
  method: 'GET',
  path: '/get',
  security: [{ Key: [] }],
  responses: { 404: body, '4XX': {}, 500: body },
  errors: {},
});
const descriptor = contract('pets', [get], { Key: { type: 'http', scheme: 'bearer' } });

/** A reply that keeps what was sent on it. */
function replyOf(more: object = {}) {
  const raw = { headersSent: false, writableEnded: false, destroy: jest.fn() };
  const reply = {
    sent: false,
    raw,
    status: 0,
    body: undefined as string | undefined,
    headers: {} as Record<string, unknown>,
    code: (status: number) => Object.assign(reply, { status }),
    header: (name: string, value: unknown) => {
      reply.headers[name.toLowerCase()] = value;
      return reply;
    },
    send: (text: string) => Object.assign(reply, { body: text, sent: true }),
  };
  Object.assign(raw, more);
  return reply;
}

const observer = { failure: jest.fn(), unexpectedError: jest.fn(), invalidResponse: jest.fn() };
const responder = (translate?: (error: unknown) => unknown): FailureResponder =>
  new FailureResponder(descriptor, errors, { validation: 'bad' }, 'the realm', observer as never, translate);

beforeEach(() => void jest.clearAllMocks());

function contextOf(reply = replyOf(), headers: Record<string, string> = {}, known = true) {
  const request = { headers, id: 'req-1' } as unknown as FastifyRequest;
  const context = new RequestContext(request, reply as unknown as FastifyReply, descriptor, known ? get : undefined);
  return { reply, context };
}

const refusal = new RequestFailure('not_found', 'no', { headers: { 'X-A': '1' } });
/** An encoder that refuses bodies of these statuses. */
const encoderThat = (...refuses: number[]): ResponseEncoder & { encode: jest.Mock } =>
  ({
    encode: jest.fn((_context: unknown, { status }: { status: number }) => {
      if (refuses.includes(status)) throw new InvalidResponseError('get', ['wrong']);
      return `encoded ${status}`;
    }),
  }) as never;

test('a failure is told to the observer and sent in the first shape of the contract', () => {
  const { reply, context } = contextOf();
  responder().fail(context, refusal);
  expect([reply.status, reply.headers]).toEqual([
    404,
    { 'x-a': '1', 'content-type': 'application/json; charset=utf-8' },
  ]);
  expect(JSON.parse(reply.body!)).toEqual({ code: 'not_found', message: 'no', details: {} });
  expect(observer.failure).toHaveBeenCalledTimes(1);
  expect(observer.unexpectedError).not.toHaveBeenCalled();
});

test('Accept chooses the shape; what it does not admit is sent all the same', () => {
  const { reply, context } = contextOf(replyOf(), { accept: 'application/problem+json' });
  responder().fail(context, refusal);
  expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  const other = contextOf(replyOf(), { accept: 'text/html' });
  responder().fail(other.context, refusal);
  expect(other.reply.headers['content-type']).toBe('application/json; charset=utf-8');
});

test('what nobody foresaw is told with its cause, and says nothing of it', () => {
  const { reply, context } = contextOf();
  const error = new Error('secret');
  responder().fail(context, error);
  expect(reply.status).toBe(500);
  expect(reply.body).not.toContain('secret');
  expect(observer.unexpectedError).toHaveBeenCalledWith(error, context);
});

test('errors of the application are translated first', () => {
  const { reply, context } = contextOf();
  responder(() => refusal).fail(context, new Error('of the domain'));
  expect(reply.status).toBe(404);
});

test('a declared error goes through the encoder, one that is not declared past it', () => {
  const { reply, context } = contextOf();
  const encoder = encoderThat();
  responder().fail(context, refusal, encoder);
  expect([reply.status, reply.body]).toEqual([404, 'encoded 404']);
  // Declared, but without a body.
  const other = contextOf();
  responder().fail(other.context, new RequestFailure('conflict', 'no'), encoder);
  expect([other.reply.status, JSON.parse(other.reply.body!).code]).toEqual([409, 'conflict']);
  const problem = contextOf(replyOf(), { accept: 'application/problem+json' });
  responder().fail(problem.context, refusal, encoder);
  expect(JSON.parse(problem.reply.body!)).toMatchObject({ status: 404 });
  expect(encoder.encode).toHaveBeenCalledTimes(1);
});

test('an error body that breaks the contract becomes a 500, which is told', () => {
  const { reply, context } = contextOf();
  responder().fail(context, refusal, encoderThat(404));
  expect([reply.status, reply.body]).toEqual([500, 'encoded 500']);
  expect(observer.unexpectedError).toHaveBeenCalledTimes(1);
});

test('where even that breaks it, it is sent as it is', () => {
  const { reply, context } = contextOf();
  responder().fail(context, refusal, encoderThat(404, 500));
  expect([reply.status, JSON.parse(reply.body!).code]).toEqual([500, 'internal']);
});

test('a fault of the encoder itself is not taken for one of the body', () => {
  const { context } = contextOf();
  const encoder = { encode: () => JSON.parse('{') as string } as unknown as ResponseEncoder;
  expect(() => responder().fail(context, refusal, encoder)).toThrow(SyntaxError);
});

test.each([
  ['which is under way', { headersSent: true }, 1],
  ['which is complete', { headersSent: true, writableEnded: true }, 0],
])('an answer %s is not written to; it is cut off %#', (_name, more, times) => {
  const { reply, context } = contextOf(replyOf(more));
  responder().fail(context, refusal);
  expect(reply.raw.destroy).toHaveBeenCalledTimes(times);
  expect(reply.body).toBeUndefined();
});

test('an answer that a handler has sent, though nothing of it is on the wire, is cut off too', () => {
  const { reply, context } = contextOf(Object.assign(replyOf(), { sent: true }));
  responder().fail(context, refusal);
  expect(reply.raw.destroy).toHaveBeenCalledTimes(1);
  expect(observer.failure).not.toHaveBeenCalled();
});

test('401 says how to authenticate, unless the error does; no other status does', () => {
  const challengeOf = (error: unknown, known = true): unknown => {
    const { reply, context } = contextOf(replyOf(), {}, known);
    responder().fail(context, error);
    return reply.headers['www-authenticate'];
  };
  expect(challengeOf(new RequestFailure('unauthenticated', 'no'))).toMatch(/^Bearer realm="the realm"/);
  expect(challengeOf(new RequestFailure('unauthenticated', 'no', { headers: { 'www-authenticate': 'Own' } }))).toBe(
    'Own',
  );
  expect(challengeOf(refusal)).toBeUndefined();
});
