import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { Pool } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { Places, placesSchema } from './places.ts';

let database: TestDatabase;
let pool: Pool;
let limit: number | undefined;
let asked: number;
let isHeld: boolean;
let now: number;
let places: Places;
let others: Places;

const placesOf = (executorId: string, limitOf?: (tenant: string) => Promise<number | undefined>): Places =>
  new Places({ pool, executorId, limitOf, isHeld: () => isHeld });
const limitOf = async (): Promise<number | undefined> => {
  asked += 1;
  return limit;
};

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 3 });
  await pool.query(`create schema if not exists dbos; create table if not exists dbos.workflow_status (
    workflow_uuid text, authenticated_user text, priority int, created_at bigint, status text, queue_name text)`);
  await pool.query(placesSchema);
});
beforeEach(async () => {
  await pool.query('truncate dbos.flowpact_place');
  limit = 8;
  asked = 0;
  isHeld = true;
  now = 1_000_000;
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  places = placesOf('me', limitOf);
  others = placesOf('other', limitOf);
});
afterEach(() => {
  jest.restoreAllMocks();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** What the database says that each process holds of the tenant. */
async function stored(tenant = 'a'): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ executor_id: string; places: number }>(
    'select executor_id, places from dbos.flowpact_place where tenant = $1 order by executor_id',
    [tenant],
  );
  return Object.fromEntries(rows.map((row) => [row.executor_id, row.places]));
}

test('a process takes no more than it has gathered, and gathers a quarter of the limit at least', async () => {
  expect(places.take('a', 1)).toBe(0);
  await places.gather('a', 1);
  expect(await stored()).toEqual({ me: 2 });
  expect([places.take('a', 1), places.take('a', 5), places.take('a', 1)]).toEqual([1, 1, 0]);
  await places.gather('a', 5);
  expect(await stored()).toEqual({ me: 7 });
  expect(places.take('a', 9)).toBe(5);
  await places.gather('a', 9);
  expect(await stored()).toEqual({ me: 8 });
  expect(places.take('a', 9)).toBe(1);
});

test('a quarter of the limit is rounded up', async () => {
  limit = 5;
  await places.gather('a', 1);
  expect(await stored()).toEqual({ me: 2 });
});

test('together the processes hold no more than the limit', async () => {
  await places.gather('a', 6);
  await others.gather('a', 6);
  expect(await stored()).toEqual({ me: 6, other: 2 });
  expect([others.take('a', 6), others.take('a', 1)]).toEqual([2, 0]);
  await others.gather('a', 1);
  expect(others.take('a', 1)).toBe(0);
});

test('a limit that sinks below what others hold leaves nothing, and no row', async () => {
  await others.gather('a', 6);
  limit = 3;
  await places.gather('a', 1);
  expect(await stored()).toEqual({ other: 6 });
  expect(places.take('a', 1)).toBe(0);
});

test('what is given can be taken again', async () => {
  await places.gather('a', 2);
  expect(places.take('a', 2)).toBe(2);
  places.give('a', 1);
  expect([places.take('a', 2), places.take('a', 1)]).toEqual([1, 0]);
});

test('what is free goes back to all, what is used stays', async () => {
  await places.gather('a', 6);
  expect(places.take('a', 2)).toBe(2);
  await places.release('a');
  expect(await stored()).toEqual({ me: 2 });
  expect(places.take('a', 1)).toBe(0);
  const connect = jest.spyOn(pool, 'connect');
  await places.release('a');
  await places.release('unknown');
  expect(connect).not.toHaveBeenCalled();
  places.give('a', 2);
  await places.release('a');
  expect(await stored()).toEqual({});
});

test('places that nobody has used for five seconds go back, and those tenants are named', async () => {
  await places.gather('a', 2);
  await places.gather('b', 2);
  now += 5_000;
  expect(await places.releaseIdle()).toEqual([]);
  expect(places.take('b', 1)).toBe(1);
  now += 1;
  expect(await places.releaseIdle()).toEqual(['a']);
  expect([await stored('a'), await stored('b')]).toEqual([{}, { me: 2 }]);
  now += 5_001;
  expect(await places.releaseIdle()).toEqual(['b']);
  expect(await stored('b')).toEqual({ me: 1 });
  now += 10_000;
  expect(await places.releaseIdle()).toEqual([]);
});

test('a limit is believed for five seconds', async () => {
  await places.gather('a', 1);
  now += 4_999;
  await places.gather('a', 1);
  expect(asked).toBe(1);
  now += 1;
  limit = 100;
  await places.gather('a', 1);
  expect([asked, await stored()]).toEqual([2, { me: 25 }]);
});

test('a tenant without a limit has as many as it wants', async () => {
  limit = undefined;
  await places.gather('a', 1_000);
  expect(await stored()).toEqual({ me: 500_000_000 });
  expect(places.take('a', 1_000)).toBe(1_000);
});

test('runs without a tenant, and processes without limits, ask nobody', async () => {
  const connect = jest.spyOn(pool, 'connect');
  const free = placesOf('me');
  await free.gather('a', 3);
  await places.gather('', 3);
  expect([free.take('a', 3), places.take('', 3)]).toEqual([3, 3]);
  free.give('a', 3);
  places.give('', 3);
  expect(connect).not.toHaveBeenCalled();
});

test('while others may have been given its places a process takes none', async () => {
  await places.gather('a', 2);
  isHeld = false;
  expect(places.take('a', 1)).toBe(0);
  isHeld = true;
  expect(places.take('a', 1)).toBe(1);
});

test('after its lock was lost a process asks what is left to it', async () => {
  await places.gather('a', 4);
  await places.gather('b', 4);
  await pool.query("update dbos.flowpact_place set places = 1 where tenant = 'a'");
  await pool.query("delete from dbos.flowpact_place where tenant = 'b'");
  await places.recount();
  expect([places.take('a', 4), places.take('b', 4)]).toEqual([1, 0]);
});

test('when it stops it gives all back, and the others what they have', async () => {
  await places.gather('a', 2);
  await others.gather('a', 2);
  await places.stop();
  expect(await stored()).toEqual({ other: 2 });
});

test('of several changes at once one is made, and the others wait for it', async () => {
  const connect = jest.spyOn(pool, 'connect');
  await Promise.all([places.gather('a', 2), places.gather('a', 2), places.gather('a', 2)]);
  expect(connect).toHaveBeenCalledTimes(1);
  expect(places.take('a', 2)).toBe(2);
});

test('what is given back is not taken meanwhile', async () => {
  await places.gather('a', 6);
  expect(places.take('a', 2)).toBe(2);
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query("select from dbos.flowpact_place where tenant = 'a' for update");
  const releasing = places.release('a');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(places.take('a', 6)).toBe(0);
  await holder.query('rollback');
  holder.release();
  await releasing;
  expect(await stored()).toEqual({ me: 2 });
});

test('a lock that another process holds is waited for half a second; then nothing has changed, and the next try may work', async () => {
  await places.gather('a', 2);
  const holder = await pool.connect();
  await holder.query("select pg_advisory_lock(hashtextextended('a', 7413))");
  await expect(places.gather('a', 6)).rejects.toMatchObject({ code: '55P03' });
  expect(await stored()).toEqual({ me: 2 });
  await holder.query("select pg_advisory_unlock(hashtextextended('a', 7413))");
  holder.release();
  await places.gather('a', 6);
  expect(await stored()).toEqual({ me: 6 });
  expect(pool.idleCount).toBe(pool.totalCount);
});
