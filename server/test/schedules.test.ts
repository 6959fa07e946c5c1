import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from './app.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

const dataDirs = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'flowpact-schedules-')));
let server: TestServer;
let others: ServerProcess[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const environment = { DATABASE_URL: server.database.url, FLOWPACT_ROLE: 'worker' };
  others = dataDirs.map((FLOWPACT_DATA_DIR) => new ServerProcess({ ...environment, FLOWPACT_DATA_DIR }));
  await Promise.all(others.map((other) => other.ready()));
});
afterAll(async () => {
  await Promise.all(others.map((other) => other.end()));
  await server?.close();
  for (const folder of dataDirs) rmSync(folder, { recursive: true, force: true });
});

async function post(path: string, body: unknown): Promise<{ id: string }> {
  const headers = { 'x-api-key': server.admin.apiKey, 'content-type': 'application/json' };
  const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return ((await response.json()) as { data: { id: string } }).data;
}

test('three processes, one of them killed: every second of a schedule starts one execution', async () => {
  const nodes = [{ id: 'say', type: 'set', params: { values: { at: '{{ trigger.scheduled_at }}' } } }];
  const { id: workflow_id } = await post('/v1/workflows', { name: 'Tick', definition: { nodes, edges: [] } });
  await post(`/v1/workflows/${workflow_id}/publish`, {});
  const timing = { cron: '* * * * * *', overlap: 'allow' };
  const { id } = await post('/v1/schedules', { workflow_id, name: 'Every second', ...timing });
  const rows = (): Promise<{ at: Date; status: string; executions: number }[]> =>
    server.sql(
      `select o.scheduled_at as at, o.status, (select count(*)::int from execution e
         where e.started_by_id = o.trigger_id and (e.trigger->>'scheduled_at')::timestamptz = o.scheduled_at) as executions
       from schedule_occurrence o where o.trigger_id = $1 order by o.scheduled_at`,
      [id],
    );
  const untilThereAre = async (count: number): Promise<void> => {
    await until(async () => (await rows()).length >= count, { within: 60_000 });
  };
  await untilThereAre(2);
  others[0]!.signal('SIGKILL');
  await untilThereAre(6);
  await post(`/v1/schedules/${id}/pause`, {});
  const seen = await rows();
  expect(new Set(seen.map(({ status, executions }) => `${status} ${executions}`))).toEqual(new Set(['started 1']));
  const gaps = seen.slice(1).map(({ at }, index) => at.getTime() - seen[index]!.at.getTime());
  expect(new Set(gaps)).toEqual(new Set([1_000]));
});
