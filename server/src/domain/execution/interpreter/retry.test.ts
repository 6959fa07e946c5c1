import { expect, test } from '@jest/globals';
import type { RetryPolicy } from '../../language/index.ts';
import { nextAttemptAt } from './retry.ts';
import { sizeFailures } from './size-limits.ts';

const failedAt = 1_000_000;

/** Milliseconds until the attempt after this one. */
function delayAfter(attempt: number, retry: RetryPolicy | undefined, code = 'oops', seed = 'key'): number | undefined {
  const at = nextAttemptAt({ node: retry ? { retry } : {}, attempt, idempotencyKey: seed }, code, failedAt);
  return at === undefined ? undefined : at - failedAt;
}

const many = { max_attempts: 100_000 };
const delays = (retry: Partial<RetryPolicy>, attempts: readonly number[]): (number | undefined)[] =>
  attempts.map((attempt) => delayAfter(attempt, { ...many, ...retry }));

test('the wait begins with a second and doubles, up to five minutes', () => {
  expect(delays({}, [1, 2, 3, 4, 9, 10, 11])).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000]);
});

test('what the wait begins with and what it comes to at most can be told', () => {
  expect(delays({ initial: '30ms', max: '100ms' }, [1, 2, 3, 4])).toEqual([30, 60, 100, 100]);
  expect(delays({ initial: '7s', max: '7s' }, [1, 2])).toEqual([7_000, 7_000]);
  expect(delays({ initial: '9s', max: '7s' }, [1, 2])).toEqual([7_000, 7_000]);
});

test('one that begins with more than five minutes stays there, unless it is told how long it may get', () => {
  expect(delays({ initial: '6m' }, [1, 2])).toEqual([360_000, 360_000]);
  expect(delays({ initial: '6m', max: '1h' }, [1, 2, 9])).toEqual([360_000, 720_000, 3_600_000]);
});

test('a constant wait does not grow', () => {
  expect(delays({ backoff: 'constant', initial: '2s' }, [1, 2, 20])).toEqual([2_000, 2_000, 2_000]);
  expect(delays({ backoff: 'exponential', initial: '2s' }, [1, 2])).toEqual([2_000, 4_000]);
});

test('a wait of nothing stays one, however often it doubles', () => {
  expect(delays({ initial: '0ms' }, [1, 2, 5_000])).toEqual([0, 0, 0]);
});

test('the share that is random shortens the wait, differs from key to key and is the same at every replay', () => {
  const seeds = Array.from({ length: 200 }, (_, index) => `exec_1:a:${index}`);
  const waits = (jitter: number): number[] =>
    seeds.map((seed) => delayAfter(1, { ...many, initial: '100s', jitter }, 'oops', seed)!);
  for (const [jitter, least] of [
    [1, 0],
    [0.25, 75_000],
  ] as const) {
    const seen = waits(jitter);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...seen)).toBeLessThan(100_000);
    expect(Math.max(...seen) - Math.min(...seen)).toBeGreaterThan(0.9 * (100_000 - least));
    expect(waits(jitter)).toEqual(seen);
  }
  expect(new Set(waits(0))).toEqual(new Set([100_000]));
});

test('so many attempts and no more', () => {
  const retry = { max_attempts: 3 };
  expect([1, 2, 3, 4].map((attempt) => delayAfter(attempt, retry) !== undefined)).toEqual([true, true, false, false]);
});

test('without a policy, and before the first attempt, nothing is tried again', () => {
  expect(delayAfter(1, undefined)).toBeUndefined();
  expect(delayAfter(0, many)).toBeUndefined();
});

test('of named codes those are tried again; otherwise all but what would be too large again', () => {
  expect(delayAfter(1, { ...many, on: ['oops'] }, 'oops')).toBe(1_000);
  expect(delayAfter(1, { ...many, on: ['oops'] }, 'other')).toBeUndefined();
  expect(sizeFailures.size).toBe(4);
  for (const code of sizeFailures) {
    expect(delayAfter(1, many, code)).toBeUndefined();
    expect(delayAfter(1, { ...many, on: [code] }, code)).toBe(1_000);
  }
});
