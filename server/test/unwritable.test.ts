import { afterEach, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** A real server on a real PostgreSQL that takes no writes for a while. */
const within = 120_000;
let database: TestDatabase;
let server: ServerProcess;
let url: string;
let key: string;

// The first start compiles what has changed.
beforeAll(() => new ServerProcess({ PORT: 'none' }).exited, within);

afterEach(async () => {
  await server.end();
  await database.drop();
}, within);

async function start(): Promise<void> {
  database = await createTestDatabase();
  server = new ServerProcess({ DATABASE_URL: database.url, SHUTDOWN_TIMEOUT: '3' });
  url = await server.ready();
  key = /fp_live_\w+/.exec(server.stdout)![0];
}

const sql = (text: string): Promise<unknown> => database.orm.em.getConnection().execute(text);

const ask = (method: string, path: string, body?: unknown): Promise<Response> =>
  fetch(`${url}${path}`, {
    method,
    headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const json = async (response: Promise<Response>): Promise<any> =>
  ((await (await response).json()) as { data: unknown }).data;

/** Sessions keep the settings that they began with. */
const endSessions = (): Promise<unknown> =>
  sql(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`);

const databaseName = (): string => new URL(database.url).pathname.slice(1);

const nap = { id: 'nap', type: 'delay', params: { duration: '3s' } };
const after = { id: 'after', type: 'set', params: { values: { done: true } } };
const definition = { nodes: [nap, after], edges: [{ id: 'e', from: 'nap', to: 'after', port: 'default' }] };

async function beginExecution(): Promise<{ workflowId: string; executionId: string }> {
  const { id: workflowId } = await json(ask('POST', '/v1/workflows', { name: 'Nap', definition }));
  await ask('POST', `/v1/workflows/${workflowId}/publish`, {});
  const { id: executionId } = await json(ask('POST', `/v1/workflows/${workflowId}/execute`, { input: {} }));
  return { workflowId, executionId };
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
      const response = await fetch(`${url}/health/ready`);
      return response.status === 503 && response.text();
    },
    { within },
  );
  expect(ready).toMatch(reason);
}

async function expectGoesOn(executionId: string): Promise<void> {
  const ended = await until(
    async () => {
      const response = await ask('GET', `/v1/executions/${executionId}`);
      const execution = await json(Promise.resolve(response));
      return ['completed', 'failed', 'cancelled'].includes(execution?.status) && execution;
    },
    { within },
  );
  expect(ended.status).toBe('completed');
  await until(async () => (await fetch(`${url}/health/ready`)).status === 200, { within });
  expect((await ask('POST', '/v1/workflows', { name: 'New', definition })).status).toBe(201);
}

test(
  'read-only: writes answer 503, reads are answered, executions go on when it is over',
  async () => {
    await start();
    const { executionId } = await beginExecution();
    await sql(`alter database ${databaseName()} set default_transaction_read_only = on`);
    await endSessions();
    await expectReadsOnly(executionId, /read-only/);
    await sql(`set default_transaction_read_only = off`);
    await sql(`alter database ${databaseName()} reset default_transaction_read_only`).catch(async () => {
      await sql('set session characteristics as transaction read write');
      await sql(`alter database ${databaseName()} reset default_transaction_read_only`);
    });
    await endSessions();
    await expectGoesOn(executionId);
  },
  4 * within,
);

test(
  'the disk is full: writes answer 503, reads are answered, executions go on when it is over',
  async () => {
    await start();
    const { executionId } = await beginExecution();
    await sql(`create function disk_full() returns trigger language plpgsql as $$
    begin raise exception 'could not extend file "base/1/2": No space left on device' using errcode = '53100'; end $$`);
    const tables = (await sql(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'dbos')`,
    )) as { name: string }[];
    for (const { name } of tables)
      await sql(
        `create trigger disk_full before insert or update on ${name} for each statement execute function disk_full()`,
      );
    await expectReadsOnly(executionId, /disk is full/);
    for (const { name } of tables) await sql(`drop trigger disk_full on ${name}`);
    await expectGoesOn(executionId);
  },
  4 * within,
);
