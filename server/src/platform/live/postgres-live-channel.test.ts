import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { TcpGate } from '../../../test/tcp-gate.ts';
import { until } from '../../../test/until.ts';
import { PostgresLiveChannel } from './postgres-live-channel.ts';

type News = [executionId: string, ended: boolean | undefined];

let database: TestDatabase;
let here: PostgresLiveChannel;
let there: PostgresLiveChannel;
const warnings: string[] = [];
const unsubscribe: (() => void)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  const log = { warn: (message: string): void => void warnings.push(message) };
  here = new PostgresLiveChannel(database.url, log);
  there = new PostgresLiveChannel(database.url, log);
  await Promise.all([here.start(), there.start()]);
});
afterEach(async () => {
  for (const stop of unsubscribe.splice(0)) stop();
  await Promise.all([here.stop(), there.stop()]);
  warnings.length = 0;
});
afterAll(() => database.drop());

/** What is heard of the executions, in order. */
function listen(channel: PostgresLiveChannel, ...executionIds: string[]): News[] {
  const heard: News[] = [];
  for (const id of executionIds) unsubscribe.push(channel.subscribe(id, (ended) => heard.push([id, ended])));
  return heard;
}

async function endSessions(): Promise<void> {
  const end = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flowpact_live'";
  await database.orm.em.getConnection().execute(`${end} and datname = current_database()`);
}

test('listeners of this process hear at once, and once; those of others soon', async () => {
  const own = listen(here, 'a');
  const other = listen(there, 'a', 'b');
  here.publish('a', false);
  expect(own).toEqual([['a', false]]);
  await until(() => other.length > 0);
  // Whatever comes back to this process has come by then.
  there.publish('c', false);
  const last = listen(here, 'c');
  await until(() => last.length > 0);
  expect(own).toEqual([['a', false]]);
  expect(other).toEqual([['a', false]]);
});

test.each([true, false, undefined])('the other process hears what the news is: %s', async (ended) => {
  const heard = listen(there, 'a');
  here.publish('a', ended);
  await until(() => heard.length > 0);
  expect(heard).toEqual([['a', ended]]);
});

test.each<[(boolean | undefined)[], boolean | undefined]>([
  [[false, false], false],
  [[false, undefined], undefined],
  [[undefined, false], undefined],
  [[true, undefined], true],
  [[undefined, true], true],
  [[true, false], true],
])('of news in quick succession, %j, the other process hears the one that says most: %s', async (news, told) => {
  const heard = listen(there, 'a');
  for (const ended of news) here.publish('a', ended);
  await until(() => heard.length > 0);
  expect(heard).toEqual([['a', told]]);
});

test('more news than one notification holds all arrive', async () => {
  const ids = Array.from({ length: 450 }, (_, index) => `exec_${String(index).padStart(26, '0')}`);
  const heard = listen(there, ...ids);
  for (const id of ids) here.publish(id, true);
  await until(() => heard.length === ids.length);
  expect(new Set(heard.map(([id]) => id)).size).toBe(ids.length);
  expect(warnings).toEqual([]);
});

test('who has unsubscribed hears no more, and others of the same execution still do', () => {
  const first: unknown[] = [];
  const second: unknown[] = [];
  const stopFirst = here.subscribe('a', (ended) => first.push(ended));
  const stopSecond = here.subscribe('a', (ended) => second.push(ended));
  here.publish('a', false);
  stopFirst();
  here.publish('a', false);
  stopSecond();
  here.publish('a', false);
  expect([first.length, second.length]).toEqual([1, 2]);
});

test('after a lost connection everybody looks for themselves, and news arrive again', async () => {
  const own = listen(here, 'a');
  const other = listen(there, 'b');
  await endSessions();
  await until(() => own.length > 0 && other.length > 0);
  expect([own[0], other[0]]).toEqual([
    ['a', undefined],
    ['b', undefined],
  ]);
  expect(warnings).toContain('The connection for live events was lost; it is made again.');
  here.publish('b', true);
  await until(() => other.length > 1);
  expect(other.at(-1)).toEqual(['b', true]);
});

