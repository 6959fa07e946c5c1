import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Transaction } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { advisoryLocks } from '../../domain/advisory-locks.ts';
import { assertKeysProven } from '../crypto/assert-master-keys.ts';
import type { MasterKey } from '../crypto/master-keys.ts';
import { migrateWithin } from '../database/migrate.ts';
import { migrations } from '../database/migrations/index.ts';
import { createOrm } from '../database/orm.ts';
import { createEngineSchema, newestEngineSchema } from '../engine/engine-schema.ts';
import { StartupError } from '../lifecycle/startup-error.ts';
import { applicationTables, migrationTable } from './application-tables.ts';
import { verifyBackup } from './backup-folder.ts';
import { columnList, quoted, tablesOf, type Table } from './catalogue.ts';
import { newerBackup, type Manifest } from './manifest.ts';

/** What is restored, and where to. */
export interface RestoreOptions {
  readonly url: string;
  /** The folder of the backup. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Replace what the database holds. */
  readonly force: boolean;
}

/**
 * The manifest of a backup that can be restored by this version with these keys. Throws StartupError for one that is damaged,
 * incomplete, of a newer version, or encrypted with other keys.
 */
export async function readBackup(folder: string, keys: readonly MasterKey[]): Promise<Manifest> {
  const manifest = await verifyBackup(folder);
  const known = migrations.map(({ name }) => name);
  const unknown = manifest.migrations.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw newerBackup(folder, `this one does not know the migration ${unknown.join(', ')}`);
  if (manifest.engine_schema > newestEngineSchema)
    throw newerBackup(folder, `the schema of its engine is ${manifest.engine_schema}, not ${newestEngineSchema}`);
  const proofs = manifest.master_keys.map(({ id, proof }) => ({ id, proof: Buffer.from(proof, 'base64') }));
  assertKeysProven(proofs, keys, 'this backup');
  return manifest;
}

/**
 * Puts a backup into the database, in one transaction: when it fails or is interrupted, the database is as before. Throws
 * StartupError when servers use the database, or it holds something and `force` is not set.
 */
export async function restoreBackup({ url, folder, manifest, force }: RestoreOptions): Promise<void> {
  let client: PoolClient | undefined;
  // One connection, so that the one which the pool has made is that of the transaction: COPY needs it itself.
  const orm = await createOrm({
    url,
    poolSize: 1,
    standstill: 0,
    onPool: (pool) => pool.on('connect', (connected) => (client = connected)),
  });
  try {
    await orm.em.fork().transactional(async (em) => {
      await em.execute('select pg_advisory_xact_lock(?)', [advisoryLocks.migration]);
      await assertNobodyElse(client!);
      if (!force) await assertHoldsNothing(client!, orm);
      await makeSchema(client!, orm, em.getTransactionContext()!, manifest);
      await fill(client!, orm, folder, manifest);
    });
    for (const table of manifest.tables) await client!.query(`analyze ${quoted(client!, table)}`);
  } finally {
    await orm.close();
  }
}

/** A server that goes on would write into what is being replaced. */
async function assertNobodyElse(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ connections: number }>(
    `select count(*)::int as connections from pg_stat_activity
      where datname = current_database() and application_name like 'flowpact%' and pid <> pg_backend_pid()`,
  );
  const { connections } = rows[0]!;
  if (connections === 0) return;
  throw new StartupError(
    `A server or command of Flowpact uses this database (${connections} ${connections === 1 ? 'connection' : 'connections'}).`,
    'Stop all of them, and run this again. Nothing was changed.',
  );
}

async function assertHoldsNothing(client: PoolClient, orm: MikroORM): Promise<void> {
  for (const table of await tablesOf(client, applicationTables(orm))) {
    if (table.schema === 'dbos' || table.name === migrationTable) continue;
    const { rowCount } = await client.query(`select from ${quoted(client, table)} limit 1`);
    if (rowCount === 0) continue;
    throw new StartupError(
      `The database is in use already: its table ${table.name} has rows.`,
      'Restore into an empty database, or replace everything that is in it with --force. Nothing was changed.',
    );
  }
}

