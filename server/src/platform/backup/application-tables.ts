import type { MikroORM } from '@mikro-orm/postgresql';

/** Where MikroORM notes the migrations that have run. */
export const migrationTable = 'migration';

/** The tables of this installation in the schema `public`; a test holds them against what the migrations make. */
export function applicationTables(orm: MikroORM): string[] {
  const entities = [...orm.getMetadata().getAll().values()].filter(({ tableName }) => tableName);
  return [...new Set([migrationTable, ...entities.map(({ tableName }) => tableName)])];
}
