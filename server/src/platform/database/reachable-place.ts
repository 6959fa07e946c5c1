import { chmodSync, lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { blockingFolder, type PostgresAccount } from './postgres-account.ts';

/** Where a server that runs as root keeps the data that the account of PostgreSQL cannot reach in the data folder. */
export const permanentPlaces = ['/var/lib/flowpact'];

/** Where copies of PostgreSQL's programs may lie; the later ones for systems whose /var/lib is read-only. */
export const copyPlaces = [...permanentPlaces, join(tmpdir(), 'flowpact-programs'), '/tmp/flowpact-programs'];

/** The first of these folders that the account can enter and that nobody but this user and root can change; made if missing. */
export function reachablePlace(candidates: readonly string[], account: PostgresAccount): string | undefined {
  const found = candidates.find(
    (folder) => makeFolder(folder) && isTrusted(folder) && !blockingFolder(folder, account),
  );
  return found && realpathSync(found);
}

function makeFolder(folder: string): boolean {
  try {
    mkdirSync(dirname(folder), { recursive: true });
    mkdirSync(folder);
    // Whatever the umask says.
    chmodSync(folder, 0o755);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EEXIST';
  }
}

/** True when nobody but this user and root can change this folder, or put another in its place. */
export function isTrusted(folder: string): boolean {
  if (!isOwnedAndClosed(lstatSync(folder)) || !lstatSync(folder).isDirectory()) return false;
  for (let above = dirname(realpathSync(folder)); above !== dirname(above); above = dirname(above)) {
    const stats = lstatSync(above);
    // In a sticky folder such as /tmp only the owner renames or removes.
    const sticky = (stats.mode & 0o1000) !== 0;
    if (!isOurs(stats) || !(sticky || isOwnedAndClosed(stats))) return false;
  }
  return true;
}

/** Belongs to this user or root, and nobody else may write to it. The mode of a symbolic link says nothing. */
export function isOwnedAndClosed(stats: Stats): boolean {
  return isOurs(stats) && (stats.isSymbolicLink() || (stats.mode & 0o022) === 0);
}

function isOurs({ uid }: Stats): boolean {
  return uid === 0 || uid === process.getuid?.();
}
