import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { Client } from 'pg';
import { createEmptyDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import { createEngineSchema, newestEngineSchema } from './engine-schema.ts';
import { ExecutorLock, type ExecutorLockListener } from './executor-lock.ts';

let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
let admin: Client;
const locks: ExecutorLock[] = [];
const heard: string[] = [];
const warnings: string[] = [];
let ticks: number;
let retaken: number;
let onTick: ExecutorLockListener['tick'];

beforeAll(async () => {
  database = await createEmptyDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  await createEngineSchema(admin, newestEngineSchema);
});
beforeEach(() => {
  [ticks, retaken] = [0, 0];
  heard.length = 0;
  warnings.length = 0;
  onTick = async (query) => void (await query('select 1', []));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(locks.splice(0).map((lock) => lock.stop()));
  await admin.query('delete from dbos.workflow_status');
  await admin.query('delete from dbos.flowpact_place');
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

function newLock(id: string, standstill = 30_000, channels: readonly string[] = []): ExecutorLock {
  const lock = new ExecutorLock(database.url, id, standstill, channels, {
    tick: async (query) => {
      await onTick(query);
      ticks += 1;
    },
    heard: (channel, payload) => void heard.push(`${channel} ${payload}`),
    retaken: async () => void (retaken += 1),
    warn: (message) => void warnings.push(message),
  });
  locks.push(lock);
  return lock;
}

const addRun = (id: string, status: string, executorId: string): Promise<unknown> =>
  admin.query(
    `insert into dbos.workflow_status (workflow_uuid, status, name, executor_id, owner_xid, started_at_epoch_ms)
     values ($1, $2, 'graph@1', $3, 'token', 5)`,
    [id, status, executorId],
  );
const addPlace = (executorId: string): Promise<unknown> =>
  admin.query(`insert into dbos.flowpact_place (tenant, executor_id, places) values ('org_1', $1, 3)`, [executorId]);
const runs = async (): Promise<unknown[]> =>
  (
    await admin.query(
      `select workflow_uuid as id, status, owner_xid as token, started_at_epoch_ms as started from dbos.workflow_status order by 1`,
    )
  ).rows;
const places = async (): Promise<string[]> =>
  (await admin.query<{ id: string }>('select executor_id as id from dbos.flowpact_place order by 1')).rows.map(
    ({ id }) => id,
  );
const isFree = async (executorId: string): Promise<boolean> => {
  const lock = `hashtextextended($1, 7411)`;
  const { rows } = await admin.query<{ free: boolean }>(`select pg_try_advisory_lock(${lock}) as free`, [executorId]);
  if (rows[0]!.free) await admin.query(`select pg_advisory_unlock(${lock})`, [executorId]);
  return rows[0]!.free;
};
const endSession = (id: string): Promise<unknown> =>
  admin.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
    `flowpact_executor_${id}`,
  ]);

test('what a dead process ran goes back to the queue and its places are free; what the living run stays', async () => {
  await newLock('living').take();
  await addRun('dead-1', 'PENDING', 'dead');
  await addRun('ended-1', 'SUCCESS', 'dead');
  await addRun('living-1', 'PENDING', 'living');
  await addRun('own-1', 'PENDING', 'own');
  for (const id of ['dead', 'gone', 'living', 'own']) await addPlace(id);
  const lock = newLock('own');
  await lock.take();
  lock.watch();
  await until(async () => (await places()).length === 2);
  expect(await places()).toEqual(['living', 'own']);
  expect(await runs()).toEqual([
    { id: 'dead-1', status: 'ENQUEUED', token: null, started: null },
    { id: 'ended-1', status: 'SUCCESS', token: 'token', started: '5' },
    { id: 'living-1', status: 'PENDING', token: 'token', started: '5' },
    { id: 'own-1', status: 'PENDING', token: 'token', started: '5' },
  ]);
  // The lock of the dead is not kept: somebody may come back under its name.
  await until(() => isFree('dead'), { within: 5_000 });
  expect(warnings).toEqual([]);
});

test('a process that was taken for dead, however much it ran, can take its lock again', async () => {
  for (const id of ['r1', 'r2', 'r3']) await addRun(id, 'PENDING', 'dead');
  await addPlace('dead');
  const lock = newLock('own');
  await lock.take();
  lock.watch();
  await until(async () => (await places()).length === 0);
  await until(() => isFree('dead'), { within: 5_000 });
  await newLock('dead').take();
});

test('one whose runs cannot be taken over keeps no other from it, is told of, and its lock is free', async () => {
  await admin.query(
    `create function dbos.refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`,
  );
  await admin.query(
    `create trigger refuse before update on dbos.workflow_status for each row when (old.executor_id = 'a-bad') execute function dbos.refuse()`,
  );
  const ids = ['a-bad', ...Array.from({ length: 8 }, (_, index) => `good-${index}`)];
  try {
    for (const id of ids) await addRun(id, 'PENDING', id);
    const lock = newLock('own');
    await lock.take();
    lock.watch();
    const taken = (run: unknown): boolean => (run as { status: string }).status === 'ENQUEUED';
    await until(async () => (await runs()).filter(taken).length === 8);
    for (const id of ids) await until(() => isFree(id), { within: 5_000 });
    expect(warnings).toEqual(['Looking after the runs failed; it is tried again.']);
  } finally {
    await admin.query('drop trigger refuse on dbos.workflow_status');
    await admin.query('drop function dbos.refuse');
  }
});

test('runs that the standing process has locked are left for a later look', async () => {
  await addRun('locked', 'PENDING', 'dead');
  await addRun('other', 'PENDING', 'dead');
  await admin.query('begin');
  await admin.query(`select from dbos.workflow_status where workflow_uuid = 'locked' for update`);
  const lock = newLock('own');
  await lock.take();
  lock.watch();
  const watcher = new Client({ connectionString: database.url });
  await watcher.connect();
  const statusOf = async (id: string): Promise<string> =>
    (await watcher.query<{ status: string }>('select status from dbos.workflow_status where workflow_uuid = $1', [id]))
      .rows[0]!.status;
  await until(async () => (await statusOf('other')) === 'ENQUEUED');
  expect(await statusOf('locked')).toBe('PENDING');
  await admin.query('commit');
  await until(async () => (await statusOf('locked')) === 'ENQUEUED');
  await watcher.end();
});

test('news of the channels are heard, those without words are not', async () => {
  await newLock('own', 30_000, ['one', 'two']).take();
  await admin.query(
    `select pg_notify('one', 'a'), pg_notify('three', 'b'), pg_notify('two', ''), pg_notify('two', 'c')`,
  );
  await until(() => heard.length === 2);
  expect(heard).toEqual(['one a', 'two c']);
});

test('a lock that is given back is free at once, and is not looked after any more', async () => {
  const lock = newLock('own');
  expect(lock.isHeld).toBe(false);
  await lock.take();
  expect(await isFree('own')).toBe(false);
  lock.watch();
  await until(() => ticks > 0);
  await lock.stop();
  expect(lock.isHeld).toBe(false);
  await until(() => isFree('own'));
  const before = ticks;
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(ticks).toBe(before);
  expect(warnings).toEqual([]);
});

test('a lock counts as held for 70 % of the standstill after its last answer, by both clocks', async () => {
  const lock = newLock('own', 10_000);
  await lock.take();
  const [clock, monotonic] = [Date.now(), performance.now()];
  const passed = (byClock: number, byMonotonic: number): boolean => {
    jest.spyOn(Date, 'now').mockReturnValue(clock + byClock);
    jest.spyOn(performance, 'now').mockReturnValue(monotonic + byMonotonic);
    return lock.isHeld;
  };
  expect(passed(0, 0)).toBe(true);
  // Generous by what the taking took.
  expect(passed(6_000, 6_000)).toBe(true);
  expect(passed(7_000, 0)).toBe(false);
  expect(passed(0, 7_000)).toBe(false);
  // A clock that was set back says nothing either.
  expect(passed(-7_100, 0)).toBe(false);
});

test('each answer of the session lets the lock count as held anew', async () => {
  const lock = newLock('own', 10_000);
  await lock.take();
  const clock = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(clock + 8_000);
  expect(lock.isHeld).toBe(false);
  lock.watch();
  await until(() => lock.isHeld);
});

test('a database that does not answer the look is told of once, and once more after it was back', async () => {
  const lock = newLock('own');
  await lock.take();
  let failures = 0;
  onTick = async () => {
    failures += 1;
    throw new Error('no');
  };
  lock.watch();
  await until(() => failures >= 2);
  expect(warnings).toEqual(['Looking after the runs failed; it is tried again.']);
  onTick = async () => undefined;
  await until(() => ticks > 0);
  onTick = async () => {
    throw new Error('no');
  };
  await until(() => warnings.length === 2);
});

test('a lost lock is taken again, and others get three seconds to do the same before theirs counts as free', async () => {
  await addRun('dead-1', 'PENDING', 'dead');
  // Nothing is taken over before.
  onTick = () => new Promise(() => undefined);
  const lock = newLock('own');
  await lock.take();
  await endSession('own');
  await until(() => !lock.isHeld);
  onTick = async (query) => void (await query('select 1', []));
  expect(warnings).toEqual(['The connection that holds the executor lock was lost; it is taken again.']);
  const since = Date.now();
  lock.watch();
  await until(() => ticks > 1);
  expect([retaken, lock.isHeld, await isFree('own')]).toEqual([1, true, false]);
  await until(async () => (await runs()).some((run) => (run as { status: string }).status === 'ENQUEUED'));
  expect(Date.now() - since).toBeGreaterThanOrEqual(2_900);
});

test('a lock that somebody holds is waited for', async () => {
  await admin.query('select pg_advisory_lock(hashtextextended($1, 7411))', ['own']);
  const lock = newLock('own');
  const taking = lock.take();
  await until(
    async () =>
      (
        await admin.query(
          `select from pg_stat_activity where application_name = 'flowpact_executor_own' and wait_event_type = 'Lock'`,
        )
      ).rowCount === 1,
  );
  expect(lock.isHeld).toBe(false);
  await admin.query('select pg_advisory_unlock(hashtextextended($1, 7411))', ['own']);
  await taking;
  expect(lock.isHeld).toBe(true);
});

test('a session that does nothing for as long as the standstill is ended, which frees its lock', async () => {
  const lock = newLock('own', 300);
  await lock.take();
  await until(() => isFree('own'));
  await until(() => !lock.isHeld);
});

test('a lock that cannot be taken leaves no session behind', async () => {
  const lock = newLock('own', 30_000, ['no channel; select 1/0']);
  await expect(lock.take()).rejects.toThrow();
  expect(lock.isHeld).toBe(false);
  await until(
    async () =>
      (await admin.query(`select from pg_stat_activity where application_name = 'flowpact_executor_own'`)).rowCount ===
      0,
  );
});
