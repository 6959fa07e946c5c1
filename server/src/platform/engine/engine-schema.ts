import { allMigrations } from '@dbos-inc/dbos-sdk/internal/sysdb_migrations/internal/migrations';
import { runSysMigrationsPg } from '@dbos-inc/dbos-sdk/internal/sysdb_migrations/migration_runner';
import type { ClientBase } from 'pg';
import { placesSchema } from './places.ts';
import { suspensionSchema } from './suspension.ts';

/** What this engine has beside the tables of DBOS; safe to run again. */
export const ownEngineSchema: readonly string[] = [placesSchema, suspensionSchema];

/** Version of DBOS's schema that this version of the engine works with. */
export const newestEngineSchema = migrationsOfDbos().length;

/**
 * Makes the engine's schema as it was in this version, in an empty schema and as part of the client's transaction. The engine
 * itself makes it in steps, some of which no transaction takes, because others may be at work.
 */
export async function createEngineSchema(client: ClientBase, version: number): Promise<void> {
  const query = (text: string, values?: unknown[]): Promise<unknown> =>
    /^\s*(begin|commit|rollback)\s*$/i.test(text)
      ? Promise.resolve({ rows: [], rowCount: 0 })
      : client.query(text.replaceAll(/\bconcurrently\b/gi, ''), values);
  const inTransaction = { query } as unknown as ClientBase;
  await runSysMigrationsPg(inTransaction, migrationsOfDbos().slice(0, version), 'dbos', { onWarn: () => undefined });
  for (const statement of ownEngineSchema) await client.query(statement);
}

function migrationsOfDbos(): ReturnType<typeof allMigrations> {
  return allMigrations('dbos', { useListenNotify: true, isCockroach: false });
}
