import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartupError } from '../lifecycle/startup-error.ts';
import { assertWritable, unwritable, type PostgresAccount } from './postgres-account.ts';
import { findStore } from './postgres-store.ts';
import { commandLine, isAlive } from './postmaster.ts';

/** Where things are. */
export interface Layout {
  /** The data folder. */
  root: string;
  /** Holds `cluster` and `owner`: the data folder, unless the account of PostgreSQL cannot enter that. */
  store: string;
  cluster: string;
  log: string;
  password: string;
  owner: string;
}

/** Makes the data folder and finds out where things are; throws StartupError when it cannot be used. */
export function prepareFolder(dataDir: string, account: PostgresAccount | undefined): Layout {
  const root = resolve(dataDir);
  try {
    mkdirSync(root, { recursive: true });
  } catch (cause) {
    throw unwritable(root, cause);
  }
  assertWritable(root);
  const store = findStore(root, account);
  return {
    root,
    store,
    cluster: join(store, 'postgres'),
    log: join(root, 'postgres.log'),
    password: join(root, 'postgres.password'),
    // Beside the cluster, so that a copy of the data folder, which leads to the same cluster, finds it claimed.
    owner: join(store, 'postgres.owner'),
  };
}

/** The live server, other than this process, that uses the folder; the mark of a dead one is ignored. */
export function ownerOf(files: Layout): number | undefined {
  if (!existsSync(files.owner)) return undefined;
  const [pid, command] = readFileSync(files.owner, 'utf8').split('\n');
  const owner = Number(pid);
  const live = owner > 0 && owner !== process.pid && isAlive(owner) && commandLine(owner).trim() === command;
  return live ? owner : undefined;
}

/** One server at a time: two would fight over one cluster. */
export function claim(files: Layout): void {
  const owner = ownerOf(files);
  if (owner !== undefined) {
    throw new StartupError(
      `Another Flowpact server (process ${owner}) uses the data folder ${files.root}.`,
      'Stop it, set FLOWPACT_DATA_DIR to another folder, or set DATABASE_URL to a PostgreSQL that several servers can share.',
    );
  }
  writeFileSync(files.owner, `${process.pid}\n${commandLine(process.pid).trim()}\n`);
}

/** Lets the next server have the folder. */
export function release(files: Layout): void {
  rmSync(files.owner, { force: true });
}

/** The password of the embedded PostgreSQL, made up at the first start. */
export function readOrCreatePassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
