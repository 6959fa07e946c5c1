import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Pool } from 'pg';
import { Line } from './line.ts';
import type { Places } from './places.ts';

interface Row {
  readonly id: string;
  readonly priority?: number;
  readonly created_at?: string;
}

/** Runs that wait, by tenant, in any order. */
const queues = new Map<string, Row[]>();
/** Free places in hand, and what the next `gather` brings. */
const places = new Map<string, { free: number; more: number }>();
const started: string[] = [];
const told: string[][] = [];
const claims: { tenant: string; count: number }[] = [];
const released: string[] = [];
const warnings: string[] = [];
let room: (tenant?: string) => number | undefined;
let claimFails: unknown;
let notifyFails: unknown;
let start: (ids: readonly string[]) => Promise<void>;
let line: Line;

const pool = {
  query: async (query: string | { values: unknown[] }, values?: unknown[]) => {
    if (typeof query === 'string') {
      if (notifyFails !== undefined) throw notifyFails;
      told.push([...(values![1] as string[])]);
      return { rows: [] };
    }
    const [tenant, count, executor, token] = query.values as [string, number, string, string];
    if (claimFails !== undefined) throw claimFails;
    expect([executor, token.length]).toEqual(['me', 36]);
    claims.push({ tenant, count });
    const rows = (queues.get(tenant) ?? []).splice(0, count);
    return { rows: rows.map((row) => ({ priority: 0, created_at: '0', ...row })) };
  },
} as unknown as Pool;

const placesOfTest = {
  take: (tenant: string, wanted: number) => {
    const of = places.get(tenant);
    const taken = Math.min(wanted, of?.free ?? 0);
    if (of) of.free -= taken;
    return taken;
  },
  give: (tenant: string, count: number) => void (places.get(tenant)!.free += count),
  gather: async (tenant: string) => {
    const of = places.get(tenant);
    if (of) [of.free, of.more] = [of.free + of.more, 0];
  },
  release: async (tenant: string) => void released.push(tenant),
} as unknown as Places;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  queues.clear();
  places.clear();
  for (const list of [started, told, claims, released, warnings]) list.length = 0;
  room = () => 50;
  [claimFails, notifyFails] = [undefined, undefined];
  start = async () => undefined;
  line = new Line({
    pool,
    executorId: 'me',
    places: placesOfTest,
    room: (tenant) => room(tenant),
    start: async (ids, _, tenant) => {
      started.push(...ids.map((id) => `${tenant} ${id}`));
      await start(ids);
    },
    warn: (message) => warnings.push(message),
  });
});
afterEach(() => {
  jest.useRealTimers();
});

const wait = (tenant: string, count: number, free = 100): void => {
  queues.set(
    tenant,
    Array.from({ length: count }, (_, index) => ({ id: `${index}` })),
  );
  places.set(tenant, { free, more: 0 });
};
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const tell = async (): Promise<void> => {
  await settle();
  await jest.advanceTimersByTimeAsync(5);
};
const sweep = (tenants: readonly string[]): Promise<void> =>
  line.sweep(async () => tenants.map((tenant) => ({ tenant })));

test('all that wait are taken up while there is room, a hundred at a time, and nobody is told', async () => {
  wait('a', 250, 1_000);
  room = () => 1_000;
  line.look('a', true);
  expect(line.has('a')).toBe(true);
  await tell();
  expect(told).toEqual([]);
  expect(claims.map(({ count }) => count)).toEqual([100, 100, 100]);
  expect(started).toHaveLength(250);
  expect([line.has('a'), line.tenants, places.get('a')!.free]).toEqual([false, 0, 750]);
});

test('they begin by priority, then by age, then by id, whatever the order of the rows', async () => {
  wait('a', 0);
  const row = (id: string, priority: number, at: string): Row => ({ id, priority, created_at: at });
  queues.set('a', [row('z', 0, '100'), row('d', 1, '1'), row('b', 0, '100'), row('c', 0, '99')]);
  line.look('a', false);
  await settle();
  expect(started).toEqual(['a c', 'a b', 'a z', 'a d']);
});

test('where several tenants wait each has its part of the room, and at least one', async () => {
  for (const tenant of ['a', 'b', 'c']) wait(tenant, 9);
  room = () => 7;
  const hold = Promise.withResolvers<void>();
  start = () => hold.promise;
  for (const tenant of ['a', 'b', 'c']) line.look(tenant, false);
  await settle();
  expect(claims).toEqual([
    { tenant: 'a', count: 7 },
    { tenant: 'b', count: 3 },
    { tenant: 'c', count: 2 },
  ]);
  room = () => 1;
  claims.length = 0;
  for (const tenant of ['d', 'e']) wait(tenant, 9);
  for (const tenant of ['d', 'e']) line.look(tenant, false);
  await settle();
  expect(claims).toEqual([
    { tenant: 'd', count: 1 },
    { tenant: 'e', count: 1 },
  ]);
});

test('a tenant that has its share takes no more, and the others are told where that is wanted', async () => {
  wait('a', 3);
  room = (tenant) => (tenant === 'a' ? 0 : 50);
  line.look('a', true);
  await tell();
  expect([started, told]).toEqual([[], [['a']]]);
  line.look('a', false);
  await tell();
  expect(told).toHaveLength(1);
});

test('a tenant without places asks for some, once; without any the others are told', async () => {
  wait('a', 2, 0);
  places.get('a')!.more = 1;
  line.look('a', true);
  await tell();
  expect([started, told]).toEqual([['a 0'], [['a']]]);
});

