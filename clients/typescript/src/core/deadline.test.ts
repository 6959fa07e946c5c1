import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { sleep, withDeadline, withinIdleTime } from './deadline.ts';
import { AbortError, StreamError, TimeoutError } from './errors.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Ends when its signal says so, with the reason that it gives. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut off'))));

/** A caller's signal that tells how many listen to it. */
function counted(): { controller: AbortController; listeners: () => number } {
  const controller = new AbortController();
  const { signal } = controller;
  const add = jest.spyOn(signal, 'addEventListener');
  const remove = jest.spyOn(signal, 'removeEventListener');
  return { controller, listeners: () => add.mock.calls.length - remove.mock.calls.length };
}

test('an attempt in time gives what it gives, and leaves no timer and no listener', async () => {
  const { controller, listeners } = counted();
  const limits = { timeout: 100, signal: controller.signal, what: 'getPet' };
  expect(await withDeadline(limits, async (signal) => signal.aborted)).toBe(false);
  expect([jest.getTimerCount(), listeners()]).toEqual([0, 0]);
});

test('its own failure is thrown as it is, and leaves no timer', async () => {
  const failed = new Error('failed');
  await expect(withDeadline({ timeout: 100, what: 'getPet' }, () => Promise.reject(failed))).rejects.toBe(failed);
  expect(jest.getTimerCount()).toBe(0);
});

test('at the time limit, and not before, the attempt is aborted', async () => {
  const ended = jest.fn();
  const attempt = withDeadline({ timeout: 100, what: 'getPet' }, untilAborted).catch(ended);
  await jest.advanceTimersByTimeAsync(99);
  expect(ended).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(1);
  await attempt;
  expect(ended).toHaveBeenCalledWith(new TimeoutError('getPet took longer than 100 ms'));
  expect(ended.mock.calls[0]![0]).toBeInstanceOf(TimeoutError);
});

test("the caller's abort reaches the attempt with its reason, and wins over the time limit", async () => {
  const controller = new AbortController();
  let reason: unknown;
  const attempt = withDeadline({ timeout: 100, signal: controller.signal, what: 'getPet' }, async (signal) => {
    await untilAborted(signal).catch(() => (reason = signal.reason));
    await new Promise((resolve) => setTimeout(resolve, 200));
    throw new Error('late');
  });
  const failed = attempt.catch((error: unknown) => error);
  controller.abort('enough');
  await jest.advanceTimersByTimeAsync(200);
  expect(await failed).toMatchObject({ name: 'AbortError', message: 'getPet was aborted', cause: 'enough' });
  expect(reason).toBe('enough');
});

test('a signal that has fired lets nothing begin', async () => {
  const attempt = jest.fn<() => Promise<void>>();
  const limits = { timeout: 100, signal: AbortSignal.abort('enough'), what: 'getPet' };
  await expect(withDeadline(limits, attempt)).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
  expect(attempt).not.toHaveBeenCalled();
  expect(jest.getTimerCount()).toBe(0);
});

test('sleep waits for its time, and then listens no longer', async () => {
  const { controller, listeners } = counted();
  const woken = jest.fn();
  void sleep(100, controller.signal).then(woken);
  await jest.advanceTimersByTimeAsync(99);
  expect(woken).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(1);
  expect(woken).toHaveBeenCalled();
  expect(listeners()).toBe(0);
});

test('an abort wakes it, and the timer is gone', async () => {
  const controller = new AbortController();
  const slept = sleep(100, controller.signal);
  controller.abort('enough');
  await expect(slept).rejects.toThrow('the wait was aborted');
  await expect(slept).rejects.toMatchObject({ cause: 'enough' });
  await expect(sleep(100, controller.signal)).rejects.toBeInstanceOf(AbortError);
  expect(jest.getTimerCount()).toBe(0);
});

test('what is read within the idle time is given, and the timer is gone', async () => {
  expect(await withinIdleTime(Promise.resolve('read'), 100)).toBe('read');
  const failed = new Error('failed');
  await expect(withinIdleTime(Promise.reject(failed), 100)).rejects.toBe(failed);
  expect(jest.getTimerCount()).toBe(0);
});

test('after the idle time, and not before, the read is given up', async () => {
  const ended = jest.fn();
  void withinIdleTime(new Promise(() => undefined), 100).catch(ended);
  await jest.advanceTimersByTimeAsync(99);
  expect(ended).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(1);
  expect(ended).toHaveBeenCalledWith(new StreamError('nothing came for 100 ms'));
});
