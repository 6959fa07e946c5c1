import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../config/config.ts';
import { StartupError } from '../lifecycle/startup-error.ts';
import { assertDatabaseUsable } from './connection.ts';
import { canConnect, startEmbeddedPostgres } from './embedded-postgres.ts';
import { postgresAccount } from './postgres-account.ts';
import { superuser } from './postgres-cluster.ts';
import { ownerOf, prepareFolder, type Layout } from './postgres-folder.ts';

/** The database of the embedded PostgreSQL. */
export const embeddedDatabase = 'flowpact';

/** A database that a command works with. */
export interface OpenDatabase {
  url: string;
  /** Stops what was started for the command; a server's PostgreSQL goes on. */
  close(): Promise<void>;
}

/** How long a server that has claimed the data folder gets to start its PostgreSQL: as long as it waits itself. */
const startingMs = 60_000;

/**
 * The database of the configuration, for commands beside the server: that of DATABASE_URL, or the embedded PostgreSQL, which
 * is started unless a running server has it. Throws StartupError when it cannot be used.
 */
export async function openDatabase({ DATABASE_URL, FLOWPACT_DATA_DIR }: Settings): Promise<OpenDatabase> {
  if (DATABASE_URL !== undefined) {
    await assertDatabaseUsable(DATABASE_URL);
    return { url: DATABASE_URL, close: async () => undefined };
  }
  const files = prepareFolder(FLOWPACT_DATA_DIR, postgresAccount());
  const running = await runningDatabase(files);
  if (running !== undefined) return { url: running, close: async () => undefined };
  const postgres = await startEmbeddedPostgres({ dataDir: FLOWPACT_DATA_DIR, database: embeddedDatabase });
  return { url: postgres.url, close: () => postgres.stop() };
}

/** Undefined when no server has the folder. */
async function runningDatabase(files: Layout): Promise<string | undefined> {
  const deadline = Date.now() + startingMs;
  for (let owner = ownerOf(files); owner !== undefined; owner = ownerOf(files)) {
    const url = urlOf(files);
    if (url !== undefined && (await canConnect(url))) return url;
    if (Date.now() > deadline) {
      throw new StartupError(
        `The Flowpact server (process ${owner}) that uses the data folder ${files.root} does not let anybody into its database.`,
        `See its log and ${files.log}, or stop it and run this again.`,
      );
    }
    await sleep(100);
  }
  return undefined;
}

/** PostgreSQL writes its port into the fourth line of postmaster.pid. */
function urlOf(files: Layout): string | undefined {
  const note = join(files.cluster, 'postmaster.pid');
  if (!existsSync(note) || !existsSync(files.password)) return undefined;
  const port = readFileSync(note, 'utf8').split('\n')[3];
  const password = readFileSync(files.password, 'utf8').trim();
  return port ? `postgresql://${superuser}:${password}@127.0.0.1:${port}/${embeddedDatabase}` : undefined;
}
