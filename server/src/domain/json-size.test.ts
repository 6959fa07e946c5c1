import { expect, test } from '@jest/globals';
import type { Json } from './domain-error.ts';
import { sizeOf } from './json-size.ts';

test.each<[what: string, value: Json, bytes: number, depth: number]>([
  ['a number', 1.5, 16, 0],
  ['null', null, 16, 0],
  ['a text', 'abc', 19, 0],
  ['a long text, in UTF-8', 'é'.repeat(40), 96, 0],
  ['an empty list', [], 16, 1],
  ['a list', [1, 'a'], 16 + 16 + 17, 1],
  ['an object, with its names', { ab: 1 }, 16 + 2 + 16, 1],
  ['what is nested', { a: [{ b: 'c' }] }, 16 + 1 + 16 + 16 + 1 + 17, 3],
])('%s', (_what, value, bytes, depth) => {
  expect(sizeOf(value)).toEqual({ bytes, depth, hasTooManyNames: false });
});

test('what occurs often counts each time, and is measured once', () => {
  const part = Array.from({ length: 1_000 }, () => 'abcdefgh');
  const whole = Array.from({ length: 50 }, () => part);
  expect(sizeOf(whole).bytes).toBe(16 + 50 * (16 + 1_000 * 24));
});

test('a value that stands for more than fits anywhere is measured up to the limit', () => {
  let value: Json = 'x'.repeat(100);
  for (let level = 0; level < 60; level++) value = [value, value];
  const { bytes } = sizeOf(value, 1_000_000);
  expect(bytes).toBeGreaterThan(1_000_000);
  expect(bytes).toBeLessThan(2_000_000);
});

test('a value that nests for ever is measured to an end', () => {
  let value: Json = 1;
  for (let level = 0; level < 50_000; level++) value = [value];
  expect(sizeOf(value).depth).toBeGreaterThan(128);
});

test('too many names in one object show, wherever it stands, and also when it is measured again', () => {
  const names = (count: number): Json => Object.fromEntries(Array.from({ length: count }, (_, id) => [`k${id}`, 1]));
  expect(sizeOf([names(20_000), names(20_000)])).toMatchObject({ depth: 2, hasTooManyNames: false });
  const value: Json = { a: [names(20_001)] };
  for (const time of [1, 2]) expect([time, sizeOf([value]).hasTooManyNames]).toEqual([time, true]);
});
