import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { withoutText } from './value-rules.ts';

test.each([
  ['"steps.a" + steps.b', '"" + steps.b'],
  [String.raw`"a\"b" + 'c\\' + d`, '"" + "" + d'],
  [`/"/.test('steps.a')`, `/"/.test("")`],
  ['"open\n"closed"', '"open\n""'],
])('%j without its texts is %j', (source, want) => {
  expect(withoutText(source)).toBe(want);
});

test('any source gives what an expression that looks for the quotes again and again gives', () => {
  const source = fc.array(fc.constantFrom('"', "'", '\\', '\n', 'a'), { maxLength: 12 }).map((parts) => parts.join(''));
  const plain = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'/g;
  fc.assert(
    fc.property(source, (text) => expect(withoutText(text)).toBe(text.replaceAll(plain, '""'))),
    { numRuns: 5_000 },
  );
});

test('a thousand kilobytes of quotes that never close take a moment', () => {
  const quotes = `/${String.raw`\"`.repeat(500_000)}/`;
  expect(withoutText(quotes)).toBe(quotes);
});
