import type { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { advisoryLocks } from '../../domain/advisory-locks.ts';

/**
 * Brings the database to the newest schema and returns the names of the migrations that ran. Servers that start at the
 * same time take turns, so each migration runs once.
 */
export async function migrate(orm: MikroORM, url: string): Promise<string[]> {
  const lock = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A connection lost meanwhile shows in the next query; unheard it would end the process.
  lock.on('error', () => undefined);
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [advisoryLocks.migration]);
    const applied = await orm.migrator.up();
    return applied.map(({ name }) => name);
  } finally {
    await lock.end();
  }
}
