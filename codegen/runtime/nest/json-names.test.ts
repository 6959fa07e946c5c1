import * as fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { hasMoreNames } from './json-names.ts';

/** The number of names of the object in a value that has the most. */
function maxNamesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Math.max(own, ...Object.values(value).map(maxNamesOf));
}

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('\\', '"', '{"a":1,', '],', '\\"{'),
);
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    texts,
    fc.constantFrom(null, 1),
    fc.array(tie('value'), { maxLength: 12 }),
    fc.array(fc.tuple(texts, tie('value')), { maxLength: 12 }).map((members) => Object.fromEntries(members)),
  ),
}));

test('an object may have as many names, and not one more', () => {
  fc.assert(
    fc.property(values, fc.constantFrom('', ' ', '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space);
      const max = maxNamesOf(value);
      if (max === 0) return;
      expect(hasMoreNames(text, max)).toBe(false);
      if (max > 1) expect(hasMoreNames(text, max - 1)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['the names of two objects', '[{"a":1,"b":2},{"a":1,"b":2}]', 2, false],
  ['items of a list within an object', '{"a":[1,2,3,4,5,6],"b":2}', 2, false],
  ['the shortest names there are', '{"":1,"a":1}', 1, true],
  ['a string without an end', '{"a":1,"b":2,"c', 2, true],
  ['brackets that do not match', ']]}},,,,,,,,', 2, true],
])('counts %s', (_, text, names, expected) => {
  expect(hasMoreNames(text, names)).toBe(expected);
});
