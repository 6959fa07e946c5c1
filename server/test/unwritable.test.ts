import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** A real server on a real PostgreSQL that takes no writes for a while. */
const within = 60_000;
jest.setTimeout(4 * within);

let database: TestDatabase;
let server: ServerProcess;
let url: string;
let key: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = new ServerProcess({ DATABASE_URL: database.url, SHUTDOWN_TIMEOUT: '3' });
  url = await server.ready();
  key = /fp_live_\w+/.exec(server.stdout)![0];
  await makeDiskFull();
});

afterAll(async () => {
  await server?.end();
  await database?.drop();
});

const sql = (text: string): Promise<unknown> => database.orm.em.getConnection().execute(text);

const ask = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${url}${path}`, {
    method,
    // Rather than for ever, when no answer comes.
    signal: AbortSignal.timeout(within),
    headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const readiness = (): Promise<Response> => fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(within) });

const json = async (response: Promise<Response>): Promise<{ id: string; status?: string }> =>
  ((await (await response).json()) as { data: { id: string; status?: string } }).data;

/** Sessions keep the settings that they began with. */
const endSessions = (): Promise<unknown> =>
  sql(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`);

const databaseName = (): string => new URL(database.url).pathname.slice(1);

/**
 * Every table refuses writes as a full disk does, for as long as `disk_is_full` has a row. The triggers are made while nothing
 * goes on: making one waits for the transactions on its table, and whoever comes later waits behind it.
 */
async function makeDiskFull(): Promise<void> {
  const tables = (await sql(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'dbos')`,
  )) as { name: string }[];
  await sql('create table disk_is_full (it boolean)');
  await sql(`create function disk_full() returns trigger language plpgsql as $$
    begin
      if exists (select from public.disk_is_full) then
        raise exception 'could not extend file "base/1/2": No space left on device' using errcode = '53100';
      end if;
      return null;
    end $$`);
  for (const { name } of tables)
    await sql(
      `create trigger disk_full before insert or update on ${name} for each statement execute function disk_full()`,
    );
}

const nap = { id: 'nap', type: 'delay', params: { duration: '3s' } };
const after = { id: 'after', type: 'set', params: { values: { done: true } } };
const definition = { nodes: [nap, after], edges: [{ id: 'e', from: 'nap', to: 'after', port: 'default' }] };

async function beginExecution(): Promise<string> {
  const { id: workflowId } = await json(ask('POST', '/v1/workflows', { name: 'Nap', definition }));
  await ask('POST', `/v1/workflows/${workflowId}/publish`, {});
  const { id: executionId } = await json(ask('POST', `/v1/workflows/${workflowId}/execute`, { input: {} }));
  return executionId;
}

/** While it lasts: writes are refused so that clients come back, reads are answered, and readiness says why. */
async function expectReadsOnly(executionId: string, reason: RegExp): Promise<void> {
  await until(async () => (await ask('GET', '/v1/workflows')).status === 200, { within });
  const refused = await until(
    async () => {
      const response = await ask('POST', '/v1/workflows', { name: 'New', definition });
      return response.status === 503 && response;
    },
    { within },
  );
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await refused.json()).toMatchObject({ error: { code: 'service_unavailable' } });
  expect((await ask('GET', `/v1/executions/${executionId}`)).status).toBe(200);
  expect((await ask('GET', `/v1/executions/${executionId}`)).headers.get('x-ratelimit-limit')).not.toBeNull();
  const ready = await until(
    async () => {
      const response = await readiness();
      return response.status === 503 && response.text();
    },
    { within },
  );
  expect(ready).toMatch(reason);
}

/** What was begun before ends well, and writes are taken again. */
async function expectGoesOn(executionId: string): Promise<void> {
  const ended = await until(
    async () => {
      const response = await ask('GET', `/v1/executions/${executionId}`);
      // It may be asked for a moment before the server has connections again.
      const execution = response.ok ? await json(Promise.resolve(response)) : undefined;
      return ['completed', 'failed', 'cancelled'].includes(execution?.status ?? '') && execution;
    },
    { within },
  );
  expect(ended.status).toBe('completed');
  await until(async () => (await ask('POST', '/v1/workflows', { name: 'New', definition })).status === 201, { within });
}

test('read-only: writes answer 503, reads are answered, executions go on when it is over', async () => {
  const executionId = await beginExecution();
  await sql(`alter database ${databaseName()} set default_transaction_read_only = on`);
  await endSessions();
  await expectReadsOnly(executionId, /read-only/);
  await sql(`begin read write; alter database ${databaseName()} reset default_transaction_read_only; commit`);
  await endSessions();
  await expectGoesOn(executionId);
});

test('the disk is full: writes answer 503, reads are answered, executions go on when it is over', async () => {
  const executionId = await beginExecution();
  await sql('insert into disk_is_full values (true)');
  await expectReadsOnly(executionId, /disk is full/);
  await sql('delete from disk_is_full');
  await expectGoesOn(executionId);
  await until(async () => (await readiness()).status === 200, { within });
});
