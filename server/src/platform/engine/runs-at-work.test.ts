import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { DbosRun } from './dbos-run.ts';
import { RunsAtWork } from './runs-at-work.ts';

let runs: RunsAtWork;
const seen: string[] = [];

beforeEach(() => {
  runs = new RunsAtWork();
  seen.length = 0;
});
afterEach(() => {
  jest.useRealTimers();
});

function add(runId: string, token: string, inFlight = 0): DbosRun & { inFlight: number } {
  const run = {
    runId,
    inFlight,
    leave: (reason: string) => void seen.push(`${runId} ${token}: ${reason}`),
    end: () => void seen.push(`${runId} ${token} ended`),
  } as unknown as DbosRun & { inFlight: number };
  runs.add(run, token);
  return run;
}

test('a run is found by its token, and here by its id until it has ended', () => {
  const run = add('exec_1', 'a');
  expect([runs.get('exec_1', 'a'), runs.get('exec_1', 'b')]).toEqual([run, undefined]);
  expect([runs.has('exec_1'), runs.has('exec_2'), runs.size, runs.ids]).toEqual([true, false, 1, ['exec_1']]);
  runs.end(run, 'a');
  expect([runs.get('exec_1', 'a'), runs.has('exec_1'), runs.size, runs.ids]).toEqual([undefined, false, 0, []]);
  runs.end(run, 'a');
  expect(seen).toEqual(['exec_1 a ended', 'exec_1 a ended']);
});

test('a run that is handed here again is left where it was, and its end takes the new one not away', () => {
  const first = add('exec_1', 'a');
  const second = add('exec_1', 'b');
  expect(seen).toEqual(['exec_1 a: The run was handed to this process again.']);
  expect([runs.get('exec_1', 'a'), runs.get('exec_1', 'b'), runs.size]).toEqual([first, second, 1]);
  runs.end(first, 'a');
  expect([runs.has('exec_1'), runs.get('exec_1', 'a')]).toEqual([true, undefined]);
  runs.leave('exec_1', 'Cancelled.');
  expect(seen.at(-1)).toBe('exec_1 b: Cancelled.');
});

test('what is not here cannot be left', () => {
  runs.leave('exec_1', 'Cancelled.');
  expect(seen).toEqual([]);
});

test('a leaver leaves those that were here when it was made, and none that came later under the same id', () => {
  const first = add('exec_1', 'a');
  const leave = runs.leaver();
  runs.end(first, 'a');
  add('exec_1', 'b');
  add('exec_2', 'c');
  seen.length = 0;
  leave('exec_1', 'Taken away.');
  leave('exec_2', 'Taken away.');
  expect(seen).toEqual(['exec_1 a: Taken away.']);
});

test('a process that stops leaves at once what only waits, and lets steps end until its patience is over', async () => {
  jest.useFakeTimers();
  add('idle', 'a');
  const busy = add('busy', 'b', 1);
  add('stuck', 'c', 1);
  let isDrained = false;
  const drained = runs.drain(5_000).then(() => (isDrained = true));
  expect(new Set(seen)).toEqual(new Set(['idle a: The process stops.']));
  busy.inFlight = 0;
  await jest.advanceTimersByTimeAsync(100);
  expect(seen).toContain('busy b: The process stops.');
  expect(seen).not.toContain('stuck c: The process stops.');
  await jest.advanceTimersByTimeAsync(4_800);
  expect(isDrained).toBe(false);
  await jest.advanceTimersByTimeAsync(200);
  await drained;
  expect(seen).toContain('stuck c: The process stops.');
});

test('a process without steps in flight stops at once', async () => {
  jest.useFakeTimers();
  add('idle', 'a');
  await runs.drain(5_000);
  expect(seen).toContain('idle a: The process stops.');
});
