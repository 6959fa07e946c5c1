import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../../server/src/platform/database/embedded-postgres.ts';
import { createDatabase } from '../engine/flowpact.ts';
import { createOrganisation } from '../organisation.ts';
import { Client } from './client.ts';
import { largeValues, textOf } from './values.ts';
import { waysOf } from './ways.ts';

/**
 * For how long one large value of one organisation holds the event loop of a server process: each kind of value goes each of its
 * ways, and the longest iteration of the loop meanwhile is printed, in milliseconds of processor time.
 */
const { values: options } = parseArgs({
  options: {
    /** Only values, and only ways, whose name holds this. */
    value: { type: 'string', default: 'rows' },
    way: { type: 'string', default: '' },
  },
});
const root = join(import.meta.dirname, '..', '..');
const mebibyte = 1_048_576;
/** What a node may make on the largest plan, and the JSON that another server may answer with. */
const nodeBytes = 8 * mebibyte - 4_096;
const answerBytes = 5 * mebibyte - 1_024;
/** Milliseconds after which what was begun before is over. */
const settleMs = 300;

let served = '';
const receiver = createServer((_, response) => {
  response.setHeader('content-type', 'application/json').end(served);
});

async function serve(databaseUrl: string, folder: string): Promise<{ server: ChildProcess; url: string }> {
  const server = fork(join(import.meta.dirname, 'server-process.ts'), {
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      FLOWPACT_DATA_DIR: folder,
      PORT: '0',
      LOG_LEVEL: 'fatal',
      RATE_LIMITS: 'false',
      OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
      NODE_ENV: 'production',
    },
    execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=DeprecationWarning'],
  });
  const [{ url }] = (await once(server, 'message')) as [{ url: string }];
  return { server, url };
}

/** The longest iteration of the server's event loop since the last call, in milliseconds. */
async function maxIterationMs(server: ChildProcess): Promise<number> {
  const answer = once(server, 'message');
  server.send('max');
  const [{ maxMs }] = (await answer) as [{ maxMs: number }];
  return maxMs;
}

async function measure(server: ChildProcess, client: Client, receiverUrl: string): Promise<void> {
  const ways = await waysOf(client, receiverUrl);
  for (const way of ways.filter(({ name }) => name.includes(options.way)))
    for (const value of largeValues.filter(({ name }) => name.includes(options.value))) {
      const text = textOf(value, way.bytes ?? nodeBytes, way.bytes ?? answerBytes);
      served = text;
      const prepared = (await way.prepare?.(text)) ?? '';
      await sleep(settleMs);
      await maxIterationMs(server);
      const result = await way.go(text, prepared);
      await sleep(settleMs);
      const size = `${(Buffer.byteLength(text) / 1e6).toFixed(1)} MB`;
      const iteration = `${(await maxIterationMs(server)).toFixed(0)} ms`;
      console.log(
        `${way.name.padEnd(22)}${value.name.padEnd(15)}${size.padStart(7)}${iteration.padStart(9)}   ${result}`,
      );
    }
}

spawnSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: 'inherit' });
const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-bench-'));
chmodSync(dataDir, 0o755);
const folder = join(dataDir, 'flowpact');
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
const postgres = await startEmbeddedPostgres({ dataDir, database: 'postgres', throwaway: true });
let server: ChildProcess | undefined;
try {
  const databaseUrl = await createDatabase(postgres.url, 'flowpact');
  const served = await serve(databaseUrl, folder);
  server = served.server;
  console.log(`load of the machine ${loadavg()[0]!.toFixed(1)}`);
  await measure(server, new Client(served.url, createOrganisation({ databaseUrl, folder }, 'business')), receiverUrl);
  console.log(`load of the machine afterwards ${loadavg()[0]!.toFixed(1)}`);
} finally {
  if (server) {
    const exit = once(server, 'exit');
    server.disconnect();
    await exit;
  }
  receiver.closeAllConnections();
  receiver.close();
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