test('news for the others are gathered for five milliseconds, and each tenant is named once', async () => {
  room = () => undefined;
  line.look('a', true);
  line.look('b', true);
  line.look('a', true);
  line.look('c', false);
  await jest.advanceTimersByTimeAsync(4);
  expect(told).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  expect(told).toEqual([['a', 'b']]);
  line.look('b', true);
  await jest.advanceTimersByTimeAsync(5);
  expect(told).toEqual([['a', 'b'], ['b']]);
});

test('news that cannot be sent are a warning, and the next ones are sent', async () => {
  room = () => undefined;
  notifyFails = new Error('no database');
  line.look('a', true);
  await tell();
  expect(warnings).toEqual(['Other processes could not be told of waiting runs.']);
  notifyFails = undefined;
  line.look('b', true);
  await tell();
  expect(told).toEqual([['b']]);
});

test('places that served nobody are given back, also when the runs could not be taken up', async () => {
  wait('a', 2, 10);
  line.look('a', false);
  await settle();
  expect([started.length, places.get('a')!.free]).toEqual([2, 8]);
  wait('b', 2, 10);
  claimFails = new Error('no database');
  line.look('b', false);
  await settle();
  expect([started.length, places.get('b')!.free]).toEqual([2, 10]);
  expect(warnings).toEqual(['Waiting runs could not be taken up; it is tried again.']);
});

test('a lock that another process holds is no reason to warn, and the tenant is looked at again', async () => {
  wait('a', 2);
  claimFails = Object.assign(new Error('lock timeout'), { code: '55P03' });
  line.look('a', false);
  await settle();
  expect([started, warnings]).toEqual([[], []]);
  claimFails = undefined;
  line.look('a', false);
  await settle();
  expect(started).toEqual(['a 0', 'a 1']);
});

test('who is told of a run while the tenant is served looks once more, and does not claim at the same time', async () => {
  wait('a', 1);
  const hold = Promise.withResolvers<void>();
  start = () => hold.promise;
  line.look('a', false);
  await settle();
  queues.set('a', [{ id: 'later' }]);
  line.look('a', false);
  line.look('a', false);
  await settle();
  expect(started).toEqual(['a 0']);
  hold.resolve();
  await settle();
  expect(started).toEqual(['a 0', 'a later']);
  expect(claims).toHaveLength(2);
});

test('when a run is over the one that waits longest is served, and the tenant whose place is free as well', async () => {
  room = () => 0;
  for (const tenant of ['a', 'b']) wait(tenant, 5);
  for (const tenant of ['a', 'b']) line.look(tenant, false);
  await settle();
  room = () => 1;
  const hold = Promise.withResolvers<void>();
  start = () => hold.promise;
  line.over('b');
  await settle();
  expect(claims.map(({ tenant }) => tenant)).toEqual(['a', 'b']);
});

test('a tenant without places stands in nobody’s way until one of its own runs is over', async () => {
  wait('full', 5, 0);
  wait('a', 5, 0);
  line.look('full', false);
  line.look('a', false);
  await settle();
  for (const of of places.values()) of.free = 1;
  line.over('a');
  await settle();
  expect(started).toEqual(['a 0']);
  line.over('other');
  await settle();
  expect(started).toEqual(['a 0']);
  line.over('full');
  await settle();
  expect(started).toEqual(['a 0', 'full 0']);
  line.over('full');
  await tell();
  expect(told).toEqual([]);
});

test('a tenant that has its share stands in nobody’s way', async () => {
  room = () => 0;
  for (const tenant of ['a', 'b']) wait(tenant, 5);
  for (const tenant of ['a', 'b']) line.look(tenant, false);
  await settle();
  room = (tenant) => (tenant === 'a' ? 0 : 1);
  const hold = Promise.withResolvers<void>();
  start = () => hold.promise;
  line.over('other');
  await settle();
  expect(started).toEqual(['b 0']);
});

test('where nobody waits the end of a run is of no interest', async () => {
  line.over('a');
  await settle();
  expect([claims, line.tenants]).toEqual([[], 0]);
});

test('a sweep looks at all tenants that wait, and forgets those that do not', async () => {
  room = () => undefined;
  line.look('gone', false);
  await sweep(['a']);
  expect(line.has('gone')).toBe(true);
  room = () => 50;
  for (const tenant of ['a', 'b']) wait(tenant, 1);
  await sweep(['a', 'b']);
  await settle();
  expect(line.has('gone')).toBe(false);
  expect(started).toEqual(['a 0', 'b 0']);
});

test('a sweep without room gives the places of tenants that wait to other processes', async () => {
  room = () => 0;
  wait('a', 1);
  await sweep(['a']);
  await settle();
  expect([released, claims]).toEqual([['a'], []]);
});

test('a tenant that is served is left alone by a sweep', async () => {
  wait('a', 1);
  const hold = Promise.withResolvers<void>();
  start = () => hold.promise;
  line.look('a', false);
  await settle();
  await sweep(['a']);
  await sweep([]);
  hold.resolve();
  await settle();
  expect(claims).toHaveLength(1);
});

test('it is idle when nothing is under way, and tells nobody anything after that', async () => {
  wait('a', 1);
  const hold = Promise.withResolvers<void>();
  start = () => hold.promise;
  line.look('a', false);
  await settle();
  let isIdle = false;
  const idle = line.idle().then(() => (isIdle = true));
  await settle();
  expect(isIdle).toBe(false);
  hold.resolve();
  await idle;
  room = () => undefined;
  line.look('b', true);
  await line.idle();
  await jest.advanceTimersByTimeAsync(1_000);
  expect(told).toEqual([]);
});
