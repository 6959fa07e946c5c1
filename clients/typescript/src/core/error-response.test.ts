import { expect, test } from '@jest/globals';
import { operations, wire } from '../../test/pets-contract.ts';
import { errorOf } from './error-response.ts';
import { APIError, PermissionError, RateLimitError, ServerError, ValidationError } from './errors.ts';
import type { Wire } from './operation.ts';

function read(status: number, body: unknown, headers: Record<string, string> = {}, format: Wire = wire): APIError {
  const response = new Response(null, {
    status,
    statusText: 'As It Is',
    headers: { 'content-type': 'application/json', ...headers },
  });
  return errorOf(response, body, operations.getPet, format);
}

const full = {
  error: { code: 'bad', message: 'what', details: { id: 'p1', errors: [{ message: 'no' }, 'text', null, ['x']] } },
  meta: { request_id: 'req-body' },
};

test('every part is read by its pointer', () => {
  const error = read(400, full);
  expect(error).toBeInstanceOf(ValidationError);
  expect(error).toMatchObject({
    status: 400,
    code: 'bad',
    message: '400 bad: what (request req-body)',
    requestId: 'req-body',
    details: { id: 'p1' },
    // Only objects are problems.
    problems: [{ message: 'no' }],
    operation: 'getPet',
    body: full,
  });
});

test('the request id of the header wins over that of the body', () => {
  expect(read(400, full, { 'x-request-id': 'req-header' }).requestId).toBe('req-header');
});

test.each([
  ['text', 'Bad Gateway'],
  ['nothing', undefined],
  ['null', null],
  ['a list', [full]],
  ['parts of other types', { error: { code: 7, message: null, details: 'x' }, meta: [] }],
])('where the body is %s, the status says what happened', (_name, body) => {
  const error = read(418, body);
  expect(error.constructor).toBe(APIError);
  expect([error.message, error.code, error.requestId, error.details]).toEqual([
    '418: As It Is',
    undefined,
    undefined,
    {},
  ]);
});

test('without a status text there is one', () => {
  const error = errorOf(new Response(null, { status: 418 }), undefined, operations.getPet, wire);
  expect(error.message).toBe('418: the server answered with an error');
});

test('a media type that the contract does not name is read as its first', () => {
  expect(read(400, full, { 'content-type': 'text/plain' }).code).toBe('bad');
  expect(read(400, full, {}, { ...wire, errors: {} })).toMatchObject({ code: undefined, body: full });
});

test('a pointer may hold / and ~, and lead into a list', () => {
  const errors = { 'application/json': { code: '/a~1b/0/c~0d', message: '/~01' } };
  const body = { 'a/b': [{ 'c~d': 'deep' }], '~1': 'told' };
  expect(read(400, body, {}, { ...wire, errors })).toMatchObject({ code: 'deep', message: '400 deep: told' });
});

test.each([
  [499, APIError],
  [500, ServerError],
  [599, ServerError],
])('%i is its own class', (status, ErrorClass) => {
  expect(read(status, full).constructor).toBe(ErrorClass);
});

test('429: Retry-After is told in seconds', () => {
  expect((read(429, full, { 'retry-after': '7' }) as RateLimitError).retryAfter).toBe(7);
  expect((read(429, full) as RateLimitError).retryAfter).toBeUndefined();
});

test('403: scopes are texts, whatever the body holds', () => {
  const body = { error: { details: { required_scopes: ['a', 7, 'b'], missing_scopes: 'b' } } };
  const error = read(403, body) as PermissionError;
  expect([error.requiredScopes, error.missingScopes]).toEqual([['a', 'b'], []]);
});

test('an error is named as its class', () => {
  expect(read(400, full).name).toBe('ValidationError');
});
