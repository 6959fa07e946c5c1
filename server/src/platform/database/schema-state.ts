import type { MikroORM } from '@mikro-orm/postgresql';
import { StartupError } from '../lifecycle/startup-error.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/index.ts';

/** How a database stands to the migrations of this version, by their names. */
export interface SchemaState {
  /** Nothing of Flowpact is in it. */
  readonly isEmpty: boolean;
  /** This version would still run them. */
  readonly pending: readonly string[];
  /** A newer version has run them. */
  readonly unknown: readonly string[];
}

/** Reads which migrations have run in the database. */
export async function schemaState(orm: MikroORM): Promise<SchemaState> {
  const em = orm.em.fork();
  const [{ table } = { table: null }] = await em.execute<{ table: string | null }[]>(
    `select to_regclass('migration')::text as "table"`,
  );
  const executed =
    table === null ? [] : (await em.execute<{ name: string }[]>('select name from migration')).map(({ name }) => name);
  const known = migrations.map(({ name }) => name);
  return {
    isEmpty: executed.length === 0,
    pending: known.filter((name) => !executed.includes(name)),
    unknown: executed.filter((name) => !known.includes(name)),
  };
}

/**
 * For commands beside the server: makes the schema in an empty database, and throws StartupError unless it is the one of this
 * version. Only the server changes the schema of a database that is in use.
 */
export async function assertSchema(orm: MikroORM, url: string): Promise<void> {
  const { isEmpty, pending, unknown } = await schemaState(orm);
  if (unknown.length > 0) {
    throw new StartupError(
      `A newer version of Flowpact has changed the schema of this database (${unknown.join(', ')}).`,
      'Run this command from the version that the server runs.',
    );
  }
  if (isEmpty) await migrate(orm, url);
  else if (pending.length > 0) {
    throw new StartupError(
      `The database has the schema of an older version of Flowpact (${pending.length} migrations have not run).`,
      'Start the server of this version once, which brings the database up to date, or run this command from the version that the server runs.',
    );
  }
}
