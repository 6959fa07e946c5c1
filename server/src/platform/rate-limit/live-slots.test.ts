import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import { createOrm } from '../database/orm.ts';
import { type LiveSlot, LiveSlots } from './live-slots.ts';

let database: TestDatabase;
let other: MikroORM;
beforeAll(async () => {
  database = await createTestDatabase();
  other = await createOrm({ url: database.url });
});
afterEach(() => database.orm.em.getConnection().execute('truncate live_connection_count'));
afterAll(async () => {
  await other.close();
  await database.drop();
});

const free = { organisationId: 'org_free', plan: 'free' } as const;

/** As many as there are, up to fifteen. */
async function takeAll(...processes: LiveSlots[]): Promise<LiveSlot[]> {
  const taken = await Promise.all(Array.from({ length: 15 }, (_, i) => processes[i % processes.length]!.take(free)));
  return taken.filter((slot) => slot !== undefined);
}

async function openIn(organisationId = free.organisationId): Promise<number> {
  const [row] = await database.orm.em.getConnection().execute<{ open: string | null }[]>(
    `select sum((value->>'open')::int) as open from live_connection_count, jsonb_each(processes)
       where organisation_id = ?`,
    [organisationId],
  );
  return Number(row?.open ?? 0);
}

test('of many that come at once to two processes so many get one as the plan has', async () => {
  const [one, two] = [new LiveSlots(database.orm), new LiveSlots(other)];
  expect(await takeAll(one, two)).toHaveLength(10);
  expect(await one.take(free)).toBeUndefined();
  expect(await two.take({ organisationId: 'org_other', plan: 'free' })).toBeDefined();
});

test('what is given back in one process is there for the other, once', async () => {
  const [one, two] = [new LiveSlots(database.orm), new LiveSlots(other)];
  const slots = await takeAll(one);
  expect(await two.take(free)).toBeUndefined();
  slots[0]!.release();
  slots[0]!.release();
  await until(async () => (await openIn()) === 9);
  expect(await two.take(free)).toBeDefined();
  expect(await two.take(free)).toBeUndefined();
});

test('what comes and goes at once is counted right', async () => {
  const [one, two] = [new LiveSlots(database.orm), new LiveSlots(other)];
  for (let round = 0; round < 10; round++) {
    const slots = await takeAll(one, two);
    expect(slots).toHaveLength(10);
    const again = slots.map((slot, i) => {
      slot.release();
      return [one, two][i % 2]!.take(free);
    });
    for (const slot of await Promise.all(again)) slot?.release();
    await until(async () => (await openIn()) === 0);
  }
});

test('a process that says no more does not count after its lease', async () => {
  const [dead, alive] = [new LiveSlots(database.orm), new LiveSlots(other)];
  await takeAll(dead);
  expect(await alive.take(free)).toBeUndefined();
  const past = `update live_connection_count set processes = (select jsonb_object_agg(key, value || '{"until": 1}')
    from jsonb_each(processes))`;
  await database.orm.em.getConnection().execute(past);
  expect(await alive.take(free)).toBeDefined();
  expect(await openIn()).toBe(1);
});

test('a process that is there says so, also after PostgreSQL has lost all', async () => {
  const [one, two] = [new LiveSlots(database.orm), new LiveSlots(other)];
  await takeAll(one);
  const untilOf = async (): Promise<number> => {
    const [row] = await database.orm.em
      .getConnection()
      .execute<{ until: string }[]>(
        `select value->>'until' as until from live_connection_count, jsonb_each(processes)`,
      );
    return Number(row!.until);
  };
  const before = await untilOf();
  await one.renew();
  expect(await untilOf()).toBeGreaterThan(before);
  await database.orm.em.getConnection().execute('truncate live_connection_count');
  await one.renew();
  expect(await two.take(free)).toBeUndefined();
});
