import type { Transaction } from '@mikro-orm/core';
import type { Migration as SqlMigration, Migrator } from '@mikro-orm/migrations';
import type { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { advisoryLocks } from '../../domain/advisory-locks.ts';
import { StartupError } from '../lifecycle/startup-error.ts';
import { migrations } from './migrations/index.ts';

/** What a newer version has changed, this one would read and write wrongly. */
async function refuseNewerSchema(orm: MikroORM): Promise<void> {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = (await orm.migrator.getExecuted()).map(({ name }) => name).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new StartupError(
    `The database has the schema of a newer version of Flowpact: this one does not know ${unknown.join(', ')}.`,
    'Start the version that last used this database, or a newer one. To go back, restore a backup from before the update.',
  );
}

/**
 * Brings the database to the newest schema and returns the names of the migrations that ran. Servers that start at the
 * same time take turns, so each migration runs once. Throws StartupError when a newer version has been there.
 */
export async function migrate(orm: MikroORM, url: string): Promise<string[]> {
  const lock = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A connection lost meanwhile shows in the next query; unheard it would end the process.
  lock.on('error', () => undefined);
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [advisoryLocks.migration]);
    await refuseNewerSchema(orm);
    const applied = await orm.migrator.up();
    return applied.map(({ name }) => name);
  } finally {
    await lock.end();
  }
}

/**
 * Brings a schema without rows to where exactly these migrations have run, as part of the transaction; which of them have run
 * is left to the caller to note. MikroORM's own `up` looks at the database over other connections too, which do not see what
 * the transaction has done.
 */
export async function migrateWithin(
  orm: MikroORM,
  transaction: Transaction,
  { from, to }: { from: readonly string[]; to: readonly string[] },
): Promise<void> {
  const storage = (orm.migrator as Migrator).getStorage();
  storage.setMasterMigration(transaction);
  await storage.ensureTable();
  for (const { name, class: Migration } of migrations.toReversed())
    if (from.includes(name) && !to.includes(name)) await run(orm, transaction, Migration, 'down');
  for (const { name, class: Migration } of migrations)
    if (to.includes(name) && !from.includes(name)) await run(orm, transaction, Migration, 'up');
}

async function run(
  orm: MikroORM,
  transaction: Transaction,
  Migration: (typeof migrations)[number]['class'],
  direction: 'up' | 'down',
): Promise<void> {
  const migration = new Migration(orm.driver, orm.config) as SqlMigration;
  migration.setTransactionContext(transaction);
  await migration[direction]();
  for (const query of migration.getQueries()) await orm.driver.execute(query as string, [], 'all', transaction);
}
