import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { executionRetentionDays, type Plan, plans } from '../organisation/plan.ts';
import { ExecutionRetention } from './execution-retention.ts';
import { Execution, type ExecutionStatus } from './execution.entity.ts';

const now = new Date('2026-11-22T12:00:00Z');
const day = 86_400_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await database.orm.em.fork().nativeDelete(Execution, {});
});
afterAll(() => database.drop());

async function organisation(plan: Plan): Promise<string> {
  const em = database.orm.em.fork();
  const { id } = em.create(Organisation, { id: newId('org'), name: plan, plan });
  await em.flush();
  return id;
}

async function add(organisationId: string, status: ExecutionStatus, began: number, ended?: number): Promise<string> {
  const em = database.orm.em.fork();
  const execution = Execution.create({
    organisationId,
    workflowId: newId('wf'),
    workflowVersion: 1,
    definitionHash: 'hash',
    input: {},
    metadata: {},
    trigger: {},
    startedBy: { type: 'api_key', id: 'key' },
  });
  const at = (days: number): Date => new Date(now.getTime() - days * day);
  Object.assign(execution, { status, createdAt: at(began), completedAt: ended === undefined ? null : at(ended) });
  em.persist(execution);
  await em.flush();
  await em.execute(
    `insert into execution_log (id, organisation_id, execution_id, key, level, message, created_at) values (?, ?, ?, 'a', 'info', 'a', now())`,
    [newId('log'), organisationId, execution.id],
  );
  return execution.id;
}

test('each plan keeps executions for its days after their end, and what goes on for ever', async () => {
  const kept: string[] = [];
  const removed: string[] = [];
  for (const plan of plans) {
    const id = await organisation(plan);
    const days = executionRetentionDays[plan];
    removed.push(await add(id, 'completed', days + 1, days + 0.5), await add(id, 'cancelled', days + 9, days + 2));
    kept.push(await add(id, 'completed', days - 1, days - 1), await add(id, 'failed', days + 5, days - 0.5));
    kept.push(await add(id, 'waiting', days + 100), await add(id, 'paused', days + 100));
  }
  const retention = new ExecutionRetention(database.orm);
  expect(await retention.remove(now)).toBe(removed.length);
  expect(await retention.remove(now)).toBe(0);
  const em = database.orm.em.fork();
  expect((await em.find(Execution, {})).map(({ id }) => id).toSorted()).toEqual(kept.toSorted());
  const logs = await em.execute<{ id: string }[]>('select execution_id as id from execution_log');
  expect(logs.map(({ id }) => id).toSorted()).toEqual(kept.toSorted());
});

test('a sweep goes on batch by batch until nothing is left, and ends with its signal', async () => {
  const retention = new ExecutionRetention(database.orm);
  const id = await organisation('free');
  const add501 = `insert into execution (id, organisation_id, workflow_id, workflow_version, definition_hash, status, input, metadata, trigger,
      started_by_type, started_by_id, created_at, completed_at)
    select 'exec_' || n, ?, 'wf_1', 1, 'hash', 'completed', '{}', '{}', '{}', 'api_key', 'key', ?::timestamptz, ?::timestamptz
    from generate_series(1, 501) n`;
  const em = database.orm.em.fork();
  const count = (): Promise<number> => em.count(Execution, { organisationId: id });
  await em.execute(add501, [id, new Date(0), new Date(0)]);
  await retention.sweep(AbortSignal.abort());
  expect(await count()).toBe(501);
  expect(await retention.remove()).toBe(500);
  expect(await count()).toBe(1);
  await retention.sweep(new AbortController().signal);
  expect(await count()).toBe(0);
});

test('what others are at work on is left for the next time', async () => {
  const id = await add(await organisation('free'), 'completed', 9_000, 9_000);
  const retention = new ExecutionRetention(database.orm);
  await database.orm.em.fork().transactional(async (em) => {
    await em.execute('select id from execution where id = ? for update', [id]);
    expect(await retention.remove(now)).toBe(0);
  });
  expect(await retention.remove(now)).toBe(1);
});
