import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Engine, SuspendedRun } from './engine.ts';
import { WaitReconciler } from './wait-reconciler.ts';

const now = Date.UTC(2026, 0, 1);
const at = new Date(now).toISOString();
const runOf = (index: number): SuspendedRun => ({
  runId: `exec_${String(index).padStart(5, '0')}`,
  held: index % 2 === 1,
  since: new Date(now - 60_000),
  signals: index === 0 ? ['approval:a', 'child:exec_9'] : [],
});

/** Runs that are suspended. */
let runs: SuspendedRun[];
/** What is wrong about those that are asked about. */
let faultsOf: (ids: string[]) => object[];
let leads: () => boolean;
let onMend: () => Promise<void>;
let wakes: boolean;
const pages: string[] = [];
const queries: unknown[][] = [];
const mended: unknown[] = [];
const warnings: unknown[][] = [];

beforeEach(() => {
  jest.useFakeTimers({ now });
  [runs, faultsOf, leads, onMend, wakes] = [[], () => [], () => true, async () => undefined, true];
  for (const list of [pages, queries, mended, warnings]) list.length = 0;
});
afterEach(() => {
  jest.useRealTimers();
});

const engine = {
  get leads() {
    return leads();
  },
  suspended: async (after: string, limit: number) => {
    pages.push(after);
    return runs.filter(({ runId }) => runId > after).slice(0, limit);
  },
  cancel: async (ids: string[]) => {
    await onMend();
    mended.push(['cancel', ids]);
  },
  signal: async (...given: unknown[]) => {
    await onMend();
    mended.push(['signal', ...given]);
  },
  wake: async (id: string) => {
    await onMend();
    mended.push(['wake', id]);
    return wakes;
  },
} as unknown as Engine;

const pool = {
  query: async ({ values }: { values: [string, string, Date] }) => {
    queries.push(values);
    return { rows: faultsOf((JSON.parse(values[0]) as { id: string }[]).map(({ id }) => id)) };
  },
};
const orm = { em: { getConnection: () => ({ getNativeClient: async () => pool }) } } as unknown as MikroORM;
const reconciler = (): WaitReconciler =>
  new WaitReconciler({ orm, engine, warn: (...given) => void warnings.push(given) });

const one = (fault: string, more: object = {}): void => {
  runs = [runOf(0)];
  faultsOf = ([id]) => [{ fault, id, signal: null, wait: null, ...more }];
};

test('runs are compared with all that they wait for; what has just happened may still be on its way', async () => {
  runs = [runOf(0), runOf(1)];
  await reconciler().round();
  const since = new Date(now - 60_000).toISOString();
  const [given, awaited, before] = queries[0] as [string, string, Date];
  expect(JSON.parse(given)).toEqual([
    { id: 'exec_00000', held: false, since },
    { id: 'exec_00001', held: true, since },
  ]);
  expect(JSON.parse(awaited)).toEqual([
    { id: 'exec_00000', signal: 'approval:a' },
    { id: 'exec_00000', signal: 'child:exec_9' },
  ]);
  expect(before).toEqual(new Date(now - 3_000));
  expect(warnings).toEqual([]);
});

test('a run whose execution has ended is cancelled', async () => {
  one('ended');
  await reconciler().round();
  expect(mended).toEqual([['cancel', ['exec_00000']]]);
  expect(warnings).toEqual([['Execution exec_00000 was suspended although its wait was over (ended); it goes on.']]);
});

test('a run gets a signal when what it has called has ended', async () => {
  one('called ended', { signal: 'child:exec_9' });
  await reconciler().round();
  expect(mended).toEqual([['signal', 'exec_00000', 'child:exec_9', { at }]]);
  expect(warnings[0]![0]).toContain('(called ended, child:exec_9)');
});

test('a run gets the decision as it was taken', async () => {
  const decidedAt = '2025-12-31T00:00:00+00:00';
  one('answered', { signal: 'approval:a', wait: { status: 'declined', decidedBy: 'user_x', note: null, decidedAt } });
  await reconciler().round();
  const answer = {
    status: 'declined',
    payload: null,
    decided_by: 'user_x',
    note: null,
    at: '2025-12-31T00:00:00.000Z',
  };
  expect(mended).toEqual([['signal', 'exec_00000', 'approval:a', answer]]);
});

test.each(['resumed', 'time passed'])(
  'a run whose wait is over (%s) is resumed; one that was already is no fault',
  async (fault) => {
    one(fault);
    await reconciler().round();
    expect(mended).toEqual([['wake', 'exec_00000']]);
    expect(warnings).toHaveLength(1);
    wakes = false;
    await reconciler().round();
    expect(mended).toHaveLength(2);
    expect(warnings).toHaveLength(1);
  },
);

test('one that cannot be helped keeps no other waiting; a database that is away ends the round', async () => {
  runs = [runOf(0), runOf(1)];
  faultsOf = (ids) => ids.map((id) => ({ fault: 'ended', id, signal: null, wait: null }));
  const error = new TypeError('x is not a function');
  onMend = async () => {
    if (mended.length === 0 && warnings.length === 0) throw error;
  };
  await reconciler().round();
  expect(mended).toEqual([['cancel', ['exec_00001']]]);
  expect(warnings[0]).toEqual(['Execution exec_00000 is suspended although its wait is over (ended).', error]);
  const gone = Object.assign(new Error('the server shuts down'), { code: '57P01' });
  onMend = () => Promise.reject(gone);
  await expect(reconciler().round()).rejects.toBe(gone);
  const locked = Object.assign(new Error('deadlock'), { code: '40P01' });
  onMend = () => Promise.reject(locked);
  await reconciler().round();
  expect(warnings.at(-1)).toEqual([expect.stringContaining('exec_00001'), locked]);
});

test('a round goes through five thousand runs, and the next one on behind them', async () => {
  runs = Array.from({ length: 5_500 }, (_, index) => runOf(index));
  const one = reconciler();
  await one.round();
  expect(pages).toEqual(['', 'exec_00999', 'exec_01999', 'exec_02999', 'exec_03999']);
  await one.round();
  expect(pages.slice(5)).toEqual(['exec_04999']);
  await one.round();
  expect(pages[6]).toBe('');
});

test('a page that is just full is not the last one; an empty one asks nothing', async () => {
  runs = Array.from({ length: 1_000 }, (_, index) => runOf(index));
  await reconciler().round();
  expect(pages).toEqual(['', 'exec_00999']);
  expect(queries).toHaveLength(1);
  const onlyOne = reconciler();
  runs = runs.slice(0, 999);
  await onlyOne.round();
  expect(pages.slice(2)).toEqual(['']);
});

test('only the process that leads looks, and no longer than it does', async () => {
  runs = Array.from({ length: 3_000 }, (_, index) => runOf(index));
  leads = () => false;
  await reconciler().round();
  expect(pages).toEqual([]);
  leads = () => pages.length < 2;
  await reconciler().round();
  expect(pages).toEqual(['', 'exec_00999']);
});
