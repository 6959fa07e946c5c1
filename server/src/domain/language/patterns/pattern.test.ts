import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { propertyCodePoints } from './code-points.ts';
import { compilePattern, wholePatternProblem } from './pattern.ts';
import { PatternRefusedError } from './pattern-problem.ts';

/** Letters, digits, spaces, ends of lines, signs of other scripts, and both halves of a pair by themselves. */
const characters = [...'abAZ_09 -./\n\r\t\0éſK٣\u2028\u00A0\uFEFF\u180E\u200B', '😀', '😁', '\uD83D', '\uDE00'];
const texts = [
  '',
  ...characters,
  ...characters.map((character) => `a${character}b`),
  'aaab',
  'ab-12',
  'a\nb',
  '1'.repeat(9),
];

describe('a pattern means what ECMAScript says', () => {
  test.each([
    String.raw`\d`,
    String.raw`\D`,
    String.raw`\w`,
    String.raw`\W`,
    String.raw`\s`,
    String.raw`\S`,
    String.raw`\p{L}`,
    String.raw`\P{Lu}`,
    String.raw`\p{Script=Greek}`,
    String.raw`\p{General_Category=Decimal_Number}`,
    String.raw`\p{ASCII}`,
    '.',
    '^.$',
    'a.b',
    '[^]',
    '[]',
    '[^a]',
    String.raw`[\w-]`,
    String.raw`[\b]`,
    String.raw`[^\D\s]`,
    String.raw`[\-.\/]`,
    '[😀-😂]',
    String.raw`\u{1F600}|\x41|\u0061`,
    String.raw`\uD83D\uDE00`,
    String.raw`\cJ|\0|\t`,
    String.raw`\bb`,
    'a$',
    '^b|a$',
    '(?<first>a)(?:b)',
    'a{3}',
    'a{2,}b',
    'a{0}b',
    '^a{0,2}?b',
    '(?:^a|b)+$',
    '(a*)*b',
    '(?:a?){3}a{3}',
    '^1{2,1500}$',
    '^(?:1{0,100}){30}$',
    '^(?=.*[A-Z])(?!.*0).+$',
    '^(?:(?=a)(?!ab).*)$',
    '^(?!)',
  ])('%s', (source) => {
    const pattern = compilePattern(source);
    const native = new RegExp(source, 'u');
    const found = (matcher: { test(text: string): boolean }): string[] => texts.filter((text) => matcher.test(text));
    expect(found(pattern)).toEqual(found(native));
  });

  test('whatever is put together from it', () => {
    const sign = fc.constantFrom('a', 'b', '1', '-', 'é', '😀', String.raw`\.`, String.raw`\n`);
    const set = fc.constantFrom(
      '.',
      '[^]',
      '[a-b]',
      '[^a1]',
      ...['d', 'W', 's', 'S', 'p{L}'].map((name) => `\\${name}`),
    );
    const { pattern } = fc.letrec<{ pattern: string }>((tie) => {
      const inner = tie('pattern');
      const repeat = fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?');
      return {
        pattern: fc.oneof(
          { maxDepth: 4 },
          sign,
          set,
          fc.constantFrom('^', '$', String.raw`\b`),
          fc.array(inner, { minLength: 2, maxLength: 3 }).map((parts) => parts.join('')),
          fc.tuple(inner, inner).map(([one, other]) => `(?:${one}|${other})`),
          fc.tuple(inner, repeat).map(([one, sign]) => `(?:${one})${sign}`),
        ),
      };
    });
    const text = fc.array(fc.constantFrom(...characters), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (source, given) => {
        const compiled = compilePattern(source);
        const native = new RegExp(source, 'u');
        const found = (matcher: { test(text: string): boolean }): string[] =>
          given.filter((each) => matcher.test(each));
        expect([source, found(compiled)]).toEqual([source, found(native)]);
      }),
      { numRuns: 150 },
    );
  });

  test.each(['L', 'Noncharacter_Code_Point'])('for every code point: %s', (property) => {
    const has = new RegExp(`^\\p{${property}}$`, 'u');
    const wrong: number[] = [];
    const ranges = propertyCodePoints(property);
    let next = 0;
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
      while (next < ranges.length && ranges[next]![1] < codePoint) next += 1;
      const isIn = next < ranges.length && ranges[next]![0] <= codePoint;
      if (isIn !== has.test(String.fromCodePoint(codePoint))) wrong.push(codePoint);
    }
    expect(wrong).toEqual([]);
  });
});

// A backtracking engine needs more steps for each of these than there will ever be time for.
test.each(['^(a+)+$', '^(a|aa)+$', '(a*)*b', '^(([a-z])+.)+[A-Z]([a-z])+$', '(?:a?){50}a{50}b'])(
  'comes to an end where backtracking does not: %s',
  (source) => {
    expect(compilePattern(source).test(`${'a'.repeat(100_000)}!`)).toBe(false);
  },
);

describe('a pattern is refused', () => {
  const refusalOf = (source: string): string => {
    try {
      compilePattern(source);
      return 'none';
    } catch (error) {
      expect(error).toBeInstanceOf(PatternRefusedError);
      return (error as PatternRefusedError).problem.message;
    }
  };

  test.each<[source: string, want: string]>([
    [String.raw`(a)\1`, String.raw`it has the back-reference \1 at character 4`],
    [String.raw`(?<n>a)\k<n>`, String.raw`it has the back-reference \k<n> at character 8`],
    ['a(?=b)', 'it has the look-ahead (?= at character 2'],
    ['^(?:a(?!b))*$', 'it has the look-ahead (?! at character 6'],
    ['(?<=a)b', 'it has the look-behind (?<= at character 1'],
    ['(?<!a)b', 'it has the look-behind (?<! at character 1'],
    ['a(?i:b)', 'it has the flags (?i: at character 2'],
  ])('%s, because %s', (source, want) => {
    expect(refusalOf(source)).toBe(`cannot be checked in a time that is bounded: ${want}`);
  });

  test.each(['(', 'a{,3}', String.raw`\-`, '[b-a]', String.raw`\p{Nothing}`, '*'])('%s, which is none', (source) => {
    expect(refusalOf(source)).toMatch(/^is no regular expression: /);
  });

  test.each(['(a{1000}){1000}', 'a{20001}', `a${'|a'.repeat(3_000)}`, `${'('.repeat(101)}${')'.repeat(101)}`])(
    'that is too large: %s',
    (source) => {
      expect(refusalOf(source)).toMatch(/^is too large: /);
    },
  );
});

describe('a pattern for whole answers', () => {
  test.each<[pattern: string, want: string]>([
    ['(?=.*[0-9]).{8,}', 'none'],
    [String.raw`\p{Lu}{1,60}`, 'none'],
    [
      String.raw`(a)\1`,
      String.raw`cannot be checked in a time that is bounded: it has the back-reference \1 at character 4`,
    ],
    ['a)(b', "is no regular expression: /a)(b/u: Unmatched ')'"],
    ['(a{1000}){1000}', 'is too large: with its repetitions written out it has more than 20000 parts'],
  ])('%s: %s', (pattern, want) => {
    expect(wholePatternProblem(pattern)?.message ?? 'none').toBe(want);
  });
});
