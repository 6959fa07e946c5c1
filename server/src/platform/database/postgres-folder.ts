import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartupError } from '../lifecycle/startup-error.ts';
import { assertReachable, assertWritable, unwritable, type PostgresAccount } from './postgres-account.ts';
import { commandLine, isAlive } from './postmaster.ts';

/** Where things are in the data folder. */
export interface Layout {
  root: string;
  cluster: string;
  log: string;
  password: string;
  owner: string;
}

/** Where things are in this data folder. */
export function layout(dataDir: string): Layout {
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

/** Makes the data folder; throws StartupError when it cannot be used. */
export function prepareFolder(files: Layout, account: PostgresAccount | undefined): void {
  try {
    mkdirSync(files.root, { recursive: true });
  } catch (cause) {
    throw unwritable(files.root, cause);
  }
  assertWritable(files.root);
  assertReachable(files.root, account);
}

/** One server at a time: two would fight over one cluster. The mark of a dead server is ignored. */
export function claim(files: Layout): void {
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

/** Lets the next server have the folder. */
export function release(files: Layout): void {
  rmSync(files.owner, { force: true });
}

/** The password of the embedded PostgreSQL, made up at the first start. */
export function readOrCreatePassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
