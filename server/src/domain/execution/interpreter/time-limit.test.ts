import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { executionLimit, nodeLimit, type TimeLimit, within } from './time-limit.ts';

const began = 1_000_000;

beforeEach(() => {
  jest.useFakeTimers({ now: began });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Work that never ends by itself: what it is ended with, undefined so far. */
function endless(limit: TimeLimit): { ended: Error | undefined } {
  const seen: { ended: Error | undefined } = { ended: undefined };
  within(limit, new AbortController().signal, () => new Promise(() => undefined)).catch((error: Error) => {
    seen.ended = error;
  });
  return seen;
}

test('work is ended at its limit', async () => {
  const work = endless(nodeLimit(began + 50, '50ms', 'a'));
  await jest.advanceTimersByTimeAsync(49);
  expect(work.ended).toBeUndefined();
  await jest.advanceTimersByTimeAsync(1);
  expect(work.ended).toMatchObject({ code: 'timeout' });
});

test('a timer that fires before the clock says so is set again for what is left', async () => {
  const work = endless(nodeLimit(began + 50, '50ms', 'a'));
  jest.setSystemTime(began - 1);
  await jest.advanceTimersByTimeAsync(50);
  expect(work.ended).toBeUndefined();
  await jest.advanceTimersByTimeAsync(1);
  expect(work.ended).toMatchObject({ code: 'timeout' });
});

test('a limit that stands still is looked at now and then, and ends the work once it goes on', async () => {
  let asked = 0;
  let resumed: number | undefined;
  const pausedAt = began + 40;
  const pausedMs = async (): Promise<number> => {
    asked += 1;
    return (resumed ?? Date.now()) - pausedAt;
  };
  const work = endless(executionLimit(began + 50, '50ms', pausedMs));
  await jest.advanceTimersByTimeAsync(10_000);
  expect(work.ended).toBeUndefined();
  expect(asked).toBeLessThan(15);
  resumed = Date.now();
  await jest.advanceTimersByTimeAsync(2_000);
  expect(work.ended).toMatchObject({ code: 'execution_timeout' });
});
