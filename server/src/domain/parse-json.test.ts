import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { valueBounds } from './json-bounds.ts';
import { JsonBoundError, jsonIn, parseJson } from './parse-json.ts';
import { atOnce } from './work-in-pieces.ts';

const inPieces = (text: string, size: number): unknown => atOnce(jsonIn(text, size));

/** What a reader makes of a text, or that it refuses it. */
function outcomeOf(read: () => unknown): unknown {
  try {
    return { value: read() };
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return 'refused';
  }
}

/** The same value, with the members of objects in the same order, and nothing that is not the object's own. */
function expectSame(text: string, size: number): void {
  const outcome = outcomeOf(() => inPieces(text, size));
  const expected = outcomeOf(() => JSON.parse(text));
  if (!isDeepStrictEqual(outcome, expected)) expect([size, text, outcome]).toEqual([size, text, expected]);
  expect(JSON.stringify(outcome)).toBe(JSON.stringify(expected));
}

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('\ud83d', '\udc00', '\0', '"\\', '\\\\"', '[1,', '}', '__proto__', 'constructor', '7', ''),
);
const scalars = fc.oneof(
  texts,
  fc.constantFrom(null, true, false, -0, 1e300, 2 ** 53, 1.5),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'large' },
    scalars,
    fc.array(tie('value'), { maxLength: 8 }),
    fc.array(fc.tuple(texts, tie('value')), { maxLength: 8 }).map((members) => Object.fromEntries(members)),
  ),
}));
const written = fc.tuple(values, fc.constantFrom('', ' ', '\n', '\t')).map(([value, space]) => {
  return JSON.stringify(value, null, space);
});

describe('a text that is parsed in pieces', () => {
  test('becomes what JSON.parse makes of it, whatever the size of a piece', () => {
    fc.assert(
      fc.property(written, fc.integer({ min: 0, max: 40 }), (text, size) => expectSame(text, size)),
      { numRuns: 200 },
    );
  });

  test('is refused where JSON.parse refuses it, after any change', () => {
    const change = fc.constantFrom(
      '',
      ',',
      ',,',
      '[',
      ']',
      '{',
      '}',
      '"',
      ':',
      '1',
      ' ',
      '[]',
      '{},',
      'null',
      '\\',
      '\u00a0',
    );
    const changed = fc.tuple(written, fc.nat(), fc.nat({ max: 2 }), change).map(([text, place, length, more]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + more + text.slice(at + length);
    });
    fc.assert(
      fc.property(changed, fc.integer({ min: 0, max: 20 }), (text, size) => expectSame(text, size)),
      { numRuns: 500 },
    );
  });

  test.each([
    '[]',
    ' [ ] ',
    '{ }',
    '[,]',
    '[ ,1]',
    '[1,]',
    '{,}',
    '{"a":1,}',
    '[1}',
    '{"a":[1,2,3] [4,5,6]}',
    '[[1,2,3] [4]]',
    '{"a":1[1,2,3]}',
    '{"a":"b"[1,2,3]}',
    '{[1,2,3]}',
    '{"a",[1,2]}',
    '[1][2]',
    '1 [2]',
    '[1] 2',
    ', [1]',
    '[1',
    '"a',
    '',
    '[[1,2,3]x,4]',
    '[x[1,2,3],4]',
    '{"a":{"b":1,"c":2},"a":3}',
    '{"a":1,"b":{"c":[1,2]},"a":{"d":[3,4]}}',
    '12',
    '"a,[b"',
    '{"__proto__":{"a":[1,2,3]},"b":{"__proto__":1}}',
    '{"2":[1,2],"1":[3,4],"a":5}',
  ])('%s', (text) => {
    for (let size = 0; size < 8; size += 1) expectSame(text, size);
  });

  test('holds what JSON.parse makes of numbers beyond 2^53, half surrogates and names of prototypes', async () => {
    const member = '{"n":9007199254740993,"s":"\\ud83d","__proto__":{"p":[1e400,-0]},"t":"\ud83d\ude00"}';
    const text = `{"list":[${Array.from({ length: 9_000 }, () => member).join(',')}]}`;
    const value = (await parseJson(text)) as { list: Record<string, unknown>[] };
    expect(value).toStrictEqual(JSON.parse(text));
    expect(Object.getPrototypeOf(value.list[8_999])).toBe(Object.prototype);
    expect(Object.keys(value.list[8_999]!)).toContain('__proto__');
  });

  test('lets the event loop turn between its pieces', async () => {
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const text = `{"rows":[${Array.from({ length: 200_000 }, (_, id) => `{"id":${id},"tags":["a","b"]}`).join(',')}]}`;
    await parseJson(text);
    isOver = true;
    expect(turns).toBeGreaterThan(3);
  });

  test.each([
    ['one list', `[${'{},'.repeat(100_000)}1]`],
    ['names', `{${Array.from({ length: 20_000 }, (_, id) => `"k${id}":${id}`).join(',')}}`],
    ['members of members', `${`[${'1,'.repeat(3_000)}`.repeat(100)}1${']'.repeat(100)}`],
  ])('is handed to JSON.parse in pieces, not as a whole: %s', (_, text) => {
    const parse = JSON.parse;
    let longest = 0;
    JSON.parse = (given: string): unknown => {
      longest = Math.max(longest, given.length);
      return parse(given);
    };
    try {
      inPieces(text, 10_000);
    } finally {
      JSON.parse = parse;
    }
    expect(longest).toBeLessThan(31_000);
  });

  test('is refused where it nests deeper than any value may', async () => {
    const deep = (levels: number): string => `[${'"x",'.repeat(100_000)}${'['.repeat(levels - 1)}${']'.repeat(levels)}`;
    await expect(parseJson(deep(193))).rejects.toThrow(new JsonBoundError('levels'));
    expect(await parseJson(deep(192))).toHaveLength(100_001);
  });
});

describe('a text that is held to bounds', () => {
  const withNames = (count: number, value = '1'): string =>
    `[{${Array.from({ length: count }, (_, id) => `"k${id}":${value}`).join(',')}},[${'0,'.repeat(1_000)}0]]`;

  test.each([
    ['small', '1'],
    ['large', '"0123456789"'],
  ])('has as many names in an object, and not one more: a %s one', async (size, value) => {
    expect(withNames(20_000, value).length > 4 * 65_536).toBe(size === 'large');
    expect(Object.keys(((await parseJson(withNames(20_000, value), valueBounds)) as [object])[0])).toHaveLength(20_000);
    await expect(parseJson(withNames(20_001, value), valueBounds)).rejects.toThrow(new JsonBoundError('names'));
    expect(await parseJson(withNames(20_001, value))).toHaveLength(2);
  });

  test('nests as deep, and not a level deeper', async () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(await parseJson(nested(128), valueBounds)).toHaveLength(1);
    await expect(parseJson(nested(129), valueBounds)).rejects.toThrow(new JsonBoundError('levels'));
  });
});
