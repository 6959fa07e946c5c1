import { chmodSync, existsSync, linkSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../lifecycle/startup-error.ts';
import { blockingFolder, unreachable, type PostgresAccount } from './postgres-account.ts';
import { isTrusted, permanentPlaces, reachablePlace } from './reachable-place.ts';

/**
 * The folder for the cluster of this data folder: the data folder itself, unless PostgreSQL's account cannot enter that;
 * then a folder made for it elsewhere, which `postgres.place` in the data folder names from then on.
 */
export function findStore(root: string, account: PostgresAccount | undefined): string {
  const note = join(root, 'postgres.place');
  if (existsSync(note)) return readNote(note);
  const blocking = blockingFolder(root, account);
  if (!account || !blocking) return root;
  // A database made when the account could still enter must not be passed over for an empty one.
  const place = existsSync(join(root, 'postgres')) ? undefined : reachablePlace(permanentPlaces, account);
  if (!place) throw unreachable(blocking, account);
  return makeStore(place, root, note, account);
}

function readNote(note: string): string {
  const store = readFileSync(note, 'utf8').split('\n')[0] ?? '';
  if (existsSync(store) && isTrusted(store)) return store;
  throw new StartupError(
    existsSync(store)
      ? `The database is in ${store}, says ${note}, but other users than root can change that folder.`
      : `The database was in ${store}, says ${note}, and that folder is gone.`,
    `Put that right, or delete ${note} to start with an empty database, or set DATABASE_URL to a PostgreSQL server of your own.`,
  );
}

/** The note appears whole or not at all; of two servers that start together, one's counts. */
function makeStore(place: string, root: string, note: string, account: PostgresAccount): string {
  const store = mkdtempSync(join(place, 'data-'));
  chmodSync(store, 0o755);
  const draft = `${note}.${process.pid}`;
  writeFileSync(draft, noteText(store, root, account));
  try {
    linkSync(draft, note);
    return store;
  } catch (error) {
    rmdirSync(store);
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readNote(note);
  } finally {
    rmSync(draft);
  }
}

function noteText(store: string, root: string, { name }: PostgresAccount): string {
  return `${store}

The folder above holds the database of ${root}.
Flowpact was started as root, so its PostgreSQL runs as "${name}", and that account cannot enter this folder.
Back up, move and delete the two folders together. Without this file the next start makes an empty database.
`;
}
