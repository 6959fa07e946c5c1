import { expect, test } from '@jest/globals';
import { SeededRandom } from './seeded-random.ts';

const numbers = (seed: number): number[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: 1_000 }, () => random.between(10, 20));
};

test('the same seed gives the same numbers, another seed others', () => {
  expect(numbers(7)).toEqual(numbers(7));
  expect(numbers(7)).not.toEqual(numbers(8));
});

test('they lie between the bounds and fill the room between them', () => {
  const given = numbers(7);
  expect(Math.min(...given)).toBeGreaterThanOrEqual(10);
  expect(Math.min(...given)).toBeLessThan(10.1);
  expect(Math.max(...given)).toBeGreaterThan(19.9);
  expect(Math.max(...given)).toBeLessThan(20);
});

test('each of several things is chosen at some time', () => {
  const random = new SeededRandom(7);
  expect(new Set(Array.from({ length: 100 }, () => random.oneOf(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']));
});
