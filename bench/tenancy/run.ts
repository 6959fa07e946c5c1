import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEmbeddedPostgres } from '../../server/src/platform/database/embedded-postgres.ts';
import { type Noise, noises } from '../../server/test/tenancy/noises.ts';
import { Receiver } from '../../server/test/tenancy/receiver.ts';
import { Tenant } from '../../server/test/tenancy/tenant.ts';
import type { NoiseOrder } from './noisy-process.ts';
import { createDatabase } from '../engine/flowpact.ts';
import { percentile } from '../engine/measure.ts';
import { createOrganisation } from '../organisation.ts';

/**
 * What a quiet organisation notices of a noisy one: it does one thing again and again at a steady low rate, alone and then
 * beside each of nine noises, and what it sees from request to completion is compared. One compiled server process of its own
 * does everything, on a PostgreSQL with its data on disk; the rate limits are off, so that only turns and bounds protect.
 */
const { values: options } = parseArgs({
  options: {
    /** Seconds of each measurement: in fewer, the p95 is what the two slowest requests took. */
    seconds: { type: 'string', default: '20' },
    /** Milliseconds from one request of the quiet organisation to the next. */
    every: { type: 'string', default: '250' },
    /** How much noise, from 1. */
    size: { type: 'string', default: '1' },
    /** Only noises whose name holds this. */
    only: { type: 'string', default: '' },
  },
});
const seconds = Number(options.seconds);
const every = Number(options.every);
const target = 3;
const root = join(import.meta.dirname, '..', '..');

interface Result {
  readonly name: string;
  readonly alone: readonly number[];
  readonly beside: readonly number[];
  /** Whether what was begun at first went on to the end of the measurement. */
  readonly wasOn: boolean;
}

/** Milliseconds that each of the requests took that began in the time; one that is late delays no other. */
async function measure(probe: () => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  const open = new Set<Promise<void>>();
  for (let begun = 0; begun < (seconds * 1_000) / every; begun++) {
    const timed = async (): Promise<void> => {
      const since = performance.now();
      await probe();
      took.push(performance.now() - since);
    };
    const request: Promise<void> = timed().finally(() => open.delete(request));
    open.add(request);
    await sleep(every);
  }
  await Promise.all(open);
  return took;
}

/** What the process that makes noise says next. */
async function told<Message>(noisy: ChildProcess): Promise<Message> {
  const [message] = (await once(noisy, 'message')) as [Message];
  return message;
}

async function compare(noise: Noise, quiet: Tenant, noisy: ChildProcess, order: NoiseOrder): Promise<Result> {
  const probe = await noise.probe(quiet, { url: order.receiverUrl });
  for (let time = 0; time < 20; time++) await probe();
  const alone = await measure(probe);
  const began = told(noisy);
  noisy.send(order);
  await began;
  await sleep(1_000);
  const beside = await measure(probe);
  const ended = told<{ wasOn: boolean }>(noisy);
  noisy.send('end');
  receiver.answer();
  const { wasOn } = await ended;
  // What is cancelled comes to its end.
  await sleep(2_000);
  return { name: noise.name, alone, beside, wasOn };
}

function line({ name, alone, beside, wasOn }: Result): string {
  const of = (numbers: readonly number[], share: number): string => percentile(numbers, share).toFixed(1).padStart(9);
  const ratio = percentile(beside, 0.95) / percentile(alone, 0.95);
  const judged = `${ratio.toFixed(2).padStart(7)} ${ratio <= target ? 'met' : 'missed'}`;
  const over = wasOn ? '' : ' (the noise ended before)';
  return `${name.padEnd(16)}${of(alone, 0.5)}${of(alone, 0.95)}${of(beside, 0.5)}${of(beside, 0.95)}${judged}${over}`;
}

async function serve(databaseUrl: string): Promise<{ server: ChildProcess; url: string }> {
  const server = fork(join(root, 'bench', 'engine', 'processes', 'flowpact.ts'), {
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      FLOWPACT_DATA_DIR: join(dataDir, 'flowpact'),
      PORT: '0',
      LOG_LEVEL: 'fatal',
      RATE_LIMITS: 'false',
      OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
      NODE_ENV: 'production',
      UV_THREADPOOL_SIZE: '16',
    },
    execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=DeprecationWarning'],
  });
  const [{ url }] = (await Promise.race([
    once(server, 'message'),
    once(server, 'exit').then(([code]) => Promise.reject(new Error(`Flowpact exited with ${String(code)}.`))),
  ])) as [{ url: string }];
  return { server, url };
}

spawnSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: 'inherit' });
const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-bench-'));
chmodSync(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, database: 'postgres' });
const receiver = await Receiver.start();
const tenants: Tenant[] = [];
let server: ChildProcess | undefined;
let noisy: ChildProcess | undefined;
try {
  const databaseUrl = await createDatabase(postgres.url, 'flowpact');
  const served = await serve(databaseUrl);
  server = served.server;
  const quiet = new Tenant(served.url, createOrganisation({ databaseUrl, folder: join(dataDir, 'flowpact') }, 'free'));
  tenants.push(quiet);
  const given = {
    url: served.url,
    apiKey: createOrganisation({ databaseUrl, folder: join(dataDir, 'flowpact') }, 'business'),
    receiverUrl: receiver.url,
  };
  noisy = fork(join(import.meta.dirname, 'noisy-process.ts'), { execArgv: ['--disable-warning=ExperimentalWarning'] });
  await told(noisy);
  const chosen = noises.filter(({ name }) => name.includes(options.only));
  console.log(`${seconds} s each, a request every ${every} ms; load of the machine ${loadavg()[0]!.toFixed(1)}\n`);
  console.log(
    `${' '.repeat(16)}${'alone p50'.padStart(9)}${'p95'.padStart(9)}${'beside p50'.padStart(9)}${'p95'.padStart(8)}${'ratio'.padStart(8)} (target ${target})`,
  );
  for (const noise of chosen) {
    const order: NoiseOrder = { name: noise.name, ...given, size: Number(options.size) };
    console.log(line(await compare(noise, quiet, noisy, order)));
  }
  console.log(`\nload of the machine afterwards ${loadavg()[0]!.toFixed(1)}`);
} finally {
  for (const tenant of tenants) await tenant.close();
  if (noisy?.connected) noisy.disconnect();
  if (server?.connected) {
    const exit = once(server, 'exit');
    server.disconnect();
    await exit;
  }
  await receiver.stop();
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
