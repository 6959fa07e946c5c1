import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

/** A real server into which code is loaded that nobody catches. */
const within = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'flowpact-faults-'));
let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => server.end(), within);
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** `code` runs on the signal SIGUSR2. */
async function start(code: string): Promise<string> {
  const preload = join(folder, 'preload.cjs');
  writeFileSync(preload, `process.on('SIGUSR2', () => { ${code} });`);
  const { NODE_OPTIONS } = { NODE_OPTIONS: `--require ${preload}` };
  server = new ServerProcess({
    DATABASE_URL: database.url,
    SHUTDOWN_TIMEOUT: '3',
    METRICS_TOKEN: 'metrics-of-the-test',
    NODE_OPTIONS,
  });
  return server.ready();
}

test(
  'a rejection without a handler is logged and counted, and the process goes on',
  async () => {
    const url = await start(`Promise.reject(new Error('nobody listens'))`);
    server.signal('SIGUSR2');
    await until(() => server.stderr.includes('nobody listens'), { within });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const metrics = await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer metrics-of-the-test' } });
    expect(await metrics.text()).toMatch(/^flowpact_unhandled_rejections 1$/m);
  },
  2 * within,
);

test(
  'an exception that nobody catches is logged, and the process exits 1',
  async () => {
    await start(`setImmediate(() => { throw new Error('nobody catches'); })`);
    server.signal('SIGUSR2');
    expect(await server.exited).toBe(1);
    expect(server.stderr).toContain('nobody catches');
    expect(server.stderr).toContain('The process stops');
  },
  2 * within,
);
