import type { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { schemaState } from '../database/schema-state.ts';
import { StartupError } from '../lifecycle/startup-error.ts';
import { BackupWriter } from './backup-folder.ts';
import { columnList, quoted, sequencesOf, tablesOf, type Table } from './catalogue.ts';
import { formatVersion, type Manifest } from './manifest.ts';
import { applicationTables } from './application-tables.ts';

/** What is backed up, and where to. */
export interface BackupOptions {
  readonly url: string;
  readonly orm: MikroORM;
  /** Made by the backup. */
  readonly folder: string;
  /** Version of Flowpact. */
  readonly version: string;
}

/**
 * Writes all that the database holds into a folder, as it stands at one moment, while servers go on. Throws StartupError when
 * there is nothing of this version in the database, or the folder cannot be written.
 */
export async function makeBackup({ url, orm, folder, version }: BackupOptions): Promise<Manifest> {
  await assertSchemaOfThisVersion(orm);
  const writer = await BackupWriter.begin(folder);
  const client = new Client({ connectionString: url, application_name: 'flowpact_backup' });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await beginSnapshot(client);
    const manifest = await copyAll(client, applicationTables(orm), writer, version);
    await client.query('commit');
    await writer.finish(manifest);
    return manifest;
  } catch (error) {
    await writer.abandon();
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function assertSchemaOfThisVersion(orm: MikroORM): Promise<void> {
  const { isEmpty, pending, unknown } = await schemaState(orm);
  if (isEmpty) {
    throw new StartupError(
      'There is nothing of Flowpact in this database.',
      'Set DATABASE_URL or FLOWPACT_DATA_DIR as the server has it.',
    );
  }
  if (pending.length + unknown.length > 0) {
    throw new StartupError(
      `The database has the schema of ${unknown.length > 0 ? 'a newer' : 'an older'} version of Flowpact.`,
      'Run the backup from the version that the server runs.',
    );
  }
}

/** All that follows sees the database as it is now. */
async function beginSnapshot(client: Client): Promise<void> {
  await client.query('begin isolation level repeatable read read only');
  await client.query(`select set_config('datestyle', 'ISO, MDY', true), set_config('intervalstyle', 'postgres', true),
    set_config('extra_float_digits', '3', true), set_config('bytea_output', 'hex', true),
    set_config('idle_in_transaction_session_timeout', '0', true), set_config('statement_timeout', '0', true)`);
}

async function copyAll(
  client: Client,
  names: readonly string[],
  writer: BackupWriter,
  version: string,
): Promise<Manifest> {
  const tables: Manifest['tables'] = [];
  for (const table of await tablesOf(client, names)) tables.push(await copyTable(client, table, writer));
  // After the rows: a sequence is of no snapshot, and so is ahead of them.
  const sequences: Manifest['sequences'] = [];
  for (const sequence of await sequencesOf(client, names)) {
    const next = await textOf(
      client,
      `case when is_called then last_value + seqincrement else last_value end
         from ${quoted(client, sequence)} join pg_sequence on seqrelid = ${client.escapeLiteral(quoted(client, sequence))}::regclass`,
    );
    sequences.push({ ...sequence, next_value: next });
  }
  const hasEngine = tables.some(({ schema, name }) => schema === 'dbos' && name === 'dbos_migrations');
  return {
    format: formatVersion,
    created_at: new Date().toISOString(),
    flowpact: version,
    postgresql: await textOf(client, `current_setting('server_version')`),
    migrations: await listOf(client, 'name from public.migration order by id'),
    engine_schema: hasEngine ? Number(await textOf(client, 'max(version) from dbos.dbos_migrations')) : 0,
    master_keys: await masterKeysOf(client),
    tables,
    sequences,
  };
}

async function copyTable(client: Client, table: Table, writer: BackupWriter): Promise<Manifest['tables'][number]> {
  const file = `tables/${table.schema}.${table.name}.copy.gz`;
  const rows = client.query(
    copyTo(`copy (select ${columnList(client, table)} from ${quoted(client, table)}) to stdout`),
  );
  await writer.addCompressed(file, rows);
  return { schema: table.schema, name: table.name, columns: [...table.columns], rows: rows.rowCount, file };
}

async function masterKeysOf(client: Client): Promise<Manifest['master_keys']> {
  const { rows } = await client.query<{ id: string; proof: Buffer }>(
    'select id, proof from public.master_key order by id',
  );
  return rows.map(({ id, proof }) => ({ id, proof: proof.toString('base64') }));
}

async function textOf(client: Client, expression: string): Promise<string> {
  return (await listOf(client, expression))[0] ?? '';
}

async function listOf(client: Client, expression: string): Promise<string[]> {
  const { rows } = await client.query<[unknown]>({ text: `select ${expression}`, rowMode: 'array' });
  return rows.map(([value]) => String(value));
}