test('news of a time without a connection are told when it is back', async () => {
  const other = listen(there, 'late');
  await endSessions();
  await until(() => warnings.length >= 2);
  here.publish('late', false);
  await until(() => other.length >= 2);
  expect(other.map(([, ended]) => ended).sort()).toEqual([false, undefined]);
});

test('a channel that was stopped does not connect again', async () => {
  await here.stop();
  await there.stop();
  const count = "select count(*)::int as count from pg_stat_activity where application_name = 'flowpact_live'";
  const sessions = (): Promise<{ count: number }[]> =>
    database.orm.em.getConnection().execute(`${count} and datname = current_database()`);
  await until(async () => (await sessions())[0]!.count === 0);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await sessions()).toEqual([{ count: 0 }]);
  expect(warnings).toEqual([]);
});

test('who subscribes again after the last has left hears, and who leaves twice changes nothing for them', () => {
  const heard: unknown[] = [];
  const leave = here.subscribe('a', () => undefined);
  leave();
  const stop = here.subscribe('a', (ended) => heard.push(ended));
  leave();
  here.publish('a', true);
  stop();
  expect(heard).toEqual([true]);
});

test('news that were published before a stop reach the others', async () => {
  const other = listen(there, 'a');
  here.publish('a', true);
  await here.stop();
  await until(() => other.length > 0);
  expect(other).toEqual([['a', true]]);
});

test('of a time without a connection news of so many executions are kept, the gravest of each, and no more', async () => {
  const kept = new PostgresLiveChannel(database.url, { warn: () => undefined }, { maxKeptNews: 2 });
  const other = listen(there, 'a', 'b', 'c', 'd');
  for (const [id, ended] of [['a', false], ['b', false], ['c', true], ['a', true]] as const) kept.publish(id, ended); // prettier-ignore
  // Nothing is sent until there is a connection.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(other).toEqual([]);
  await kept.start();
  kept.publish('b', false);
  await until(() => other.length >= 2);
  kept.publish('d', true);
  await until(() => other.length >= 3);
  await kept.stop();
  expect(other).toEqual([
    ['a', true],
    ['b', false],
    ['d', true],
  ]);
});

describe('behind a door', () => {
  let gate: TcpGate;
  let behind: PostgresLiveChannel;
  let told: string[];

  beforeEach(async () => {
    const { hostname, port } = new URL(database.url);
    gate = new TcpGate({ host: hostname, port: Number(port) });
    await gate.open();
    const url = new URL(database.url);
    Object.assign(url, { hostname: '127.0.0.1', port: String(gate.port) });
    told = [];
    behind = new PostgresLiveChannel(url.href, { warn: (message) => void told.push(message) });
  });
  afterEach(async () => {
    await behind.stop();
    await gate.shut();
  });

  test('a start without a database fails, and can be repeated', async () => {
    await gate.shut();
    await expect(behind.start()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await gate.open();
    await behind.start();
    const heard = listen(behind, 'a');
    there.publish('a', true);
    await until(() => heard.length > 0);
    expect(told).toEqual([]);
  });

  test('a connection that cannot be made again at once is tried again until it can; nothing of that time is lost', async () => {
    await behind.start();
    const own = listen(behind, 'a');
    const other = listen(there, 'b');
    await gate.shut();
    await until(() => told.length > 0);
    behind.publish('b', true);
    // More than two attempts.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect([own, other]).toEqual([[], []]);
    await gate.open();
    await until(() => own.length > 0 && other.length > 0);
    expect([own, other]).toEqual([[['a', undefined]], [['b', true]]]);
    expect(told).toEqual(['The connection for live events was lost; it is made again.']);
  });

  test('a channel that is stopped without a connection makes none any more', async () => {
    await behind.start();
    const own = listen(behind, 'a');
    await gate.shut();
    await until(() => told.length > 0);
    await behind.stop();
    await gate.open();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(own).toEqual([]);
  });
});
