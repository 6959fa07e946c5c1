import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { startTestServer, type TestServer } from '../../../test/app.ts';
import { createEmptyDatabase } from '../../../test/database.ts';
import { testMasterKeys } from '../../../test/master-keys.ts';
import { until } from '../../../test/until.ts';
import { parseMasterKeys } from '../crypto/master-keys.ts';
import { migrate } from '../database/migrate.ts';
import { createOrm } from '../database/orm.ts';
import { schemaState } from '../database/schema-state.ts';
import { applicationTables } from './application-tables.ts';
import { BackupWriter } from './backup-folder.ts';
import { makeBackup } from './make-backup.ts';
import type { Manifest } from './manifest.ts';
import { readBackup, restoreBackup } from './restore-backup.ts';

const keys = parseMasterKeys(testMasterKeys)!;
const folder = mkdtempSync(join(tmpdir(), 'flowpact-backup-'));
const original = join(folder, 'original');

let server: TestServer;
let target: Awaited<ReturnType<typeof createEmptyDatabase>>;

beforeAll(async () => {
  server = await startTestServer();
  await fillWithSomething(server);
  await makeBackup({ url: server.database.url, orm: server.database.orm, folder: original, version: '0.0.0' });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  target = await createEmptyDatabase();
});
afterEach(() => target.drop());

async function fillWithSomething({ url, admin }: TestServer): Promise<void> {
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const headers = { 'x-api-key': admin.apiKey, 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(response.status).toBeLessThan(300);
    return ((await response.json()) as { data: Record<string, string> }).data;
  };
  await post('/v1/secrets', { name: 'SHOP_KEY', value: 'tab\tnewline\nbackslash\\ \u{1f511}' });
  const approve = { id: 'ask', type: 'approval', params: { message: 'Go on?' } };
  const workflow = await post('/v1/workflows', { name: 'Asks', definition: { nodes: [approve], edges: [] } });
  await post(`/v1/workflows/${workflow.id!}/publish`, {});
  await post(`/v1/workflows/${workflow.id!}/execute`, { input: { text: 'a\\tb' } });
}

