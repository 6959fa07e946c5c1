import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { MikroORM } from '@mikro-orm/postgresql';
import { Client } from 'pg';
import { migrate } from '../src/platform/database/migrate.ts';
import { createOrm } from '../src/platform/database/orm.ts';

/** A database of its own for one test file, with every migration applied. */
export interface TestDatabase {
  url: string;
  orm: MikroORM;
  /** Closes the ORM and drops the database. */
  drop(): Promise<void>;
}

/** Copies the migrated template database, which takes about 0.1 s; the template is made once per jest run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = process.env.FLOWPACT_TEST_POSTGRES_URL;
  if (!server)
    throw new Error(
      'FLOWPACT_TEST_POSTGRES_URL is not set; run this through jest, whose globalSetup starts PostgreSQL.',
    );
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(server, async (admin) => {
    const template = await ensureTemplate(server, admin);
    await admin.query(`create database ${name} template ${template}`);
  });
  const url = withDatabase(server, name);
  const orm = await createOrm({ url });
  const drop = async (): Promise<void> => {
    await orm.close(true);
    await asAdmin(server, (admin) => admin.query(`drop database if exists ${name} with (force)`));
  };
  return { url, orm, drop };
}

/** A database with nothing in it. */
export async function createEmptyDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const server = String(process.env.FLOWPACT_TEST_POSTGRES_URL);
  const name = `empty_${randomBytes(6).toString('hex')}`;
  await asAdmin(server, (admin) => admin.query(`create database ${name}`));
  const drop = (): Promise<void> =>
    asAdmin(server, (admin) => admin.query(`drop database if exists ${name} with (force)`));
  return { url: withDatabase(server, name), drop };
}

/** The lock makes test files that start together wait for the one that builds the template, and keeps copies apart. */
async function ensureTemplate(server: string, admin: Client): Promise<string> {
  const template = `template_${migrationsHash()}`;
  await admin.query('select pg_advisory_lock(1)');
  const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [template]);
  if (rowCount) return template;
  await admin.query(`drop database if exists ${template}_new with (force)`);
  await admin.query(`create database ${template}_new`);
  const url = withDatabase(server, `${template}_new`);
  const orm = await createOrm({ url });
  try {
    await migrate(orm, url);
  } finally {
    await orm.close(true);
  }
  await admin.query(`alter database ${template}_new rename to ${template}`);
  return template;
}

function migrationsHash(): string {
  const folder = new URL('../src/platform/database/migrations/', import.meta.url);
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(new URL(file, folder)));
  return hash.digest('hex').slice(0, 12);
}

async function asAdmin(server: string, work: (admin: Client) => Promise<unknown>): Promise<void> {
  const admin = new Client({ connectionString: server });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function withDatabase(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
