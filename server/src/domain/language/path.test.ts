import { describe, expect, test } from '@jest/globals';
import { parsePath, readPath } from './path.ts';

const roots = { a: { b: [{ c: 1 }, null], 'x y': 2, text: 'äb' }, none: null, gone: undefined };

test.each<[source: string, want: unknown]>([
  ['a', roots.a],
  [' a.b ', roots.a.b],
  ['a.b[0].c', 1],
  ['a.b[ 0 ]["c"]', 1],
  ["a['x y']", 2],
  ['a?.b?.[0]?.c', 1],
  ['a.b[1]', null],
  ['a.b[2]', undefined],
  ['a.b.length', 2],
  ['a.b[1]?.c', undefined],
  ['none?.b.c', undefined],
  ['gone?.["b"]', undefined],
  ['a.text.length', 2],
  ['a.text[1]', 'b'],
  ['a.text[2]', undefined],
  ['a.text.toUpperCase', undefined],
  ['a.constructor', undefined],
  ['a.b.c', undefined],
])('%s is %j', (source, want) => {
  expect(readPath(parsePath(source)!, roots)).toEqual(want);
});

test.each([
  ['other', 'other is not defined'],
  ['toString', 'toString is not defined'],
  ['none.b', 'cannot read "b" of none, which is null'],
  ['gone.b', 'cannot read "b" of gone, which is not there'],
  ['a.b[1].c', 'cannot read "c" of a.b.1, which is null'],
  ['a?.b[2].c', 'cannot read "c" of a.b.2, which is not there'],
])('%s fails: %s', (source, message) => {
  expect(() => readPath(parsePath(source)!, roots)).toThrow(message);
});

describe('what is no plain path', () => {
  const others = ['', ' ', '1', 'a.', 'a..b', 'a.b()', 'a + b', 'a[b]', 'a[01]', 'a[-1]', 'a["\\u0061"]', 'a.b c'];
  test.each([...others, 'a.1', '"a"', 'a[12345678901]'])('%s', (source) => {
    expect(parsePath(source)).toBeUndefined();
  });

  test.each(['true', 'false', 'null', 'undefined', 'NaN', 'Infinity', 'this', 'globalThis', 'arguments', 'this.a'])(
    '%s is a word of JavaScript',
    (source) => {
      expect(parsePath(source)).toBeUndefined();
    },
  );
});
