import { beforeEach, expect, test } from '@jest/globals';
import type { Pool, PoolClient } from 'pg';
import { inTransaction } from './in-transaction.ts';

const statements: string[] = [];
const released: unknown[] = [];
/** The statement that fails. */
let failing: string | undefined;

beforeEach(() => {
  statements.length = 0;
  released.length = 0;
  failing = undefined;
});

const client = {
  query: async (text: string) => {
    statements.push(text);
    if (text === failing) throw new Error(`${text} failed`);
  },
  release: (fault: unknown) => void released.push(fault),
} as unknown as PoolClient;
const pool = { connect: async () => client } as unknown as Pool;

test('what the work comes to is committed, and the connection goes back', async () => {
  const result = await inTransaction(pool, async (given) => (await given.query('work'), 7));
  expect(result).toBe(7);
  expect(statements).toEqual(['begin', 'work', 'commit']);
  expect(released).toEqual([undefined]);
});

test.each(['begin', 'work', 'commit'])(
  'a transaction whose %s fails is rolled back, and the connection goes back',
  async (at) => {
    failing = at;
    await expect(inTransaction(pool, (given) => given.query('work'))).rejects.toThrow(`${at} failed`);
    expect(statements.at(-1)).toBe('rollback');
    expect(statements.filter((text) => text === 'commit')).toHaveLength(at === 'commit' ? 1 : 0);
    expect(released).toEqual([undefined]);
  },
);

test('a connection that cannot roll back is closed, and the work’s own error is told', async () => {
  failing = 'rollback';
  const work = (): Promise<never> => Promise.reject(new Error('the work failed'));
  await expect(inTransaction(pool, work)).rejects.toThrow('the work failed');
  expect(released).toEqual([new Error('rollback failed')]);
});
