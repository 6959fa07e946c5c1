import * as fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';

import { isLarge, isLate, jsonPieces, JsonText, LateJson, streamJson } from './json-pieces.ts';

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
    const text = 'x'.repeat(1e6);
    const places = [[text, 1], [1, text, 2], { first: text, then: 1 }, { first: 1, then: text, last: 2 }];
    for (const value of [rows, { deep: { deeper: rows } }, members, ...places, { text: 'é'.repeat(3e6) }]) {
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

describe('a part that is read late', () => {
  const streamed = async (value: unknown): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of streamJson(value)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };
  const late = (text: string): LateJson => new LateJson(async () => text);

  test('stands in a stream as any other part, whatever its size', async () => {
    const long = JSON.stringify('😀'.repeat(200_000));
    const rows = [late('1.0'), { text: 'x'.repeat(3e5), data: late(long) }, 2];
    expect(await streamed({ rows, end: late('{"a": null}') })).toBe(
      `{"rows":[1.0,{"text":"${'x'.repeat(3e5)}","data":${long}},2],"end":{"a": null}}`,
    );
    expect([isLarge({ rows }), isLate({ rows }), isLate({ rows: [1, { a: null }] })]).toEqual([true, true, false]);
  });

  test('is read when the client has taken what comes before it, and not sooner', async () => {
    let read = 0;
    const part = (): LateJson => new LateJson(async () => `"${(read += 1)}${'x'.repeat(1e6)}"`);
    const stream = streamJson(Array.from({ length: 20 }, part));
    const chunks = stream[Symbol.asyncIterator]();
    for (let taken = 0; taken < 1.5e6;) taken += ((await chunks.next()).value as Buffer).length;
    expect(read).toBeLessThan(4);
    stream.destroy();
  });

  test('ends the stream with an error when it cannot be read, and cannot be written at once', async () => {
    const failing = new LateJson(() => Promise.reject(new Error('removed')));
    await expect(streamed([1, failing])).rejects.toThrow('removed');
    expect(() => [...jsonPieces([late('1')])]).toThrow(/streamed only/);
    expect(() => JSON.stringify([late('1')])).toThrow(/streamed only/);
  });
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
