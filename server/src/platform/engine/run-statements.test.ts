import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { createEmptyDatabase } from '../../../test/database.ts';
import { until } from '../../../test/until.ts';
import { createEngineSchema, newestEngineSchema } from './engine-schema.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { cancelChannel, cancelRuns, countQueued, endedOf, requeueOf } from './run-statements.ts';
import { insertRuns, type Submission } from './submission.ts';
import type { RunStatement } from './transaction-client.ts';

let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
let client: Client;

beforeAll(async () => {
  database = await createEmptyDatabase();
  client = new Client({ connectionString: database.url });
  await client.connect();
  await createEngineSchema(client, newestEngineSchema);
});
afterEach(() => client.query('delete from dbos.workflow_status'));
afterAll(async () => {
  await client.end();
  await database.drop();
});

const add = (id: string, status: string, more: { executor?: string; queue?: string } = {}): Promise<unknown> =>
  client.query(
    `insert into dbos.workflow_status (workflow_uuid, status, name, executor_id, queue_name, owner_xid, started_at_epoch_ms, recovery_attempts)
     values ($1, $2, 'graph@1', $3, $4, 'token', 5, 7)`,
    [id, status, more.executor ?? 'own', more.queue ?? null],
  );
const row = async (id: string): Promise<Record<string, unknown>> =>
  (await client.query<Record<string, unknown>>('select * from dbos.workflow_status where workflow_uuid = $1', [id]))
    .rows[0]!;

const all = ['PENDING', 'ENQUEUED', 'DELAYED', 'SUCCESS', 'ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'];

test('what has not ended is cancelled, and its process hears of it with the commit', async () => {
  for (const status of [...all, 'other']) await add(status, status === 'other' ? 'PENDING' : status, { queue: 'q' });
  const heard: (string | undefined)[] = [];
  client.on('notification', ({ payload }) => heard.push(payload));
  await client.query(`listen ${cancelChannel}`);
  await client.query('begin');
  await cancelRuns(client, all);
  await client.query('select 1');
  expect(heard).toEqual([]);
  await client.query('commit');
  await until(() => heard.length === 3);
  expect(heard.toSorted()).toEqual(['DELAYED', 'ENQUEUED', 'PENDING']);
  for (const id of ['PENDING', 'ENQUEUED', 'DELAYED']) {
    const { status, owner_xid: token, queue_name: queue, started_at_epoch_ms: began, completed_at: at } = await row(id);
    expect({ status, token, queue, began }).toEqual({ status: 'CANCELLED', token: null, queue: null, began: null });
    expect(Math.abs(Number(at) - Date.now())).toBeLessThan(60_000);
  }
  for (const id of ['SUCCESS', 'ERROR', 'other'])
    expect(await row(id)).toMatchObject({ owner_xid: 'token', completed_at: null });
  await client.query(`unlisten ${cancelChannel}`);
});

test('only runs at work that are the process’s own go back to the queue, as new as at first', async () => {
  for (const status of all) await add(status, status);
  await add('foreign', 'PENDING', { executor: 'other' });
  await add('unasked', 'PENDING');
  await client.query(...requeueOf([...all, 'foreign'], 'own'));
  expect(await row('PENDING')).toMatchObject({
    status: 'ENQUEUED',
    queue_name: 'executions',
    owner_xid: null,
    started_at_epoch_ms: null,
    recovery_attempts: '0',
  });
  for (const id of [...all.slice(1), 'foreign', 'unasked']) expect(await row(id)).toMatchObject({ owner_xid: 'token' });
});

test('what has ended, or is not known, is told apart from what has not', async () => {
  for (const status of all) await add(status, status);
  expect((await endedOf(client, [...all, 'unknown'])).toSorted()).toEqual([...all.slice(3), 'unknown'].toSorted());
  expect(await endedOf(client, ['PENDING'])).toEqual([]);
  expect(await endedOf(client, [])).toEqual([]);
});

test('runs that wait in either queue are counted, others are not', async () => {
  expect(await countQueued(client)).toBe(0);
  await add('a', 'ENQUEUED', { queue: 'executions' });
  await add('b', 'ENQUEUED', { queue: 'executions_of_limited_groups' });
  await add('c', 'ENQUEUED', { queue: 'other' });
  await add('d', 'PENDING', { queue: 'executions' });
  expect(await countQueued(client)).toBe(2);
});

const run: RunStatement = async (statement, values) => (await client.query(statement.text, values)).rows as never;
const submission = (id: string, status: 'PENDING' | 'ENQUEUED', more: object = {}): Submission => ({
  token: `token-${id}`,
  input: null,
  status: {
    workflowUUID: id,
    status,
    workflowName: 'graph@1',
    queueName: 'executions',
    executorId: 'own',
    authenticatedUser: 'org_1',
    applicationVersion: 'v',
    applicationID: 'id',
    input: `["${id}"]`,
    serialization: 'json',
    ...more,
  } as unknown as Submission['status'],
});

test('runs are stored with their inputs; one that was there before stays as it is, and is told apart', async () => {
  const limited = { queuePartitionKey: 'group', attributes: { concurrency: 2 } };
  const first = await insertRuns(run, [submission('a', 'PENDING'), submission('b', 'ENQUEUED', limited)], undefined);
  expect(first).toEqual(new Set(['a', 'b']));
  // What this process begins itself is its own, as often as it was begun; what waits is nobody's.
  expect(await row('a')).toMatchObject({ owner_xid: 'token-a', recovery_attempts: '1', authenticated_user: 'org_1' });
  expect(await row('b')).toMatchObject({
    owner_xid: null,
    recovery_attempts: '0',
    queue_partition_key: 'group',
    attributes: { concurrency: 2 },
  });
  const again = await insertRuns(
    run,
    [submission('a', 'PENDING', { input: '["other"]' }), submission('c', 'ENQUEUED')],
    undefined,
  );
  expect(again).toEqual(new Set(['c']));
  const { rows } = await client.query('select workflow_uuid as id, inputs from dbos.workflow_input order by 1');
  expect(rows).toEqual(['a', 'b', 'c'].map((id) => ({ id, inputs: `["${id}"]` })));
});

test('work goes on in one process at a time, and whoever waits goes on when the other has ended or failed', async () => {
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = oneAtATime(database.url, 5, async () => {
    order.push('one');
    await first.promise;
    throw new Error('failed');
  });
  one.catch(() => undefined);
  await until(() => order.length === 1);
  const two = oneAtATime(database.url, 5, async () => order.push('two'));
  expect(await oneAtATime(database.url, 6, async () => order.push('elsewhere'))).toBe(2);
  expect(order).toEqual(['one', 'elsewhere']);
  first.resolve();
  await expect(one).rejects.toThrow('failed');
  expect(await two).toBe(3);
});
