import { describe, expect, test } from '@jest/globals';
import { retryAfterSeconds, secondsUntilRetry } from './retry-schedule.ts';

const schedule = [5, 300, 1_800, 7_200, 18_000, 28_800, 28_800];

describe('waits', () => {
  test.each<[failed: number, asked: number | undefined, random: number, want: number | undefined]>([
    [1, undefined, 0, 5],
    [1, undefined, 1, 6],
    [5, undefined, 0.5, 19_800],
    [7, undefined, 0, 28_800],
    [8, undefined, 0, undefined],
    [1, 60, 0, 60],
    [2, 60, 0, 300],
    [1, 999_999, 0, 86_400],
  ])('after %i failures, asked for %s, with %d of the jitter: %s', (failed, asked, random, want) => {
    expect(secondsUntilRetry(schedule, failed, asked, random)).toBe(want);
  });

  test('the default schedule spans about a day', () => {
    const hours = schedule.reduce((sum, wait) => sum + wait) / 3_600;
    expect(hours).toBeGreaterThan(23);
    expect(hours * 1.2).toBeLessThan(29);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-22T10:30:00Z');
  test.each([
    [undefined, undefined],
    ['120', 120],
    ['Sun, 22 Nov 2026 10:31:00 GMT', 60],
    ['Sun, 22 Nov 2026 10:29:00 GMT', 0],
    ['soon', undefined],
    ['99999999999', undefined],
  ])('%s: %s', (header, want) => {
    expect(retryAfterSeconds(header, now)).toBe(want);
  });
});
