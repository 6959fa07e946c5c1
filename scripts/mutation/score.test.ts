import { expect, test } from '@jest/globals';
import { misses } from './score.ts';

test.each([
  // With 85 % for each, as few as these are noticed with a probability of 0.15, 0.02, 0.03 and 0.07.
  [{ noticed: 0, all: 1 }, false],
  [{ noticed: 0, all: 2 }, true],
  [{ noticed: 17, all: 25 }, true],
  [{ noticed: 18, all: 25 }, false],
  [{ noticed: 25, all: 25 }, false],
])('of %j, at least 85 %% are asked for: missed is %s', (score, missed) => {
  expect(misses(score, 85)).toBe(missed);
});

test('a large sample says more than a small one of the same share', () => {
  expect(misses({ noticed: 8, all: 10 }, 85)).toBe(false);
  expect(misses({ noticed: 240, all: 300 }, 85)).toBe(true);
  expect(misses({ noticed: 255, all: 300 }, 85)).toBe(false);
});

test('a threshold of one hundred percent is missed by one survivor', () => {
  expect(misses({ noticed: 299, all: 300 }, 100)).toBe(true);
  expect(misses({ noticed: 300, all: 300 }, 100)).toBe(false);
});
