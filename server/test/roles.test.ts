import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from './app.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-roles-'));
let api: TestServer;
let worker: ServerProcess | undefined;

beforeAll(async () => {
  api = await startTestServer({ settings: { FLOWPACT_ROLE: 'api' } });
});
afterAll(async () => {
  await worker?.end();
  await api?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function ask(path: string, body?: unknown): Promise<{ status: number; data: Record<string, unknown> }> {
  const response = await fetch(`${api.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'x-api-key': api.admin.apiKey,
      ...(body !== undefined && { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, data: ((await response.json()) as { data: Record<string, unknown> }).data };
}

test('a process that serves the API accepts executions and runs none; a worker runs them and serves no API', async () => {
  const nodes = [{ id: 'answer', type: 'set', params: { values: { n: 42 } } }];
  const workflow = await ask('/v1/workflows', { name: 'Answer', definition: { nodes, edges: [] } });
  const id = String(workflow.data.id);
  await ask(`/v1/workflows/${id}/publish`, {});
  const started = await ask(`/v1/workflows/${id}/execute?wait=1s`, { input: {} });
  expect(started).toMatchObject({ status: 202, data: { status: 'pending' } });

  worker = new ServerProcess({
    DATABASE_URL: api.database.url,
    FLOWPACT_ROLE: 'worker',
    FLOWPACT_DATA_DIR: dataDir,
    METRICS_PORT: '0',
  });
  const url = await worker.ready();
  const path = `/v1/executions/${String(started.data.id)}`;
  await until(async () => (await ask(path)).data.status === 'completed');

  const statuses = ['/health/ready', '/v1/monitoring/health', '/metrics', '/v1/workflows', '/docs'].map(
    async (asked) => [asked, (await fetch(`${url}${asked}`, { headers: { 'x-api-key': api.admin.apiKey } })).status],
  );
  expect(Object.fromEntries(await Promise.all(statuses))).toEqual({
    '/health/ready': 200,
    '/v1/monitoring/health': 200,
    '/metrics': 404,
    '/v1/workflows': 404,
    '/docs': 404,
  });
  const metrics = /Metrics +(\S+)/.exec(worker.stdout)?.[1] ?? '';
  expect(await (await fetch(metrics)).text()).toContain(
    'flowpact_execution_duration_seconds_count{status="completed"} 1',
  );
});
