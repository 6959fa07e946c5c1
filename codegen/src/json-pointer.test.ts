import { expect, test } from '@jest/globals';
import { joinPointer, pointerOfRef, splitPointer, valueAt } from './json-pointer.ts';

test('tokens survive the way into a pointer and back', () => {
  const pointer = joinPointer('', 'paths', '/a~b/{c}', 0);
  expect(pointer).toBe('/paths/~1a~0b~1{c}/0');
  expect(splitPointer(pointer)).toEqual(['paths', '/a~b/{c}', '0']);
});

test.each([
  ['#/components/schemas/A%20B', '/components/schemas/A B'],
  ['#/a/100%', '/a/100%'],
  ['other.yaml#/a', undefined],
  ['#anchor', undefined],
])('the pointer of %s', (given, want) => {
  expect(pointerOfRef(given)).toBe(want);
});

test.each([
  ['/a/1/b', 2],
  ['/a/7', undefined],
  ['/constructor', undefined],
  ['', { a: [0, { b: 2 }] }],
])('the value at %s', (pointer, want) => {
  expect(valueAt({ a: [0, { b: 2 }] }, pointer)).toEqual(want);
});
