import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Pool } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { WriteRefusals } from './write-refusals.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('what the database refuses to write is noticed, by whichever statement; other errors are not', async () => {
  const refusals = new WriteRefusals();
  const pool = new Pool({ connectionString: database.url, max: 1 });
  refusals.watch(pool);
  await expect(pool.query('select 1 / 0')).rejects.toThrow('division by zero');
  expect(refusals.problem()).toBeUndefined();
  await pool.query('set default_transaction_read_only = on');
  await expect(pool.query('create table t (a int)')).rejects.toThrow('read-only');
  expect(refusals.problem()).toMatch(/read-only/);
  refusals.note({ code: '53100' });
  expect(refusals.problem()).toMatch(/disk is full/);
  await pool.end();
});
