import { accessSync, constants, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../lifecycle/startup-error.ts';

/** The system account that PostgreSQL runs as; undefined means the account of this process. */
export interface PostgresAccount {
  name: string;
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root, so root hands it to the first of these accounts that exists. */
const accountNames = ['postgres', 'nobody'];

/** The account to run PostgreSQL as: undefined unless this process is root. */
export function postgresAccount(): PostgresAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of accountNames) {
    const [, , uid, gid] = accounts.find((fields) => fields[0] === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new StartupError(
    'The embedded PostgreSQL does not run as root, and this system has no account "postgres" or "nobody".',
    'Start the server as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.',
  );
}

/** The folder that keeps the account from walking down to `path`, which root can do where others cannot (a home of mode 0700). */
export function blockingFolder(path: string, account: PostgresAccount | undefined): string | undefined {
  if (!account) return undefined;
  for (const start of new Set([path, realpathSync(path)])) {
    for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
      const { mode, uid, gid } = statSync(folder);
      const execute = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
      if ((mode & execute) === 0) return folder;
    }
  }
  return undefined;
}

/** The account may not enter this folder, and no other place would do. */
export function unreachable(folder: string, account: PostgresAccount): StartupError {
  return new StartupError(
    `The embedded PostgreSQL runs as "${account.name}" because this process is root, and that account may not enter ${folder}.`,
    `Run "chmod o+x ${folder}", start the server as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.`,
  );
}

/** Throws a StartupError that names `path` unless this process can write there. */
export function assertWritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** The data folder cannot be used; the cause says why. */
export function unwritable(path: string, cause: unknown): StartupError {
  const reason = cause instanceof Error ? ` (${cause.message})` : '';
  return new StartupError(
    `The data folder ${path} cannot be written${reason}.`,
    'Give this user write access to it, set FLOWPACT_DATA_DIR to another folder, or set DATABASE_URL to a PostgreSQL server of your own.',
    { cause },
  );
}
