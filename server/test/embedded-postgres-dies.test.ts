import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** A real server with its own PostgreSQL, which is killed. */
const within = 180_000;
let dataDir: string;
let server: ServerProcess;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'flowpact-dies-'));
  chmodSync(dataDir, 0o755);
  server = new ServerProcess({ FLOWPACT_DATA_DIR: dataDir, SHUTDOWN_TIMEOUT: '3' });
});
afterEach(async () => {
  await server.end();
  rmSync(dataDir, { recursive: true, force: true });
}, within);

const postmaster = (): number =>
  Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

test(
  'kill -9 of PostgreSQL: it is started again, and what was under way goes on',
  async () => {
    const url = await server.ready();
    const key = /fp_live_\w+/.exec(server.stdout)![0];
    const ask = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { 'x-api-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      return ((await response.json()) as { data?: Record<string, unknown> }).data ?? {};
    };
    const definition = { nodes: [{ id: 'nap', type: 'delay', params: { duration: '3s' } }], edges: [] };
    const { id } = await ask('POST', '/v1/workflows', { name: 'Nap', definition });
    await ask('POST', `/v1/workflows/${id as string}/publish`, {});
    const execution = await ask('POST', `/v1/workflows/${id as string}/execute`, { input: {} });

    const killed = postmaster();
    process.kill(killed, 'SIGKILL');
    await until(async () => (await fetch(`${url}/health/ready`)).status === 503, { within });
    await until(() => server.stderr.includes('runs again'), { within });
    expect(postmaster()).not.toBe(killed);
    await until(async () => (await fetch(`${url}/health/ready`)).status === 200, { within });
    const status = async (): Promise<unknown> => (await ask('GET', `/v1/executions/${execution.id as string}`)).status;
    await until(async () => (await status()) === 'completed', { within, seen: status });
    expect(server.stderr).toContain('ended by SIGKILL although nobody stopped it');
  },
  3 * within,
);

test(
  'it cannot be started again: the process exits, so that whoever watches it sees that',
  async () => {
    await server.ready();
    const control = join(dataDir, 'postgres', 'global', 'pg_control');
    const killed = postmaster();
    renameSync(control, `${control}.away`);
    process.kill(killed, 'SIGKILL');
    expect(await server.exited).toBe(1);
    expect(server.stderr).toMatch(/could not be started \(try 1 of \d\)/);
    expect(server.stderr).toContain('The server stops');
  },
  2 * within,
);
