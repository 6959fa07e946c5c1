import { expect, test } from '@jest/globals';
import { BadRequestException, HttpException } from '@nestjs/common';

import { operation } from '../testing/descriptors.ts';
import { defaultStatus, RequestFailure, type FailureKind } from './failure.ts';
import { internalFailure, toFailure } from './failure-response.ts';

const get = operation({
  id: 'get',
  method: 'GET',
  path: '/get',
  responses: {},
  errors: { gone: 410, bad: 422, limited: 420, wrong: 451 },
});
const codes = { validation: 'bad', rate_limited: 'limited', internal: 'oops', not_found: 'nothing' };

/** An error as applications throw it. */
const thrown = (more: object): Error => Object.assign(new Error('what happened'), more);

test.each(Object.entries(defaultStatus) as [FailureKind, number][])('%s is %i by itself', (kind, status) => {
  expect(toFailure(new RequestFailure(kind, 'no'), undefined, {})).toMatchObject({ kind, code: kind, status });
});

test('what the runtime refuses has the code and the status of the contract, its details and its headers', () => {
  const options = { details: { a: 1 }, headers: { 'X-A': '1' } };
  const refusal = new RequestFailure('validation', 'no', options);
  const expected = { kind: 'validation', code: 'bad', status: 422, message: 'no', ...options, cause: refusal };
  expect(toFailure(refusal, get, codes)).toEqual(expected);
  const cause = new Error('below');
  expect(toFailure(new RequestFailure('validation', 'no', { cause }), get, codes).cause).toBe(cause);
});

test('a code that the operation declares has its status', () => {
  const error = thrown({ code: 'gone', details: { id: 1 }, headers: { 'X-A': '1' } });
  expect(toFailure(error, get, codes)).toEqual({
    kind: undefined,
    code: 'gone',
    status: 410,
    message: 'what happened',
    details: { id: 1 },
    headers: { 'X-A': '1' },
    cause: error,
  });
});

test.each([
  ['a list of details', { code: 'gone', details: [1], headers: ['x'] }],
  ['null', { code: 'gone', details: null, headers: null }],
  ['text', { code: 'gone', details: 'x', headers: 'x' }],
])('%s is none', (_name, more) => {
  expect(toFailure(thrown(more), get, codes)).toMatchObject({ details: {}, headers: {} });
});

test.each([
  ['an error without a code', thrown({})],
  ['a code that is not declared', thrown({ code: 'lost' })],
  ['a code that is a name of every object', thrown({ code: 'toString' })],
  ['a code that is no text', thrown({ code: 410 })],
  ['what is no error', { code: 'gone', message: 'secret' }],
  ['nothing', undefined],
  ['a 500 of Nest', new HttpException('secret', 500)],
  ['a 599 of Nest', new HttpException('secret', 599)],
])('500: %s is unexpected, and says nothing of itself', (_name, error) => {
  const expected = { code: 'oops', status: 500, message: 'An unexpected error occurred.', details: {}, headers: {} };
  expect(toFailure(error, get, codes)).toEqual({ kind: 'internal', ...expected, cause: error });
});

test('without an operation no code is declared', () => {
  expect(toFailure(thrown({ code: 'gone' }), undefined, codes).status).toBe(500);
  expect(internalFailure(undefined, undefined, {})).toMatchObject({ code: 'internal', status: 500 });
});

test.each([
  [400, 'validation', 'bad', 422],
  [401, 'unauthenticated', 'unauthenticated', 401],
  [403, 'forbidden', 'forbidden', 403],
  [404, 'not_found', 'nothing', 404],
  [405, 'method_not_allowed', 'method_not_allowed', 405],
  [406, 'not_acceptable', 'not_acceptable', 406],
  [409, 'conflict', 'conflict', 409],
  [413, 'payload_too_large', 'payload_too_large', 413],
  [414, 'not_found', 'nothing', 404],
  [415, 'unsupported_media_type', 'unsupported_media_type', 415],
  [422, 'validation', 'bad', 422],
  [429, 'rate_limited', 'limited', 420],
  [503, 'unavailable', 'unavailable', 503],
  [418, undefined, 'http_418', 418],
  [499, undefined, 'http_499', 499],
])('an exception of Nest with %i is %s, %s, %i', (given, kind, code, status) => {
  expect(toFailure(new HttpException('no', given), get, codes)).toMatchObject({ kind, code, status, message: 'no' });
});

test('the messages of a ValidationPipe are problems of the body; other exceptions have their own', () => {
  const problem = (message: string): object => ({ field: '', message, location: 'body' });
  const many = toFailure(new BadRequestException(['a is wrong', 'b too']), get, codes);
  expect(many.details).toEqual({ errors: [problem('a is wrong'), problem('b too')] });
  expect(toFailure(new BadRequestException('no'), get, codes).details).toEqual({ errors: [problem('no')] });
  expect(toFailure(new HttpException('no', 400), get, codes).details).toEqual({ errors: [problem('no')] });
  expect(toFailure(new HttpException('no', 404), get, codes).details).toEqual({});
});

test('an exception of Nest may name a code of the operation', () => {
  const named = (errorCode: string): HttpException => new HttpException('no', 409, { errorCode });
  expect(toFailure(named('wrong'), get, codes)).toMatchObject({ kind: 'conflict', code: 'wrong', status: 451 });
  expect(toFailure(named('lost'), get, codes)).toMatchObject({ code: 'conflict', status: 409 });
});
