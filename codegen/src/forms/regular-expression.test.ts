import { expect, test } from '@jest/globals';
import { unicodePattern } from './regular-expression.ts';

test.each([
  ['^[a-z]+$', '^[a-z]+$'],
  ['^[\\w\\-]+$', '^[\\w\\-]+$'],
  ['^a\\-b\\_c\\@$', '^a-b_c@$'],
  ['^[\\_\\-\\.]+$', '^[_\\-\\.]+$'],
  ['\\p{L}', '\\p{L}'],
  ['\\/path', '\\/path'],
  ['(?i)^x$(', undefined],
  ['a{,3}[', undefined],
])('%s with the u flag', (given, want) => {
  expect(unicodePattern(given)).toBe(want);
});
