import * as fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';

import { isLarge, jsonPieces, JsonText, streamJson } from './json-pieces.ts';

const written = (value: unknown, size?: number) => [...jsonPieces(value, size)].join('');

/** Everything that JSON.stringify takes, what it leaves out and what writes itself too. */
const values = fc.anything({
  key: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'toString', '7', '12', '')),
  values: [
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('\ud83d', '\udc00', '😀'.repeat(9), '"\\\n\u2028'),
    fc.constantFrom(undefined, null, true, -0, Number.NaN, 1e300, () => 1, Symbol('left out')),
    fc.date({ noInvalidDate: false }),
  ],
  withBoxedValues: true,
  withNullPrototype: true,
  withSparseArray: true,
  maxDepth: 5,
});

describe('the pieces of a value', () => {
  test('together are what JSON.stringify makes of it, whatever the size of a piece', () => {
    const property = fc.property(values, fc.integer({ min: 1, max: 60 }), (value, size) => {
      expect(written(value, size)).toBe(JSON.stringify(value) ?? '');
    });
    fc.assert(property, { numRuns: 600 });
  });

  test('are as bytes what the whole text is as bytes', () => {
    const property = fc.property(values, fc.integer({ min: 1, max: 20 }), (value, size) => {
      const bytes = Buffer.concat([...jsonPieces(value, size)].map((piece) => Buffer.from(piece)));
      expect(bytes.toString()).toBe(JSON.stringify(value) ?? '');
    });
    fc.assert(property, { numRuns: 200 });
  });

  test('are no larger than a few hundred kilobytes, whether the value is one text, long lists or many members', () => {
    const rows = Array.from({ length: 40_000 }, (_, index) => ({ index, name: `Person ${index}`, tags: ['a', 'b'] }));
    const members = Object.fromEntries(rows.map((row) => [row.name, row]));
    for (const value of [rows, { deep: { deeper: rows } }, members, ['x'.repeat(3e6)], { text: 'é'.repeat(3e6) }]) {
      const pieces = [...jsonPieces(value)];
      expect(pieces.join('')).toBe(JSON.stringify(value));
      expect(pieces.every(({ length }) => length < 600_000)).toBe(true);
    }
  });

  test('hold JSON that is there already as it is, wherever it stands', () => {
    const text = '{"a": [1, 2.50]}';
    const value = { data: new JsonText(text), list: [1, new JsonText(text), undefined] };
    expect(written(value)).toBe(`{"data":${text},"list":[1,${text},null]}`);
    expect(JSON.stringify(value)).toBe('{"data":{"a":[1,2.5]},"list":[1,{"a":[1,2.5]},null]}');
    const emoji = JSON.stringify('😀'.repeat(100));
    const bytes = [...jsonPieces(new JsonText(emoji), 3)].map((piece) => Buffer.from(piece));
    expect(Buffer.concat(bytes).toString()).toBe(emoji);
  });

  test('of a value that holds itself are refused', () => {
    const value: Record<string, unknown> = { text: 'x'.repeat(3e5) };
    value['self'] = { value };
    expect(() => written(value)).toThrow(/circular/);
  });
});

test('a body is large from a mebibyte on, or where JSON is there already', () => {
  expect(isLarge({ list: Array.from({ length: 1_000 }, () => 'x'.repeat(1_000)) })).toBe(false);
  expect(isLarge({ list: Array.from({ length: 1_100 }, () => 'x'.repeat(1_000)) })).toBe(true);
  expect(isLarge('x'.repeat(1_100_000))).toBe(true);
  expect(isLarge({ a: [{ b: new JsonText('1') }] })).toBe(true);
  const self: Record<string, unknown> = {};
  self['self'] = self;
  expect(isLarge(self)).toBe(false);
});

test('a stream of JSON lets the event loop turn between its pieces', async () => {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const value = Array.from({ length: 100_000 }, (_, index) => ({ index, text: 'some text of some length' }));
  const chunks: Buffer[] = [];
  for await (const chunk of streamJson(value)) chunks.push(chunk as Buffer);
  isOver = true;
  expect(Buffer.concat(chunks).toString()).toBe(JSON.stringify(value));
  expect(turns).toBeGreaterThan(5);
  expect(chunks.length).toBeGreaterThan(10);
});