/** The schema of the backup, with nothing in it. */
async function makeSchema(
  client: PoolClient,
  orm: MikroORM,
  transaction: Transaction,
  { migrations: to, engine_schema }: Manifest,
): Promise<void> {
  const executed = await executedMigrations(client);
  const strange = executed.filter((name) => !migrations.some((migration) => migration.name === name));
  if (strange.length > 0) {
    throw new StartupError(
      `A newer version of Flowpact has changed the schema of this database (${strange.join(', ')}).`,
      'Restore into an empty database. Nothing was changed.',
    );
  }
  await client.query('drop schema if exists dbos cascade');
  await truncateAll(client, orm);
  await migrateWithin(orm, transaction, { from: executed, to });
  if (engine_schema > 0) await createEngineSchema(client, engine_schema);
}

async function executedMigrations(client: PoolClient): Promise<string[]> {
  const { rows: tables } = await client.query(`select where to_regclass('public.migration') is not null`);
  if (tables.length === 0) return [];
  const { rows } = await client.query<{ name: string }>('select name from public.migration');
  return rows.map(({ name }) => name);
}

async function truncateAll(client: PoolClient, orm: MikroORM): Promise<void> {
  const tables = await tablesOf(client, applicationTables(orm));
  const names = tables.map((table) => quoted(client, table));
  if (names.length > 0) await client.query(`truncate ${names.join(', ')}`);
}

/** Rows come in any order, so what refers from one table to another is taken away meanwhile and then checked as a whole. */
async function fill(client: PoolClient, orm: MikroORM, folder: string, manifest: Manifest): Promise<void> {
  // Of what the migrations have put in.
  await truncateAll(client, orm);
  const names = manifest.tables.map((table) => quoted(client, table));
  const references = await referencesOf(client, names);
  for (const { table, name } of references) await client.query(`alter table ${table} drop constraint ${name}`);
  for (const name of names) await client.query(`alter table ${name} disable trigger user`);
  for (const table of manifest.tables) await fillTable(client, folder, table);
  for (const name of names) await client.query(`alter table ${name} enable trigger user`);
  for (const { table, name, definition } of references)
    await client.query(`alter table ${table} add constraint ${name} ${definition}`);
  for (const sequence of manifest.sequences) await setSequence(client, sequence);
}

/** Unlike `setval` this is taken back with the transaction. A sequence that no migration makes is somebody else's. */
async function setSequence(client: PoolClient, sequence: Manifest['sequences'][number]): Promise<void> {
  const name = quoted(client, sequence);
  const { rowCount } = await client.query('select where to_regclass($1) is not null', [name]);
  if (rowCount === 1) await client.query(`alter sequence ${name} restart with ${sequence.next_value}`);
}

interface Reference {
  table: string;
  name: string;
  definition: string;
}

async function referencesOf(client: PoolClient, tables: readonly string[]): Promise<Reference[]> {
  const { rows } = await client.query<Reference>(
    `select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
       from pg_constraint where contype = 'f' and conparentid = 0 and conrelid = any($1::regclass[])`,
    [tables],
  );
  return rows;
}

async function fillTable(client: PoolClient, folder: string, table: Manifest['tables'][number]): Promise<void> {
  const rows = client.query(
    copyFrom(`copy ${quoted(client, table)} (${columnList(client, table as Table)}) from stdin`),
  );
  await pipeline(createReadStream(join(folder, table.file)), createGunzip(), rows);
  if (rows.rowCount === table.rows) return;
  throw new StartupError(
    `${table.file} has ${rows.rowCount} rows, and manifest.json says ${table.rows}.`,
    'Take another backup. Nothing was changed.',
  );
}
