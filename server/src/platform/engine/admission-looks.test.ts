import { beforeEach, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { Admission } from './admission.ts';

/** What is done on connections, in order: `a lock`, `a move`, `commit`, `rollback`. */
const said: string[] = [];
const admitted: string[] = [];
const warnings: string[] = [];
/** Whether connections were closed rather than given back. */
const closed: boolean[] = [];
/** What the next statements that name the step throw. */
const fails = new Map<string, unknown[]>();
/** Tenants of the runs that are let in, by group. */
const tenants = new Map<string, string[]>();
let locked: Promise<void>;
let isActive: boolean;
let admission: Admission;

function stepOf(text: string, values: unknown[]): string {
  if (text.startsWith('begin')) return 'begin';
  if (text.startsWith('select pg_advisory')) return `${values[0] as string} lock`;
  if (text.startsWith('\nwith waiting')) return `${values[0] as string} move`;
  return text;
}

const client = {
  query: async (text: string, values: unknown[] = []) => {
    const step = stepOf(text, values);
    said.push(step);
    if (step.endsWith(' lock')) await locked;
    const failure = fails.get(step)?.shift();
    if (failure !== undefined) throw failure;
    if (step.endsWith(' move')) {
      expect(values.slice(1)).toEqual(['waiting', 'ready']);
      return { rows: (tenants.get(values[0] as string) ?? []).map((tenant) => ({ tenant })) };
    }
    return { rows: [] };
  },
  release: (error?: Error) => void closed.push(error !== undefined),
};

beforeEach(() => {
  for (const list of [said, admitted, warnings, closed]) list.length = 0;
  fails.clear();
  tenants.clear();
  locked = Promise.resolve();
  isActive = true;
  admission = new Admission({
    pool: { connect: async () => client } as unknown as Pool,
    waitingQueue: 'waiting',
    queue: 'ready',
    active: () => isActive,
    admitted: (tenant) => void admitted.push(tenant),
    warn: (message) => void warnings.push(message),
  });
});

test('those that are let in are taken up by their tenant, each of which is told once', async () => {
  tenants.set('a', ['one', 'other', 'one']);
  admission.look('a');
  await admission.idle();
  expect(said).toEqual(['begin', 'a lock', 'a move', 'commit']);
  expect([admitted, closed, warnings]).toEqual([['one', 'other'], [false], []]);
});

test('groups are looked at one after the other, also those that come meanwhile', async () => {
  const holding = Promise.withResolvers<void>();
  locked = holding.promise;
  for (const group of ['a', 'b', 'c']) tenants.set(group, [`tenant of ${group}`]);
  admission.look('a');
  admission.look('b');
  await new Promise((resolve) => setImmediate(resolve));
  admission.look('c');
  admission.look('a');
  holding.resolve();
  await admission.idle();
  expect(admitted).toEqual(['tenant of a', 'tenant of b', 'tenant of c', 'tenant of a']);
  admission.look('b');
  await admission.idle();
  expect(admitted.at(-1)).toBe('tenant of b');
});

test('a lock that another process holds ends the look at that group alone, and no look that comes later', async () => {
  const timedOut = Object.assign(new Error('lock timeout'), { code: '55P03' });
  fails.set('a lock', [timedOut]);
  for (const group of ['a', 'b']) tenants.set(group, [`tenant of ${group}`]);
  admission.look('a');
  admission.look('b');
  await admission.idle();
  expect([admitted, warnings]).toEqual([['tenant of b'], []]);
  admission.look('a');
  await admission.idle();
  expect(admitted).toEqual(['tenant of b', 'tenant of a']);
});

test('another failure is a warning, what was done is rolled back, and later looks go on', async () => {
  fails.set('a move', [new Error('no database')]);
  tenants.set('a', ['one']);
  admission.look('a');
  await admission.idle();
  expect(said).toEqual(['begin', 'a lock', 'a move', 'rollback']);
  expect([admitted, closed]).toEqual([[], [false]]);
  expect(warnings).toEqual(['Waiting runs could not be let in; it is tried again.']);
  admission.look('a');
  await admission.idle();
  expect(admitted).toEqual(['one']);
});

test('a connection that cannot roll back is closed', async () => {
  fails.set('a move', [new Error('no database')]);
  fails.set('rollback', [new Error('connection terminated')]);
  admission.look('a');
  await admission.idle();
  expect([closed, warnings.length]).toEqual([[true], 1]);
});

test('nobody is told of runs that were not let in after all', async () => {
  fails.set('commit', [new Error('no database')]);
  tenants.set('a', ['one']);
  admission.look('a');
  await admission.idle();
  expect(admitted).toEqual([]);
});

test('a process that takes no part any more lets nobody in', async () => {
  isActive = false;
  admission.look('a');
  await admission.idle();
  expect(said).toEqual([]);
});

test('a sweep looks at every group that has room', async () => {
  for (const group of ['a', 'b']) tenants.set(group, [`tenant of ${group}`]);
  const asked: unknown[] = [];
  await admission.sweep(async (_, values) => {
    asked.push(values);
    return [{ key: 'a' }, { key: 'b' }];
  });
  await admission.idle();
  expect(asked).toEqual([['waiting', 'ready']]);
  expect(admitted).toEqual(['tenant of a', 'tenant of b']);
});
