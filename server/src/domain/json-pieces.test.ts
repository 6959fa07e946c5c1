import { expect, test } from '@jest/globals';
import { JsonPieces, writeJson } from './json-pieces.ts';
import { toJsonb } from './storable.ts';

const long = 'Ein Text mit Umlauten: äöü, "quotes", \\ and 😀. '.repeat(8_000);

test.each<[what: string, value: unknown]>([
  ['a small object', { a: 1, b: [true, null, 'x'], c: undefined }],
  ['dates', { at: new Date(0) }],
  ['a long text', long],
  ['a long text of surrogate pairs', `x${'😀'.repeat(300_000)}`],
  ['half of a pair and NUL', { a: 'a\0b\ud800c', 'k\0': '\udc00' }],
  ['half of a pair and NUL in a long text', `${long}\0\ud800${long}`],
  ['a long list of numbers', Array.from({ length: 30_000 }, (_, index) => index / 7)],
  ['a long list with gaps', Array.from({ length: 15_000 }, (_, index) => (index % 3 ? undefined : long.slice(0, 20)))],
  ['large neighbours of gaps', [undefined, long, undefined, long]],
  [
    'an object of many members',
    Object.fromEntries(Array.from({ length: 15_000 }, (_, index) => [`k"${index}`, index])),
  ],
  ['large members between small ones', { a: 1, b: long, c: undefined, d: { e: long, f: 2 }, g: 3, h: [long, 4] }],
  ['a name that objects inherit', JSON.parse(`{"__proto__": ${JSON.stringify(long)}, "a": {"__proto__": 1}}`)],
  ['empty ones beside large ones', [[], {}, '', long, {}, []]],
])('in pieces it is the same JSON: %s', async (_what, value) => {
  const pieces = new JsonPieces();
  for (let time = 0; time < 2; time++)
    expect(JSON.stringify(JSON.parse(await pieces.write(value)))).toBe(JSON.stringify(JSON.parse(toJsonb(value))));
});

test.each<[what: string, value: unknown]>([
  ['a small object', { a: 1, b: [true, null, 'x\0'], c: undefined }],
  ['half of a pair and NUL in a long text', { 'k\0': `${long}\0\ud800${long}` }],
  ['a long list with gaps', Array.from({ length: 15_000 }, (_, index) => (index % 3 ? undefined : long.slice(0, 20)))],
  ['a name that objects inherit', JSON.parse(`{"__proto__": ${JSON.stringify(long)}, "a": {"__proto__": 1}}`)],
])('written exactly it is the same text: %s', async (_what, value) => {
  expect(await writeJson(value)).toBe(JSON.stringify(value));
});

test('what occurs often is written once', async () => {
  const large = { text: long };
  const pieces = new JsonPieces();
  await pieces.write({ first: large });
  // Nobody changes what is being written: the only way to see that it is not read again.
  large.text = 'changed';
  expect(JSON.parse(await pieces.write({ second: large, third: long })).second.text).toBe(long);
});

test('megabytes do not hold up the process', async () => {
  const value = Array.from({ length: 100_000 }, (_, index) => ({ index, name: `Name ${index}`, tags: ['a', 'b'] }));
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await new JsonPieces().write(value);
  over = true;
  expect(turns).toBeGreaterThan(20);
});
