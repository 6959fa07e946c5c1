import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { forgetRegularly, forgetThose } from './ended-runs.ts';

type SystemDatabase = Parameters<typeof forgetThose>[0];
type Log = Parameters<typeof forgetRegularly>[1]['log'];

const now = 1_000_000_000;
const retention = 86_400_000;
/** How many runs each look finds; the last one holds for those that follow. */
let found: (number | Error)[];
const asked: unknown[][] = [];
const forgotten: number[] = [];
const warnings: string[] = [];
let timer: NodeJS.Timeout | undefined;

const systemDatabase = {
  pool: {
    query: async (_: string, values: unknown[]) => {
      asked.push(values);
      const next = found.length > 1 ? found.shift()! : found[0]!;
      if (next instanceof Error) throw next;
      return { rows: Array.from({ length: next }, (__, index) => ({ id: `run_${index}` })) };
    },
  },
  deleteWorkflows: async (ids: string[]) => void forgotten.push(ids.length),
} as unknown as SystemDatabase;

const log = { warn: (message: string) => void warnings.push(message) } as unknown as Log;

beforeEach(() => {
  jest.useFakeTimers({ now });
  for (const list of [asked, forgotten, warnings]) list.length = 0;
  found = [0];
});
afterEach(() => {
  clearInterval(timer);
  jest.useRealTimers();
});

test('every minute those are forgotten that ended longer ago than they are kept', async () => {
  timer = forgetRegularly(systemDatabase, { retention, log });
  found = [7, 0];
  await jest.advanceTimersByTimeAsync(59_999);
  expect(asked).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  expect([asked, forgotten]).toEqual([[[now + 60_000 - retention, 1_000]], [7]]);
  await jest.advanceTimersByTimeAsync(60_000);
  expect([asked.length, forgotten]).toEqual([2, [7]]);
});

test('batches of a thousand follow each other until one is not full', async () => {
  timer = forgetRegularly(systemDatabase, { retention, log });
  found = [1_000, 1_000, 999, 5];
  await jest.advanceTimersByTimeAsync(60_000);
  expect(forgotten).toEqual([1_000, 1_000, 999]);
  found = [1_000, 0];
  await jest.advanceTimersByTimeAsync(60_000);
  expect(forgotten).toEqual([1_000, 1_000, 999, 1_000]);
});

test('when that fails operators hear of it, and it is tried again', async () => {
  timer = forgetRegularly(systemDatabase, { retention, log });
  found = [new Error('no database'), 3];
  await jest.advanceTimersByTimeAsync(60_000);
  expect(warnings).toEqual(['Ended runs could not be removed from the engine; it is tried again in a minute.']);
  await jest.advanceTimersByTimeAsync(60_000);
  expect([warnings.length, forgotten]).toEqual([1, [3]]);
});

test('of named runs those are forgotten that have ended; where none has, nothing is', async () => {
  found = [2];
  await forgetThose(systemDatabase, ['a', 'b', 'c']);
  expect([asked, forgotten]).toEqual([[[['a', 'b', 'c']]], [2]]);
  found = [0];
  await forgetThose(systemDatabase, ['a']);
  expect(forgotten).toEqual([2]);
});
