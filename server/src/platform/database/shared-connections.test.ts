import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Pool } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import { inOrganisation } from '../../domain/tenancy/current-organisation.ts';
import { sharedResources } from '../../domain/tenancy/shared-resources.ts';
import { connectionsOfOne, shareConnections } from './shared-connections.ts';

const size = 4;
const lock = 77;
let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: size, connectionTimeoutMillis: 60_000 });
  shareConnections(pool, 'test_connections');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const load = (): unknown => sharedResources.slots.get('test_connections')!();

test('an organisation whose statements wait for one another leaves connections to the others', async () => {
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query('select pg_advisory_lock($1)', [lock]);
  const noisy = Promise.all(
    Array.from({ length: 50 }, () =>
      inOrganisation('noisy', () => pool.query('select pg_advisory_lock_shared($1)', [lock])),
    ),
  );
  await until(() => (pool.totalCount === connectionsOfOne(size) ? true : undefined));
  const { rows } = await inOrganisation('quiet', () => pool.query('select 1 as one'));
  expect(rows).toEqual([{ one: 1 }]);
  expect(await pool.query('select 2 as two')).toMatchObject({ rows: [{ two: 2 }] });
  expect(load()).toMatchObject({ taken: connectionsOfOne(size), waiting: 50 - connectionsOfOne(size) });
  await holder.end();
  await noisy;
  expect(load()).toMatchObject({ taken: 0, waiting: 0 });
});

test('work that holds a connection gets another one, although its organisation has all that it may', async () => {
  const nested = (): Promise<unknown> =>
    inOrganisation('busy', async () => {
      const client = await pool.connect();
      await client.query('select 1');
      const inner = await pool.query('select 2');
      client.release();
      return inner;
    });
  await Promise.all(Array.from({ length: connectionsOfOne(size) }, nested));
  expect(load()).toMatchObject({ taken: 0, waiting: 0 });
});

test('a connection that is given back twice is an error, one that is lost frees its slot', async () => {
  const client = await pool.connect();
  client.release();
  expect(() => client.release()).toThrow(/already been released/);
  const lost = await pool.connect();
  lost.release(new Error('lost'));
  await expect(pool.query('select no_such_column')).rejects.toThrow(/no_such_column/);
  expect(load()).toMatchObject({ taken: 0, waiting: 0 });
});

test('who waits too long is told what the pool would say', async () => {
  const small = new Pool({ connectionString: database.url, max: 1, connectionTimeoutMillis: 50 });
  shareConnections(small, 'small_connections');
  const client = await small.connect();
  await expect(small.query('select 1')).rejects.toThrow('timeout exceeded when trying to connect');
  client.release();
  await small.end();
  await expect(small.query('select 1')).rejects.toThrow(/after calling end/);
});
