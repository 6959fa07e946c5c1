import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Backlog } from './backlog.ts';
import { Report } from './report.ts';

const now = 1_000_000;
let backlog: Backlog;

beforeEach(() => {
  jest.useFakeTimers({ now });
  backlog = new Backlog('exec_1', 5_000, 'org_1');
});
afterEach(() => {
  jest.useRealTimers();
});

/** A report of about so many bytes. */
function reportOf(bytes: number): Report {
  const report = new Report();
  report.log({ key: '', level: 'info', message: 'x'.repeat(bytes - 256 - 256 - 16), at: new Date() });
  expect(report.bytes).toBe(bytes);
  return report;
}
const add = (...sizes: number[]): void => sizes.forEach((bytes) => backlog.add(reportOf(bytes)));
const next = (atMost = 100_000): number => backlog.next(atMost).length;

test('what waits is counted, and since when', () => {
  expect([backlog.length, backlog.bytes, backlog.since, backlog.isLarge]).toEqual([0, 0, undefined, false]);
  add(1_000);
  jest.setSystemTime(now + 50);
  add(2_000);
  expect([backlog.length, backlog.bytes, backlog.since]).toEqual([2, 3_000, now]);
  backlog.done(1);
  expect([backlog.length, backlog.bytes, backlog.since]).toEqual([1, 2_000, now + 50]);
  backlog.done(1);
  expect([backlog.length, backlog.bytes, backlog.since]).toEqual([0, 0, undefined]);
});

test('a slice is as much as fits, to the byte, and one report at least', () => {
  add(2_000, 3_000, 1_000);
  expect([next(), next(4_999), next(2_000), next(1)]).toEqual([2, 1, 1, 1]);
  backlog.done(1);
  expect([next(), next(4_000), next(3_999)]).toEqual([2, 2, 1]);
});

test('a report that is more than a slice is large', () => {
  add(5_000, 5_001);
  expect([backlog.isLarge, next()]).toEqual([false, 1]);
  backlog.done(1);
  expect([backlog.isLarge, next()]).toEqual([true, 1]);
});

test('whoever waits hears that what was there is stored, or that the execution had ended', async () => {
  add(1_000);
  const first = backlog.stored();
  add(1_000);
  const second = backlog.stored();
  backlog.done(1);
  expect(await first).toBe(true);
  let isSettled = false;
  void second.then(() => (isSettled = true));
  await Promise.resolve();
  expect(isSettled).toBe(false);
  backlog.drop();
  expect([await second, backlog.bytes, backlog.length]).toEqual([false, 0, 0]);
});

test('after a failure it is tried again in 50 ms, then twice as late each time, up to two seconds', () => {
  add(1_000);
  const pauses = Array.from({ length: 8 }, () => {
    backlog.failed();
    return backlog.notBefore - now;
  });
  expect(pauses).toEqual([50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
  expect(backlog.failures).toBe(8);
});

test('since when it fails is told, from the first failure in a row', () => {
  add(1_000, 1_000);
  backlog.failed();
  jest.setSystemTime(now + 70);
  backlog.failed();
  expect(backlog.failingSince).toBe(now);
  backlog.done(1);
  expect([backlog.failures, backlog.notBefore]).toEqual([0, 0]);
  backlog.failed();
  expect([backlog.failingSince, backlog.failures]).toEqual([now + 70, 1]);
});

test('the third failure in a row has it tried by itself, until something of it is stored', () => {
  add(1_000, 1_000);
  const alone = Array.from({ length: 4 }, () => {
    backlog.failed();
    return backlog.isAlone;
  });
  expect(alone).toEqual([false, false, true, true]);
  backlog.done(1);
  expect(backlog.isAlone).toBe(false);
});

test('what the database refuses is told apart: from others first, then report by report, until one is left', () => {
  add(1_000, 1_000, 1_000, 1_000);
  expect([backlog.isolate(3, true), backlog.isAlone, next()]).toEqual([true, true, 4]);
  expect([backlog.isolate(3, false), backlog.isAlone, next()]).toEqual([true, true, 1]);
  backlog.done(1);
  expect([backlog.isAlone, next()]).toEqual([true, 1]);
  backlog.done(1);
  expect([backlog.isAlone, next()]).toEqual([true, 1]);
  backlog.done(1);
  expect([backlog.isAlone, next()]).toEqual([false, 1]);
  expect(backlog.isolate(1, false)).toBe(false);
  expect(backlog.isolate(1, true)).toBe(true);
});
