import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { DbosEngine } from './dbos-engine.ts';
import { until } from '../../../test/until.ts';

let database: TestDatabase;
let engine: DbosEngine;
const seen: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  engine = await startEngine();
});
afterEach(() => {
  seen.length = 0;
});
afterAll(async () => {
  await engine.stop(0);
  await database.drop();
});

async function startEngine(): Promise<DbosEngine> {
  const next = new DbosEngine({ orm: database.orm, url: database.url, concurrency: 2 });
  next.register('work@1', async (run, input) => {
    await run.step('work', async (signal) => {
      seen.push(`begin ${run.runId}`);
      await sleep((input as { ms: number }).ms, undefined, { signal }).catch(() => undefined);
      seen.push(`end ${run.runId}`);
    });
  });
  next.register('rest@1', async (run) => {
    const until = await run.step('before', async () => Date.now() + 500);
    seen.push(`rest ${run.runId}`);
    if (Date.now() < until) await run.suspendUntil(until);
    await run.step('after', async () => seen.push(`rested ${run.runId}`));
  });
  await next.start();
  return next;
}

async function submit(runId: string, ms: number, group: { id: string; concurrency?: number }): Promise<void> {
  const body = runId.startsWith('rest') ? 'rest@1' : 'work@1';
  await database.orm.em.fork().transactional((em) => engine.submit([{ runId, body, input: { ms }, group }], em));
}

test('a run that rests is not active, and waits for a place before it goes on', async () => {
  const group = { id: 'resting', concurrency: 1 };
  await submit('rest1', 0, group);
  await until(() => seen.includes('rest rest1'));
  await submit('b1', 2_500, group);
  await until(() => seen.includes('begin b1'));
  await submit('b2', 1, group);
  await until(() => seen.includes('end b2'));
  expect(seen.filter((entry) => entry !== 'rest rest1')).toEqual([
    'begin b1',
    'end b1',
    'rested rest1',
    'begin b2',
    'end b2',
  ]);
});

test('nobody overtakes one that asks for fewer', async () => {
  await submit('c1', 300, { id: 'versions' });
  await until(() => seen.includes('begin c1'));
  await submit('c2', 1, { id: 'versions', concurrency: 1 });
  await submit('c3', 1, { id: 'versions', concurrency: 5 });
  await until(() => seen.includes('end c2') && seen.includes('end c3'));
  expect(seen.slice(0, 2)).toEqual(['begin c1', 'end c1']);
});

test('those that wait do so through a stop, and one that was at work keeps its place', async () => {
  const group = { id: 'stopped', concurrency: 1 };
  await submit('d1', 1_000, group);
  await submit('d2', 1, group);
  await until(() => seen.includes('begin d1'));
  await engine.stop(0);
  seen.length = 0;
  engine = await startEngine();
  await until(() => seen.includes('end d2'));
  expect(seen.filter((entry) => entry.startsWith('begin'))).toEqual(['begin d1', 'begin d2']);
});

test('a process without room leaves what it lets in to the queue', async () => {
  await submit('e1', 700, { id: 'other' });
  await submit('e2', 700, { id: 'other' });
  for (let i = 3; i <= 5; i++) await submit(`e${i}`, 1, { id: 'full', concurrency: 10 });
  await until(() => seen.filter((entry) => entry.startsWith('end')).length === 5);
  const first = seen.findIndex((entry) => entry.startsWith('end'));
  expect(seen.slice(0, first).toSorted()).toEqual(['begin e1', 'begin e2']);
});

test('a group whose lock another process holds for long is looked at again, and so are the others', async () => {
  const holder = new Client({ connectionString: database.url });
  await holder.connect();
  await holder.query("select pg_advisory_lock(hashtextextended('held', 7412))");
  await submit('f1', 1, { id: 'held', concurrency: 1 });
  const timedOut = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
  await until(async () => (await holder.query(timedOut)).rowCount !== 0);
  await until(async () => (await holder.query(timedOut)).rowCount === 0);
  await submit('f2', 1, { id: 'free', concurrency: 1 });
  await until(() => seen.includes('end f2'));
  expect(seen).not.toContain('begin f1');
  await holder.end();
  await until(() => seen.includes('end f1'));
});
