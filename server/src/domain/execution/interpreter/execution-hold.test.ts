import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { beganAt, pass, settle, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { RunAbandonedError, type RunContext } from '../engine.ts';
import type { LiveChannel } from '../live-channel.ts';
import { ExecutionHold } from './execution-hold.ts';

interface Row {
  status: string;
  startedAt?: Date | null;
  pausedAt?: Date | null;
  pausedMs?: number;
}

/** How each look at the row ends, in order; the last one holds for those that follow. */
let looks: (() => Promise<Row | null>)[];
let looked: number;
const listeners = new Map<string, (ended: boolean | undefined) => void>();

const orm = {
  em: {
    fork: () => ({
      findOne: async () => looks[Math.min(looked++, looks.length - 1)]!(),
    }),
  },
} as unknown as MikroORM;

const live = {
  subscribe: (id: string, wake: (ended: boolean | undefined) => void) => {
    listeners.set(id, wake);
    return () => void listeners.delete(id);
  },
} as unknown as LiveChannel;

const is = (status: string) => async () => ({ status });
const passingError = Object.assign(new Error('the server shuts down'), { code: '57P01' });
const holds: ExecutionHold[] = [];

function newHold(held = false): ExecutionHold {
  const hold = new ExecutionHold(orm, live, 'exec_1', held);
  holds.push(hold);
  return hold;
}

/** News come: undefined says that the execution was paused or resumed. */
const news = (ended?: boolean): void => listeners.get('exec_1')?.(ended);

beforeEach(() => {
  useVirtualTime();
  looks = [is('running')];
  looked = 0;
});
afterEach(() => {
  for (const hold of holds.splice(0)) hold.stop();
  useRealTime();
});

test('it is held from when the news of a pause were followed until those of the resumption were', async () => {
  const hold = newHold();
  expect([hold.isHeld(), hold.known]).toEqual([false, undefined]);
  looks = [is('paused'), is('running')];
  news();
  const { known } = hold;
  expect(known).toBeDefined();
  await known;
  expect([hold.isHeld(), hold.known]).toEqual([true, undefined]);
  let isReleased = false;
  void hold.released().then(() => (isReleased = true));
  await settle();
  expect(isReleased).toBe(false);
  news();
  await settle();
  expect([hold.isHeld(), isReleased]).toEqual([false, true]);
});

test('what is not held is released, and so is each of two pauses for itself', async () => {
  const hold = newHold();
  await hold.released();
  looks = [is('paused'), is('running'), is('paused')];
  for (let each = 0; each < 3; each++) {
    news();
    await settle();
  }
  expect(hold.isHeld()).toBe(true);
  let isReleased = false;
  void hold.released().then(() => (isReleased = true));
  await settle();
  expect(isReleased).toBe(false);
});

test('one that is known to be held from the beginning is released by the news', async () => {
  const hold = newHold(true);
  expect(hold.isHeld()).toBe(true);
  const released = hold.released();
  news();
  await released;
  expect(hold.isHeld()).toBe(false);
});

test('other news than those of pauses are no reason to look', () => {
  newHold();
  news(false);
  news(true);
  expect(looked).toBe(0);
});

test('of two looks that overlap the later one counts, whichever ends first', async () => {
  const [first, second] = [Promise.withResolvers<Row>(), Promise.withResolvers<Row>()];
  looks = [() => first.promise, () => second.promise];
  const hold = newHold();
  news();
  news();
  second.resolve({ status: 'paused' });
  await settle();
  expect([hold.isHeld(), hold.known]).toEqual([true, undefined]);
  first.resolve({ status: 'running' });
  await settle();
  expect(hold.isHeld()).toBe(true);
});

test('while the later of two looks is under way it is not known how it stands', async () => {
  const second = Promise.withResolvers<Row>();
  looks = [is('running'), () => second.promise];
  const hold = newHold();
  news();
  news();
  await settle();
  expect(hold.known).toBeDefined();
  second.resolve({ status: 'paused' });
  await hold.known;
  expect(hold.isHeld()).toBe(true);
});

test('a look that fails is repeated after a second, and again, until one tells', async () => {
  const fails = (): Promise<never> => Promise.reject(passingError);
  looks = [fails, fails, is('paused')];
  const hold = newHold();
  news();
  await settle();
  expect([looked, hold.known]).toEqual([1, undefined]);
  await pass(999);
  expect(looked).toBe(1);
  await pass(1);
  expect([looked, hold.isHeld()]).toEqual([2, false]);
  await pass(1_000);
  expect([looked, hold.isHeld()]).toEqual([3, true]);
  await pass(10_000);
  expect(looked).toBe(3);
});

test('news take the place of the look that was to be repeated', async () => {
  looks = [() => Promise.reject(passingError), is('paused')];
  const hold = newHold();
  news();
  await pass(500);
  news();
  await settle();
  expect(hold.isHeld()).toBe(true);
  await pass(10_000);
  expect(looked).toBe(2);
});

test('a look that fails when a later one is under way is not repeated', async () => {
  const first = Promise.withResolvers<Row>();
  looks = [() => first.promise, is('running')];
  newHold();
  news();
  news();
  first.reject(passingError);
  await pass(10_000);
  expect(looked).toBe(2);
});

test('once the run is over nobody listens and nothing is looked at again', async () => {
  looks = [() => Promise.reject(passingError)];
  const hold = newHold();
  news();
  await settle();
  hold.stop();
  expect(listeners.has('exec_1')).toBe(false);
  await pass(10_000);
  expect(looked).toBe(1);
});

test('a look that fails after the run is over is not repeated', async () => {
  const look = Promise.withResolvers<Row>();
  looks = [() => look.promise];
  const hold = newHold();
  news();
  hold.stop();
  look.reject(passingError);
  await pass(10_000);
  expect(looked).toBe(1);
});

test('an execution that is gone is not held', async () => {
  looks = [async () => null];
  const hold = newHold(true);
  news();
  await settle();
  expect(hold.isHeld()).toBe(false);
  expect(await hold.heldMs()).toBe(0);
});

test('what was paused counts, and what is paused counts up to now', async () => {
  const hold = newHold();
  const startedAt = new Date(beganAt - 60_000);
  looks = [async () => ({ status: 'running', startedAt, pausedAt: null, pausedMs: 700 })];
  expect(await hold.heldMs()).toBe(700);
  looked = 0;
  looks = [async () => ({ status: 'paused', startedAt, pausedAt: new Date(beganAt - 5_000), pausedMs: 700 })];
  expect(await hold.heldMs()).toBe(5_700);
});

test('a run is left when the database cannot be used now; other errors are what they are', async () => {
  const hold = newHold();
  looks = [() => Promise.reject(passingError)];
  await expect(hold.heldMs()).rejects.toBeInstanceOf(RunAbandonedError);
  looks = [() => Promise.reject(new TypeError('a fault of ours'))];
  await expect(hold.heldMs()).rejects.toThrow('a fault of ours');
});

test('the pause is over where the row says anything else, or is gone', async () => {
  const hold = newHold();
  const answers = [[{ status: 'paused' }], [{ status: 'running' }], []];
  const seen: unknown[] = [];
  const over = answers.map((rows) =>
    hold.isOver(async (_, values) => {
      seen.push(values);
      return rows;
    }),
  );
  expect(await Promise.all(over)).toEqual([false, true, true]);
  expect(seen).toEqual([['exec_1'], ['exec_1'], ['exec_1']]);
});

test('a run that is held before it begins rests until it is not; the others begin', async () => {
  const rests: number[] = [];
  const leaving = new AbortController();
  const context = {
    signal: leaving.signal,
    suspendUntil: async (at: number, isOver: (query: () => Promise<object[]>) => Promise<boolean>) => {
      rests.push(at - Date.now());
      if (!(await isOver(async () => [{ status: 'paused' }]))) leaving.abort(new RunAbandonedError('exec_1'));
    },
  } as unknown as RunContext;
  await newHold().beforeBegin(context);
  expect(rests).toEqual([]);
  await expect(newHold(true).beforeBegin(context)).rejects.toBeInstanceOf(RunAbandonedError);
  expect(rests).toEqual([366 * 86_400_000]);
});
