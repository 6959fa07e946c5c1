import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { earliest, executionLimit, nodeLimit, type TimeLimit, within } from './time-limit.ts';

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

test('of several limits the one holds that is reached first, wherever it stands among them', async () => {
  const limits = [80, 50, 70].map((ms) => nodeLimit(began + ms, `${ms}ms`, 'a'));
  const work = endless(earliest([undefined, ...limits, undefined])!);
  await jest.advanceTimersByTimeAsync(49);
  expect(work.ended).toBeUndefined();
  await jest.advanceTimersByTimeAsync(1);
  expect(work.ended).toMatchObject({ message: 'The node took longer than 50ms.' });
});

test('of two limits the later one is left when the earlier one has stood still', async () => {
  const whole = executionLimit(began + 50, '50ms', async () => 100_000);
  const work = endless(earliest([whole, nodeLimit(began + 5_000, '5s', 'a')])!);
  await jest.advanceTimersByTimeAsync(4_999);
  expect(work.ended).toBeUndefined();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(work.ended).toMatchObject({ message: 'The node took longer than 5s.' });
});

test('no limit is none, and a single one is itself', () => {
  const limit = nodeLimit(began, '1s', 'a');
  expect(earliest([])).toBeUndefined();
  expect(earliest([undefined, undefined])).toBeUndefined();
  expect(earliest([undefined, limit])).toBe(limit);
});

test('a limit that cannot be asked for is asked for again', async () => {
  let asked = 0;
  const pausedMs = async (): Promise<number> => {
    asked += 1;
    if (asked === 1) throw new Error('no database');
    return 0;
  };
  const work = endless(executionLimit(began + 50, '50ms', pausedMs));
  await jest.advanceTimersByTimeAsync(50);
  expect(work.ended).toBeUndefined();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(work.ended).toMatchObject({ code: 'execution_timeout' });
});

test('work that ends in time is what comes out, and nothing is left of the limit', async () => {
  const { signal } = new AbortController();
  let given: AbortSignal | undefined;
  const result = await within(nodeLimit(began + 50, '50ms', 'a'), signal, async (its) => {
    given = its;
    return 'done';
  });
  expect(result).toBe('done');
  expect(jest.getTimerCount()).toBe(0);
  expect(given!.aborted).toBe(false);
});

test('the signal of work that is ended says why, and so does that of work that is left', async () => {
  let given: AbortSignal | undefined;
  const hang = (its: AbortSignal): Promise<never> => {
    given = its;
    return new Promise(() => undefined);
  };
  const ended = within(nodeLimit(began + 50, '50ms', 'a'), new AbortController().signal, hang);
  ended.catch(() => undefined);
  await jest.advanceTimersByTimeAsync(50);
  await expect(ended).rejects.toMatchObject({ code: 'timeout' });
  expect(given!.reason).toMatchObject({ code: 'timeout' });
  const outer = new AbortController();
  const left = within(undefined, outer.signal, hang);
  outer.abort(new Error('The run was cancelled.'));
  await expect(left).rejects.toThrow('The run was cancelled.');
  expect(given!.reason).toMatchObject({ message: 'The run was cancelled.' });
});

test('work does not begin once the signal has fired, and its own error comes out as it is', async () => {
  let begun = false;
  const work = async (): Promise<void> => {
    begun = true;
  };
  await expect(within(undefined, AbortSignal.abort(new Error('over')), work)).rejects.toThrow('over');
  expect(begun).toBe(false);
  const fails = (): Promise<never> => Promise.reject(new Error('its own'));
  await expect(within(nodeLimit(began + 50, '50ms', 'a'), new AbortController().signal, fails)).rejects.toThrow(
    'its own',
  );
  expect(jest.getTimerCount()).toBe(0);
});

test('a limit beyond what a timer takes ends nothing', async () => {
  const work = endless(nodeLimit(began + 2_147_483_648, '25d', 'a'));
  await jest.advanceTimersByTimeAsync(1_000);
  expect(work.ended).toBeUndefined();
  expect(jest.getTimerCount()).toBe(0);
});
