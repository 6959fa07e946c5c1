import { expect, test } from '@jest/globals';
import { operations } from '../../test/pets-contract.ts';
import type { Operation } from './operation.ts';
import { defaultRetryPolicy, isRepeatable, isRetryable, retryAfterSeconds, retryDelay } from './retry.ts';

const { getPet, createPet, walkPet } = operations;
const after = (value: string): Headers => new Headers({ 'retry-after': value });
const most = (): number => 1;

test.each([
  ['GET', true],
  ['HEAD', true],
  ['OPTIONS', true],
  ['TRACE', true],
  ['PUT', true],
  ['DELETE', true],
  ['POST', false],
  ['PATCH', false],
])('%s may be sent twice: %s; with an idempotency key any method may', (method, expected) => {
  const operation: Operation = { ...walkPet, method };
  expect(isRepeatable(operation)).toBe(expected);
  expect(isRepeatable({ ...operation, idempotent: true })).toBe(true);
});

test.each<[number, Operation, Headers, boolean]>([
  [429, walkPet, new Headers(), true],
  [409, createPet, after('1'), true],
  [409, createPet, new Headers(), false],
  [409, walkPet, after('1'), false],
  // A safe method has no earlier attempt at work.
  [409, getPet, after('1'), false],
  [408, getPet, new Headers(), true],
  [408, walkPet, new Headers(), false],
  [499, getPet, new Headers(), false],
  [500, getPet, new Headers(), true],
  [500, createPet, new Headers(), true],
  [500, walkPet, new Headers(), false],
  [599, getPet, new Headers(), true],
  [404, getPet, after('1'), false],
])('%i to %j is tried again: %s', (status, operation, headers, expected) => {
  expect(isRetryable({ status, headers }, operation)).toBe(expected);
});

test.each([
  [0, 500],
  [1, 1_000],
  [2, 2_000],
  [3, 4_000],
  [4, 8_000],
  [5, 8_000],
  [100, 8_000],
])('the delay after attempt %i is at most %i ms, and at least half of it', (attempt, expected) => {
  expect(retryDelay(attempt, undefined, defaultRetryPolicy, most)).toBe(expected);
  expect(retryDelay(attempt, new Headers(), defaultRetryPolicy, () => 0)).toBe(expected / 2);
  expect(retryDelay(attempt, undefined, defaultRetryPolicy, () => 0.5)).toBe(expected * 0.75);
});

test.each([
  ['0', 0],
  ['60', 60_000],
  ['60.001', undefined],
  ['61', undefined],
  // What cannot be read is as good as nothing.
  ['soon', 500],
])('Retry-After: %s makes the delay %s', (value, expected) => {
  expect(retryDelay(0, after(value), defaultRetryPolicy, most)).toBe(expected);
});

test.each([
  ['7', 7],
  ['1.5', 1.5],
  [' 7 ', 7],
  ['0', 0],
  ['', undefined],
  ['-1', 0],
  ['soon', undefined],
  ['Sun, 22 Nov 2026 10:30:20 GMT', 20],
  ['Sun, 22 Nov 2026 10:29:50 GMT', 0],
])('Retry-After: %j is %s seconds', (value, expected) => {
  expect(retryAfterSeconds(after(value), Date.parse('2026-11-22T10:30:00Z'))).toBe(expected);
});

test('without the header there is none', () => {
  expect(retryAfterSeconds(new Headers())).toBeUndefined();
});
