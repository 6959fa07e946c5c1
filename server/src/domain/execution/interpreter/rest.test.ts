import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { useRealTime, useVirtualTime, beganAt, pass, settle } from '../../../../test/executions/graph-bench.ts';
import { RunAbandonedError, type RunContext } from '../engine.ts';
import type { Chronicle } from './chronicle.ts';
import type { Hold } from './graph-run-options.ts';
import type { NodeRun, WaitReason } from './node-run.ts';
import { longestRest, Rest } from './rest.ts';

const year = 366 * 86_400_000;

/** What was told and done: `waits a delay +5000`, `stored`, `suspended +30000`. */
const seen: string[] = [];
const faults: unknown[] = [];
let stored: Promise<void>;
let suspends: () => Promise<void>;
let rest: Rest;

const after = (at: number | undefined): string => (at === undefined ? '' : `+${at - beganAt}`);

function newRest(times?: { longWait: number; patience: number }): Rest {
  const chronicle = {
    stored: () => {
      seen.push('stored');
      return stored;
    },
    waits: (path: string, key: string, until: Date | undefined, reason: string) =>
      seen.push(`${key} of ${path} waits for ${reason} ${after(until?.getTime())}`.trim()),
  };
  const context = {
    runId: 'exec_1',
    suspendUntil: (at: number) => {
      seen.push(`suspended ${after(at)}`);
      return suspends();
    },
  };
  return new Rest({
    context: context as unknown as RunContext,
    chronicle: chronicle as unknown as Chronicle,
    ...(times && { times }),
    fault: (error) => faults.push(error),
  });
}

const run = (path: string, ms?: number, reason: WaitReason = 'delay'): NodeRun =>
  ({
    path,
    lastKey: `${path}:1`,
    waits: ms === undefined ? undefined : { until: beganAt + ms, reason },
  }) as unknown as NodeRun;

beforeEach(() => {
  useVirtualTime();
  seen.length = 0;
  faults.length = 0;
  stored = Promise.resolve();
  suspends = async () => undefined;
  rest = newRest();
});
afterEach(() => {
  rest.over();
  useRealTime();
});

test('a wait of less than a second is not worth telling; one of a second is', () => {
  rest.idle([run('a', 999)]);
  expect(seen).toEqual([]);
  rest.idle([run('a', 1_000)]);
  expect(seen).toEqual(['a:1 of a waits for delay +1000']);
});

test('nothing is told while a node is at work, or none is there', () => {
  rest.idle([run('a', 60_000), run('busy')]);
  rest.idle([]);
  expect(seen).toEqual([]);
});

test('of several the one is told that goes on first, and of those that wait for an answer the first', () => {
  rest.idle([run('a', 9_000), run('b', 5_000), run('c', 7_000)]);
  expect(seen.splice(0)).toEqual(['b:1 of b waits for delay +5000']);
  rest.idle([run('a', 5_000), run('b', Infinity, 'approval'), run('c', 7_000, 'event')]);
  expect(seen).toEqual(['b:1 of b waits for approval']);
});

test('a run that waits for twenty seconds is suspended until then, once what it waits for is stored', async () => {
  rest.idle([run('a', 19_999)]);
  await settle();
  expect(seen.splice(0)).toEqual(['a:1 of a waits for delay +19999']);
  rest.idle([run('b', 30_000), run('a', 20_000)]);
  await settle();
  expect(seen).toEqual(['a:1 of a waits for delay +20000', 'stored', 'suspended +20000']);
});

test('an answer is waited for in the process for two seconds', async () => {
  rest.idle([run('a', 60_000, 'approval')]);
  await pass(1_999);
  expect(seen.splice(0)).toEqual(['a:1 of a waits for approval +60000']);
  await pass(1);
  expect(seen).toEqual(['a:1 of a waits for approval +60000', 'stored', 'suspended +60000']);
});

test('that another execution is waited for is told only when the run is suspended over it', async () => {
  rest.idle([run('a', Infinity, 'execution'), run('b', 60_000)]);
  await pass(1_999);
  expect(seen.splice(0)).toEqual([]);
  await pass(1);
  expect(seen).toEqual(['a:1 of a waits for execution', 'stored', 'suspended +60000']);
});

test('a wait without an end is looked at again after a year, and one beyond it too', async () => {
  expect(longestRest).toBe(year);
  for (const ms of [Infinity, year + 5_000]) {
    seen.length = 0;
    const now = Date.now();
    rest.idle([run('a', ms, 'event')]);
    await pass(2_000);
    expect(seen.at(-1)).toBe(`suspended +${now + 2_000 - beganAt + year}`);
  }
});

test('when something goes on in time, no run is suspended', async () => {
  rest.idle([run('a', 60_000, 'approval')]);
  await pass(1_999);
  rest.over();
  await pass(5_000);
  expect(seen).toEqual(['a:1 of a waits for approval +60000']);
});

test('when something goes on while what is waited for is stored, no run is suspended', async () => {
  const storing = Promise.withResolvers<void>();
  stored = storing.promise;
  rest.idle([run('a', 30_000)]);
  await settle();
  rest.over();
  storing.resolve();
  await settle();
  expect(seen).toEqual(['a:1 of a waits for delay +30000', 'stored']);
});

test('a run is looked at anew whenever it is idle again', async () => {
  rest.idle([run('a', 60_000, 'approval')]);
  await pass(1_500);
  rest.idle([run('b', 60_000, 'approval')]);
  await pass(1_500);
  expect(seen.filter((line) => line.startsWith('suspended'))).toEqual([]);
  await pass(500);
  expect(seen.filter((line) => line.startsWith('suspended'))).toEqual(['suspended +60000']);
});

test('a run that cannot be suspended waits where it is, and operators hear why; one that was left is no fault', async () => {
  suspends = () => Promise.reject(new Error('no database'));
  rest.idle([run('a', 30_000)]);
  await settle();
  expect(faults).toMatchObject([{ message: 'no database' }]);
  suspends = () => Promise.reject(new RunAbandonedError('exec_1'));
  rest.idle([run('a', 30_000)]);
  await settle();
  expect(faults).toHaveLength(1);
});

test('how long is long, and how long an answer is waited for, can be told', async () => {
  rest = newRest({ longWait: 3_000, patience: 10 });
  rest.idle([run('a', 2_999)]);
  await settle();
  expect(seen.splice(0)).toHaveLength(1);
  rest.idle([run('a', 3_000, 'event')]);
  await pass(10);
  expect(seen.at(-1)).toBe('suspended +3000');
});

test('a run that is held rests for as long as it is, and does not go on in this process', async () => {
  const asked: unknown[] = [];
  const hold = { isOver: async (query: unknown) => (asked.push(query), true) } as unknown as Hold;
  const context = {
    runId: 'exec_1',
    suspendUntil: async (at: number, isOver: (query: unknown) => Promise<boolean>) => {
      seen.push(`held ${after(at)} ${await isOver('query')}`);
    },
  };
  const chronicle = { stored: async () => void seen.push('stored') };
  const held = new Rest({
    context: context as unknown as RunContext,
    chronicle: chronicle as unknown as Chronicle,
    fault: (error) => faults.push(error),
  });
  await expect(held.whileHeld(hold)).rejects.toBeInstanceOf(RunAbandonedError);
  expect(seen).toEqual(['stored', `held +${year} true`]);
  expect(asked).toEqual(['query']);
});
