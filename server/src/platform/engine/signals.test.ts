import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Pool } from 'pg';
import { Signals } from './signals.ts';

const now = 1_000_000;
let messages: string[];
let looks: number;
let fails: unknown;
const listeners = new Map<string, () => void>();
let leaving: AbortController;
let signals: Signals;

const pool = {
  query: async (_: string, values: unknown[]) => {
    looks += 1;
    if (fails !== undefined) throw fails;
    expect(values).toEqual(['run_1', 'approve']);
    return { rows: messages.map((message) => ({ message })) };
  },
} as unknown as Pool;

const arrivals = {
  registerCallback: (key: string, arrived: () => void) => {
    listeners.set(key, arrived);
    return { key };
  },
  deregisterCallback: ({ key }: { key: string }) => void listeners.delete(key),
} as unknown as ConstructorParameters<typeof Signals>[1];

beforeEach(() => {
  jest.useFakeTimers({ now, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  messages = [];
  looks = 0;
  fails = undefined;
  leaving = new AbortController();
  signals = new Signals(pool, arrivals);
});
afterEach(() => {
  expect([listeners.size, jest.getTimerCount()]).toEqual([0, 0]);
  jest.useRealTimers();
});

const receive = (timeoutAt?: number) => signals.receive('run_1', 'approve', timeoutAt, leaving.signal);
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a signal that is there already is taken at once, and null is one', async () => {
  messages = ['{"by":"ada"}', '1'];
  expect(await receive()).toEqual({ payload: { by: 'ada' } });
  messages = ['null'];
  expect(await receive()).toEqual({ payload: null });
});

test('who waits looks when news come', async () => {
  const received = receive();
  await settle();
  messages = ['1'];
  listeners.get('run_1::approve')!();
  expect(await received).toEqual({ payload: 1 });
  expect(looks).toBe(2);
});

test('and every second, should the news get lost', async () => {
  const received = receive();
  await jest.advanceTimersByTimeAsync(999);
  expect(looks).toBe(1);
  await jest.advanceTimersByTimeAsync(1);
  expect(looks).toBe(2);
  messages = ['1'];
  await jest.advanceTimersByTimeAsync(1_000);
  expect(await received).toEqual({ payload: 1 });
});

test('there is none when the time is over, which is looked at once more', async () => {
  const received = receive(now + 1_500);
  await jest.advanceTimersByTimeAsync(1_499);
  expect(looks).toBe(2);
  await jest.advanceTimersByTimeAsync(1);
  expect(await received).toBeNull();
  expect(looks).toBe(3);
  expect(await receive(now)).toBeNull();
  expect(await receive(now + 1_500)).toBeNull();
});

test('a signal that came just when the time was over counts', async () => {
  messages = ['1'];
  expect(await receive(now - 5_000)).toEqual({ payload: 1 });
});

test('a run that is left waits no longer, and does not look any more', async () => {
  const received = receive();
  received.catch(() => undefined);
  await settle();
  leaving.abort(new Error('left'));
  await expect(received).rejects.toThrow('left');
  await expect(receive()).rejects.toThrow('left');
  expect(looks).toBe(1);
});

test('a look that fails is for whoever waits to hear of', async () => {
  fails = new Error('no database');
  await expect(receive()).rejects.toThrow('no database');
});

test('a suspended run is woken under its lock, and whether it was suspended is told', async () => {
  const said: string[] = [];
  const transaction = (rows: object[]) => ({
    query: async (text: string) => {
      said.push(text.trim().split(' ')[0]!);
      return { rows: text.startsWith('with') || text.includes('woken') ? (rows as Record<string, unknown>[]) : [] };
    },
  });
  expect(await signals.wake(transaction([{}]), 'run_1')).toBe(true);
  expect(await signals.wake(transaction([]), 'run_1')).toBe(false);
  expect(said).toEqual(['select', 'with', 'select', 'with']);
  said.length = 0;
  await signals.send(transaction([]), 'run_1', 'approve', { by: 'ada' });
  expect(said).toEqual(['select', 'insert', 'with']);
});
