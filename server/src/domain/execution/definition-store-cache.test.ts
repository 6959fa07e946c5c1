import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { sketch } from '../../../test/executions/sketch.ts';
import { hashOf } from '../language/index.ts';
import { DefinitionStore } from './definition-store.ts';

const hourMs = 3_600_000;
const now = Date.UTC(2026, 0, 1);
const definition = sketch({ a: { type: 'pure' } }, []);
const hash = hashOf(definition);

const statements: { values: unknown[]; transaction: unknown }[] = [];
const marked: unknown[][] = [];
let findsRow: boolean;
let usedAt: Date;
let reads: number;
let onMark: () => Promise<number>;
let store: DefinitionStore;

beforeEach(() => {
  jest.useFakeTimers({ now });
  [findsRow, usedAt, reads, onMark] = [true, new Date(now), 0, async () => 1];
  statements.length = 0;
  marked.length = 0;
  const forked = {
    nativeUpdate: (...given: unknown[]) => {
      marked.push(given);
      return onMark();
    },
    findOneOrFail: async () => {
      reads += 1;
      if (!findsRow) throw new Error('not found');
      return { definition, usedAt };
    },
  };
  store = new DefinitionStore({ em: { fork: () => forked } } as unknown as MikroORM);
});
afterEach(() => {
  jest.useRealTimers();
});

const em = {
  getConnection: () => ({
    execute: async (_: string, values: unknown[], __: string, transaction: unknown) => {
      statements.push({ values, transaction });
    },
  }),
  getTransactionContext: () => 'transaction',
} as unknown as EntityManager;
const keep = (organisationId = 'org_1'): Promise<string> => store.keep(organisationId, definition, em);

test('a definition is stored in the transaction of whoever needs it, under its hash', async () => {
  expect(await keep()).toBe(hash);
  expect(statements).toEqual([
    { values: ['org_1', hash, JSON.stringify(definition), '3600000 milliseconds'], transaction: 'transaction' },
  ]);
  expect(await store.keep('org_1', definition, em, 'given')).toBe('given');
  expect(statements[1]!.values[1]).toBe('given');
});

test('it is stored again until a transaction has committed, since the first may be rolled back', async () => {
  await keep();
  await keep();
  expect(statements).toHaveLength(2);
  store.wasKept('org_1', hash);
  await keep();
  expect(statements).toHaveLength(2);
  await keep('org_2');
  expect(statements).toHaveLength(3);
});

test('for an hour nobody looks; then it is written down, once, that it is used', async () => {
  store.wasKept('org_1', hash);
  jest.setSystemTime(now + hourMs - 1);
  await keep();
  expect(marked).toEqual([]);
  jest.setSystemTime(now + hourMs);
  await keep();
  await keep();
  expect(marked).toEqual([[expect.anything(), { organisationId: 'org_1', hash }, { usedAt: new Date(now + hourMs) }]]);
  expect(statements).toEqual([]);
});

test('what was used less than twelve hours ago is there; after that it is stored anew', async () => {
  store.wasKept('org_1', hash);
  jest.setSystemTime(now + 12 * hourMs - 1);
  await keep();
  expect([statements.length, marked.length]).toEqual([0, 1]);
  jest.setSystemTime(now + 24 * hourMs - 1);
  await keep();
  expect(statements).toHaveLength(1);
});

test.each([
  ['is gone', async () => 0],
  ['could not be looked for', () => Promise.reject(new Error('no database'))],
])('a definition that %s is stored anew by the next one that needs it', async (_, mark) => {
  onMark = mark;
  store.wasKept('org_1', hash);
  jest.setSystemTime(now + hourMs);
  await keep();
  await jest.advanceTimersByTimeAsync(0);
  await keep();
  expect(statements).toHaveLength(1);
});

test('that it was kept is believed from its first time on, not from its last', async () => {
  store.wasKept('org_1', hash);
  jest.setSystemTime(now + hourMs / 2);
  store.wasKept('org_1', hash);
  jest.setSystemTime(now + hourMs);
  await keep();
  expect(marked).toHaveLength(1);
});

test('a graph is read once, and what was read is known to be stored since it was used', async () => {
  usedAt = new Date(now - 2 * hourMs);
  const graph = await store.graph('org_1', hash);
  expect(graph.definition).toEqual(definition);
  expect(await store.graph('org_1', hash)).toBe(graph);
  expect(reads).toBe(1);
  await keep();
  expect([statements.length, marked.length]).toEqual([0, 1]);
  await store.graph('org_2', hash);
  expect(reads).toBe(2);
});

test('a definition that is not there is an error, each time', async () => {
  findsRow = false;
  await expect(store.graph('org_1', hash)).rejects.toThrow('not found');
  findsRow = true;
  await store.graph('org_1', hash);
});

test('a sweep looks after each organisation until it is to end', async () => {
  const leaving = new AbortController();
  const removed: unknown[] = [];
  const forked = {
    execute: async (sql: string, values?: string[]) => {
      if (sql.startsWith('select')) return [{ id: 'org_1' }, { id: 'org_2' }, { id: 'org_3' }];
      removed.push(values);
      if (removed.length === 2) leaving.abort();
      return [{}, {}];
    },
  };
  store = new DefinitionStore({ em: { fork: () => forked } } as unknown as MikroORM);
  await store.sweep(leaving.signal);
  expect(removed).toEqual([
    ['org_1', 'org_1'],
    ['org_2', 'org_2'],
  ]);
  expect(await store.removeUnused('org_1')).toBe(2);
});
