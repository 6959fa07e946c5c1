import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { DBOSWorkflowCancelledError, DBOSWorkflowConflictError } from '@dbos-inc/dbos-sdk/internal/error';
import type { Json } from '../../domain/domain-error.ts';
import { RunAbandonedError } from '../../domain/execution/engine.ts';
import { DbosRun, type RunServices } from './dbos-run.ts';
import type { HeldMemory } from './memory-shares.ts';

const passing = Object.assign(new Error('the server shuts down'), { code: '57P01' });
const abandoned = { name: 'RunAbandonedError' };

/** Outcomes that the library has recorded, by the name of the step. */
let recorded: Map<string, unknown>;
let draining: boolean;
let suspensions: unknown[][];
let onSuspend: () => Promise<void>;
let receive: RunServices['receive'];
let ended: number;
let run: DbosRun;

beforeEach(() => {
  [recorded, draining, suspensions, ended] = [new Map(), false, [], 0];
  onSuspend = async () => undefined;
  receive = () => new Promise(() => undefined);
  jest.spyOn(DBOS, 'runStep').mockImplementation(async (work, options) => {
    const name = options!.name!;
    if (recorded.has(name)) return recorded.get(name) as never;
    const value = await work();
    recorded.set(name, value);
    return value;
  });
  const memory = { end: () => void (ended += 1) } as unknown as HeldMemory;
  run = new DbosRun('exec_1', false, memory, {
    draining: () => draining,
    suspend: async (...given) => {
      suspensions.push(given);
      await onSuspend();
    },
    receive: (...given) => receive(...given),
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a step is recorded under its key, and in flight until it is', async () => {
  const working = Promise.withResolvers<number>();
  const outcome = run.step('a:1', () => working.promise);
  expect(run.inFlight).toBe(1);
  working.resolve(7);
  expect(await outcome).toBe(7);
  expect([run.inFlight, recorded.get('a:1')]).toEqual([0, 7]);
});

test('an error of a step is its outcome; the run goes on', async () => {
  await expect(run.step('a', () => Promise.reject(new TypeError('no')))).rejects.toThrow('no');
  expect([run.inFlight, run.signal.aborted]).toEqual([0, false]);
});

test.each([
  ['a database that is away', passing, 'The database cannot be used now.'],
  ['that the run is no longer ours', new DBOSWorkflowConflictError('exec_1'), 'no longer owned'],
  ['that the run was cancelled', new DBOSWorkflowCancelledError('exec_1'), 'no longer owned'],
])('%s is no outcome: the run is left where it stands', async (_, error, reason) => {
  jest.spyOn(DBOS, 'runStep').mockRejectedValue(error);
  await expect(run.step('a', async () => 1)).rejects.toMatchObject(abandoned);
  expect(run.signal.reason).toBeInstanceOf(RunAbandonedError);
  expect(((run.signal.reason as Error).cause as Error).message).toContain(reason);
  expect(run.inFlight).toBe(0);
});

test.each([
  ['says that the database is away', passing],
  ['says that the run is to be left', new RunAbandonedError('exec_1')],
])('a step that %s leaves nothing that a replay would find', async (_, error) => {
  let thrown: unknown;
  jest.spyOn(DBOS, 'runStep').mockImplementation(async (work) => {
    try {
      return await work();
    } catch (given) {
      throw (thrown = given);
    }
  });
  await expect(run.step('a', () => Promise.reject(error))).rejects.toMatchObject(abandoned);
  // The one error that the library does not record.
  expect(thrown).toBeInstanceOf(DBOSWorkflowConflictError);
});

test('a run that is left ends the step it is in, and begins no other', async () => {
  let signal: AbortSignal | undefined;
  const step = run.step('a', (given) => {
    signal = given;
    return new Promise(() => undefined);
  });
  run.leave('The run was cancelled.');
  await expect(step).rejects.toMatchObject(abandoned);
  expect([signal!.aborted, recorded.size, run.inFlight]).toEqual([true, 0, 0]);
  await expect(run.step('b', async () => 1)).rejects.toBe(run.signal.reason);
  expect(recorded.size).toBe(0);
});

test('a process that stops begins nothing more, and lets what is in flight end', async () => {
  const working = Promise.withResolvers<number>();
  const step = run.step('a', () => working.promise);
  draining = true;
  await expect(run.step('b', async () => 1)).rejects.toMatchObject(abandoned);
  await expect(run.sleepUntil(Date.now() + 60_000)).rejects.toMatchObject(abandoned);
  working.resolve(1);
  expect(await step).toBe(1);
});

test('whoever waits for quiet waits for the steps in flight, or for the end of all patience', async () => {
  await run.quiet();
  const working = Promise.withResolvers<number>();
  const step = run.step('a', () => working.promise);
  let isQuiet = false;
  const quiet = run.quiet().then(() => (isQuiet = true));
  await settle();
  expect(isQuiet).toBe(false);
  working.resolve(1);
  await Promise.all([step, quiet]);
  const stuck = run.step('b', () => new Promise(() => undefined));
  stuck.catch(() => undefined);
  const left = run.quiet();
  run.leave('Enough.');
  await left;
});

test('a sleep lasts until its time, however far that is, and ends when the run is left', async () => {
  jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  const far = 3 * 2_147_483_647;
  let woke = false;
  const sleep = run.sleepUntil(far).then(() => (woke = true));
  await jest.advanceTimersByTimeAsync(far - 1);
  expect(woke).toBe(false);
  await jest.advanceTimersByTimeAsync(1);
  await sleep;
  const endless = run.sleepUntil(far * 2);
  endless.catch(() => undefined);
  run.leave('Enough.');
  await expect(endless).rejects.toMatchObject(abandoned);
  expect(jest.getTimerCount()).toBe(0);
});

test('a sleep whose time has passed is no wait', async () => {
  jest.useFakeTimers({ now: 1_000 });
  await run.sleepUntil(1_000);
  expect(jest.getTimerCount()).toBe(0);
});

test('a run that is suspended is left, with the signals that it waits for', async () => {
  run.awaitSignal('approval').catch(() => undefined);
  const isOver = async (): Promise<boolean> => true;
  await run.suspendUntil(5_000, isOver);
  expect(suspensions).toEqual([['exec_1', 5_000, ['approval'], isOver]]);
  expect(run.signal.aborted).toBe(true);
});

test('a run that could not be suspended waits where it is', async () => {
  onSuspend = () => Promise.reject(new TypeError('x is not a function'));
  await expect(run.suspendUntil(5_000)).rejects.toThrow('x is not');
  expect(run.signal.aborted).toBe(false);
});

test('a signal that came is what a replay finds, and no longer waited for then', async () => {
  const given: unknown[] = [];
  receive = async (...all) => {
    given.push(all.slice(0, 3));
    return { payload: { by: 'ada' } as Json };
  };
  expect(await run.awaitSignal('approval', 9_000)).toEqual({ by: 'ada' });
  expect(given).toEqual([['exec_1', 'approval', 9_000]]);
  // It came while the run was here: it must not be suspended over it.
  await run.suspendUntil(5_000);
  expect(suspensions[0]![2]).toEqual(['approval']);

  const replayed = new DbosRun('exec_1', true, run.memory, {
    draining: () => false,
    suspend: async (...all) => void suspensions.push(all),
    receive: () => Promise.reject(new Error('asked again')),
  });
  expect(await replayed.awaitSignal('approval', 9_000)).toEqual({ by: 'ada' });
  await replayed.suspendUntil(5_000);
  expect(suspensions[1]![2]).toEqual([]);
});

test('no signal until the time is nothing, also at a replay', async () => {
  receive = async () => null;
  expect(await run.awaitSignal('approval', 1)).toBeUndefined();
  expect(await run.awaitSignal('approval', 1)).toBeUndefined();
});

test('what a body that has ended still waits for is let go, and it holds nothing any more', async () => {
  let signal: AbortSignal | undefined;
  receive = (_, __, ___, given) => {
    signal = given;
    return new Promise((_resolve, reject) => given.addEventListener('abort', () => reject(given.reason as Error)));
  };
  const waiting = run.awaitSignal('approval');
  waiting.catch(() => undefined);
  run.end();
  expect([signal!.aborted, ended, run.signal.aborted]).toEqual([true, 1, false]);
  await expect(waiting).rejects.toMatchObject(abandoned);
});

test('of several the one that ends first is chosen, and chosen again at a replay', async () => {
  const [a, b] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const choice = run.select(
    'select:1',
    new Map([
      ['a', a.promise],
      ['b', b.promise],
    ]),
  );
  b.resolve();
  expect(await choice).toBe('b');
  a.resolve();
  expect(
    await run.select(
      'select:1',
      new Map([
        ['a', a.promise],
        ['b', b.promise],
      ]),
    ),
  ).toBe('b');
});

test('those that a run leaves behind may fail without anybody’s hearing of it', async () => {
  const unheard: unknown[] = [];
  const hear = (error: unknown): void => void unheard.push(error);
  process.on('unhandledRejection', hear);
  const [a, b] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const choice = run.select(
    'select:1',
    new Map([
      ['a', a.promise],
      ['b', b.promise],
    ]),
  );
  run.leave('Enough.');
  await expect(choice).rejects.toMatchObject(abandoned);
  a.reject(new Error('late'));
  a.promise.catch(() => undefined);
  await settle();
  process.off('unhandledRejection', hear);
  expect(unheard).toEqual([]);
});