async function restore(from: string, { force = false, url = target.url } = {}): Promise<void> {
  const manifest = await readBackup(from, keys);
  await restoreBackup({ url, folder: from, manifest, force });
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** The rows of every table in a backup, in an order of their own. */
function contentOf(backup: string): Record<string, string[]> {
  const { tables } = manifestOf(backup);
  return Object.fromEntries(
    tables.map(({ schema, name, file }) => {
      const lines = gunzipSync(readFileSync(join(backup, file)))
        .toString()
        .split('\n');
      return [`${schema}.${name}`, lines.sort()];
    }),
  );
}

function manifestOf(backup: string): Manifest {
  return JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8')) as Manifest;
}

/** A copy of the backup to be spoilt. */
let copies = 0;
function copyOf(backup: string): string {
  const copy = join(folder, `copy-${++copies}`);
  cpSync(backup, copy, { recursive: true });
  return copy;
}

/** A copy with another manifest, whose checksum is right. */
function withManifest(change: (manifest: Manifest) => object): string {
  const copy = copyOf(original);
  const text = JSON.stringify(change(manifestOf(original)));
  writeFileSync(join(copy, 'manifest.json'), text);
  const sum = createHash('sha256').update(text).digest('hex');
  const sums = readFileSync(join(copy, 'SHA256SUMS'), 'utf8');
  writeFileSync(join(copy, 'SHA256SUMS'), sums.replace(/^\w+ {2}manifest/m, `${sum}  manifest`));
  return copy;
}

async function tablesIn(url: string): Promise<number> {
  const [row] = await query(url, `select count(*)::int as n from pg_tables where schemaname in ('public', 'dbos')`);
  return Number(row!.n);
}

describe('a backup', () => {
  test('has every table that the migrations make', async () => {
    const rows = await query(server.database.url, `select tablename from pg_tables where schemaname = 'public'`);
    const names = rows.map(({ tablename }) => String(tablename));
    expect(applicationTables(server.database.orm).toSorted()).toEqual(names.sort());
    expect(
      manifestOf(original)
        .tables.filter(({ schema }) => schema === 'public')
        .map(({ name }) => name),
    ).toEqual(names);
  });

  test('restored and taken again holds the same rows and sequences', async () => {
    await restore(original);
    const orm = await createOrm({ url: target.url });
    const second = join(folder, 'second');
    try {
      await makeBackup({ url: target.url, orm, folder: second, version: '0.0.0' });
    } finally {
      await orm.close();
    }
    const content = contentOf(second);
    expect(content).toEqual(contentOf(original));
    expect(content['public.secret']).toHaveLength(2);
    expect(content['dbos.workflow_status']!.length).toBeGreaterThan(1);
    expect(manifestOf(second).sequences).toEqual(manifestOf(original).sequences);
  });

  test('restored has the schema of the server it was taken from, references and triggers with it', async () => {
    await restore(original);
    const constraints = `select conrelid::regclass::text as "table", conname, pg_get_constraintdef(oid) as definition, convalidated
      from pg_constraint where connamespace in ('public'::regnamespace, 'dbos'::regnamespace) order by 1, 2, 3`;
    const indexes = `select indexname, indexdef from pg_indexes where schemaname in ('public', 'dbos') order by 1`;
    const triggers = `select tgrelid::regclass::text as "table", tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2`;
    const functions = `select proname, prosrc from pg_proc where pronamespace = 'dbos'::regnamespace order by 1, 2`;
    const columns = `select table_schema, table_name, ordinal_position, column_name, data_type, is_nullable, column_default
      from information_schema.columns where table_schema in ('public', 'dbos') order by 1, 2, 3`;
    for (const text of [columns, constraints, indexes, triggers, functions])
      expect(await query(target.url, text)).toEqual(await query(server.database.url, text));
  });

  test('is for this user alone to read, and says what it is', () => {
    expect(statSync(original).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(original, { recursive: true, withFileTypes: true }))
      if (file.isFile()) expect(statSync(join(file.parentPath, file.name)).mode & 0o777).toBe(0o600);
    expect(manifestOf(original)).toMatchObject({ format: 1, flowpact: '0.0.0', master_keys: [{ id: keys[0]!.id }] });
  });

  test('never replaces another', async () => {
    const again = makeBackup({
      url: server.database.url,
      orm: server.database.orm,
      folder: original,
      version: '0.0.0',
    });
    await expect(again).rejects.toThrow('is there already');
  });

  test('that fails leaves nothing behind', async () => {
    const into = join(folder, 'failed');
    const release = await server.holdLock('lock table secret in access exclusive mode');
    const made = makeBackup({ url: server.database.url, orm: server.database.orm, folder: into, version: '0.0.0' });
    const outcome = made.catch((error: unknown) => error);
    const blocked = `from pg_stat_activity where application_name = 'flowpact_backup' and wait_event_type = 'Lock'`;
    await until(async () => (await query(server.database.url, `select pid ${blocked}`)).length === 1);
    await query(server.database.url, `select pg_terminate_backend(pid) ${blocked}`);
    await release();
    expect(String((await outcome) as Error)).toMatch(/terminat/);
    expect(readdirSync(folder).filter((name) => name.startsWith('failed'))).toEqual([]);
  });

  test('of a database without Flowpact is refused', async () => {
    const orm = await createOrm({ url: target.url });
    const into = join(folder, 'nothing');
    const made = makeBackup({ url: target.url, orm, folder: into, version: '0.0.0' });
    await expect(made).rejects.toThrow('There is nothing of Flowpact in this database.');
    await orm.close();
  });
});

describe('a backup that is not as it was written is refused before anything is written', () => {
  const file = (backup: string, name: string): string => join(backup, name);
  const secrets = 'tables/public.secret.copy.gz';

  test.each<[string, (backup: string) => void, string]>([
    ['a changed byte', (b) => flipByte(file(b, secrets)), `${secrets} are not as they were written`],
    ['a file cut short', (b) => truncateSync(file(b, secrets), 20), `${secrets} are not as they were written`],
    ['a file that is gone', (b) => rmSync(file(b, secrets)), `${secrets} are not as they were written`],
    ['a changed manifest', (b) => flipByte(file(b, 'manifest.json')), 'manifest.json are not as they were written'],
    ['no checksums', (b) => rmSync(file(b, 'SHA256SUMS')), 'it has no file SHA256SUMS, which is written last'],
    ['checksums cut short', (b) => truncateSync(file(b, 'SHA256SUMS'), 1_000), 'is damaged or incomplete'],
    ['no backup at all', (b) => rmSync(b, { recursive: true }), 'There is no folder'],
  ])('%s', async (_what, spoil, message) => {
    const copy = copyOf(original);
    spoil(copy);
    await expect(restore(copy)).rejects.toThrow(message);
    expect(await tablesIn(target.url)).toBe(0);
  });

  test('checksums that lack whole lines', async () => {
    const copy = copyOf(original);
    const lines = readFileSync(join(copy, 'SHA256SUMS'), 'utf8').split('\n');
    writeFileSync(join(copy, 'SHA256SUMS'), lines.filter((line) => !line.includes(secrets)).join('\n'));
    await expect(restore(copy)).rejects.toThrow(`${secrets} are missing`);
  });
});

function flipByte(file: string): void {
  const bytes = readFileSync(file);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(file, bytes);
}

describe('a backup of another version', () => {
  test.each<[string, (manifest: Manifest) => object]>([
    ['a newer format', (manifest) => ({ ...manifest, format: 2 })],
    ['a newer schema', (manifest) => ({ ...manifest, migrations: [...manifest.migrations, 'Migration2999_new'] })],
    ['a newer schema of the engine', (manifest) => ({ ...manifest, engine_schema: 100_000 })],
  ])('%s is refused', async (_what, change) => {
    await expect(restore(withManifest(change))).rejects.toThrow('was made by a newer version of Flowpact');
    expect(await tablesIn(target.url)).toBe(0);
  });

  test('an older one is restored as it was, and the next start brings it up to date', async () => {
    const first = 'Migration20261122000100_identity';
    const older = join(folder, 'older');
    const writer = await BackupWriter.begin(older);
    const row = ['org_1', 'Acme', 'pro', '2026-11-22 00:00:00+00', '2026-11-22 00:00:00+00'];
    const tables: Manifest['tables'] = [
      {
        schema: 'public',
        name: 'organisation',
        columns: ['id', 'name', 'plan', 'created_at', 'updated_at'],
        rows: 1,
        file: 'tables/public.organisation.copy.gz',
      },
      {
        schema: 'public',
        name: 'migration',
        columns: ['id', 'name'],
        rows: 1,
        file: 'tables/public.migration.copy.gz',
      },
    ];
    await writer.addCompressed(tables[0]!.file, Readable.from([`${row.join('\t')}\n`]));
    await writer.addCompressed(tables[1]!.file, Readable.from([`1\t${first}\n`]));
    const sequences: Manifest['sequences'] = [{ schema: 'public', name: 'migration_id_seq', next_value: '2' }];
    const manifest = { ...manifestOf(original), migrations: [first], engine_schema: 0, master_keys: [] };
    await writer.finish({ ...manifest, tables, sequences });

    await restore(original);
    await restore(older, { force: true });
    const orm = await createOrm({ url: target.url });
    try {
      expect((await schemaState(orm)).pending).not.toEqual([]);
      await migrate(orm, target.url);
      expect(await schemaState(orm)).toEqual({ isEmpty: false, pending: [], unknown: [] });
    } finally {
      await orm.close();
    }
    expect(await query(target.url, 'select name, plan from organisation')).toEqual([{ name: 'Acme', plan: 'pro' }]);
  });
});

describe('without the keys that the values are encrypted with', () => {
  test.each([
    ['no key', [], 'which is not configured'],
    [
      'another key of the same id',
      [{ id: keys[0]!.id, key: Buffer.alloc(32, 9) }],
      'is not the one that values in this backup',
    ],
  ])('%s: refused', async (_what, given, message) => {
    await expect(readBackup(original, given)).rejects.toThrow(message);
  });
});

describe('a database that is in use', () => {
  test('is left alone, and replaced with force', async () => {
    await restore(original);
    await query(target.url, `update organisation set name = 'Changed since'`);
    await expect(restore(original)).rejects.toThrow('The database is in use already');
    expect(await query(target.url, 'select name from organisation')).toEqual([{ name: 'Changed since' }]);
    await restore(original, { force: true });
    expect(await query(target.url, 'select name from organisation')).toEqual([{ name: 'My organisation' }]);
  });

  test('is as before when the restore fails', async () => {
    await restore(original);
    await query(target.url, `update organisation set name = 'Changed since'`);
    const wrong = withManifest((manifest) => ({
      ...manifest,
      tables: manifest.tables.map((table) => ({ ...table, rows: table.rows + (table.name === 'secret' ? 1 : 0) })),
    }));
    await expect(restore(wrong, { force: true })).rejects.toThrow('has 1 rows, and manifest.json says 2');
    expect(await query(target.url, 'select name from organisation')).toEqual([{ name: 'Changed since' }]);
  });

  test('rows that refer to nothing are refused', async () => {
    const copy = copyOf(original);
    const users = join(copy, 'tables/public.organisation.copy.gz');
    const content = gunzipSync(readFileSync(users))
      .toString()
      .replace(/^org_\w+/, 'org_other');
    writeFileSync(users, gzipSync(content));
    const sum = createHash('sha256').update(readFileSync(users)).digest('hex');
    const sums = readFileSync(join(copy, 'SHA256SUMS'), 'utf8');
    writeFileSync(
      join(copy, 'SHA256SUMS'),
      sums.replace(/^\w+ {2}tables\/public\.organisation\./m, `${sum}  tables/public.organisation.`),
    );
    await expect(restore(copy)).rejects.toThrow('foreign key');
    expect(await tablesIn(target.url)).toBe(0);
  });

  test('by a server: refused, also with force', async () => {
    const { url } = server.database;
    await expect(restore(original, { force: true, url })).rejects.toThrow(
      'A server or command of Flowpact uses this database',
    );
    expect(await query(url, 'select count(*)::int as n from secret')).toEqual([{ n: 1 }]);
  });

  test('by tables of others only: they are left alone', async () => {
    await query(target.url, 'create table notes (text text); insert into notes values (1)');
    await restore(original);
    expect(await query(target.url, 'select * from notes')).toEqual([{ text: '1' }]);
  });
});
