import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { StartupError } from '../lifecycle/startup-error.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts';
import { commandLine, isAlive, stopPostmaster } from './postmaster.ts';

const started: EmbeddedPostgres[] = [];
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'flowpact-embedded-'));
  chmodSync(dataDir, 0o755);
});

afterEach(async () => {
  for (const postgres of started.splice(0)) await postgres.stop();
  chmodSync(dataDir, 0o755);
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, database: 'flowpact', throwaway: true });
  started.push(postgres);
  return postgres;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function refusal(): Promise<StartupError> {
  const error = await start().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StartupError);
  return error as StartupError;
}

describe('the embedded PostgreSQL', () => {
  test('keeps its data over a stop and a start, under the same password', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    const second = await start();
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  test('listens on the loopback address only and wants its password', async () => {
    const { url } = await start();
    expect(new URL(url).hostname).toBe('127.0.0.1');
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('takes the data over from a server that was killed and left its PostgreSQL running', async () => {
    const orphan = await start();
    await query(orphan.url, 'create table kept as select 1 as answer');
    // The mark of a server that is gone.
    writeFileSync(join(dataDir, 'postgres.owner'), '999999\nnode dist/server/src/main.js\n');
    const heir = await start();
    expect(isAlive(orphan.pid)).toBe(false);
    expect(await query(heir.url, 'select answer from kept')).toEqual([{ answer: 1 }]);
  });

  test('starts although the number in a leftover postmaster.pid belongs to another process by now', async () => {
    await (await start()).stop();
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), `${process.pid}\n${dataDir}/postgres\n`);
    expect(await query((await start()).url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('starts over when the first start was killed half way', async () => {
    mkdirSync(join(dataDir, 'postgres.new'));
    writeFileSync(join(dataDir, 'postgres.new', 'PG_VERSION'), '18\n');
    expect(await query((await start()).url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(existsSync(join(dataDir, 'postgres.new'))).toBe(false);
  });

  test('refuses a folder that another live server uses, and names that server', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
    try {
      await new Promise((done) => other.once('spawn', done));
      writeFileSync(join(dataDir, 'postgres.owner'), `${other.pid}\n${commandLine(Number(other.pid)).trim()}\n`);
      const { message, remedy } = await refusal();
      expect(message).toContain(`process ${other.pid}`);
      expect(remedy).toContain('FLOWPACT_DATA_DIR');
    } finally {
      other.kill();
    }
  });

  test('refuses data of another major version', async () => {
    await (await start()).stop();
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '15\n');
    expect((await refusal()).message).toContain('written by PostgreSQL 15');
    expect(existsSync(join(dataDir, 'postgres.owner'))).toBe(false);
  });

  test('refuses a folder that cannot be made', async () => {
    writeFileSync(join(dataDir, 'file'), '');
    dataDir = join(dataDir, 'file', 'data');
    const { message, remedy } = await refusal();
    dataDir = join(dataDir, '..', '..');
    expect(message).toContain('cannot be written');
    expect(remedy).toContain('FLOWPACT_DATA_DIR');
  });

  test('below a folder that only this user may enter, its data outlives a stop, and it says where that is', async () => {
    const closed = dataDir;
    chmodSync(closed, 0o700);
    dataDir = join(closed, 'data');
    const first = await start();
    try {
      await query(first.url, 'create table kept as select 42 as answer');
      expect(existsSync(join(first.store, 'postgres', 'PG_VERSION'))).toBe(true);
      await first.stop();
      const second = await start();
      expect(second.store).toBe(first.store);
      expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
      await second.stop();
    } finally {
      rmSync(first.store, { recursive: true, force: true });
      dataDir = closed;
    }
  });

  test('refuses a data folder whose database lay elsewhere and is gone, rather than start with an empty one', async () => {
    writeFileSync(join(dataDir, 'postgres.place'), '/var/lib/no-such-folder\n');
    const { message, remedy } = await refusal();
    expect(message).toContain('/var/lib/no-such-folder');
    expect(remedy).toContain(join(dataDir, 'postgres.place'));
  });

  test('refuses a database elsewhere in a folder that anyone can write to', async () => {
    const open = join(dataDir, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    writeFileSync(join(dataDir, 'postgres.place'), `${open}\n`);
    expect((await refusal()).message).toContain('other users than root can change that folder');
  });

  test('a stop while it is stopping waits for the same end', async () => {
    const postgres = await start();
    await Promise.all([postgres.stop(), postgres.stop()]);
    expect(isAlive(postgres.pid)).toBe(false);
    await stopPostmaster(postgres.pid);
  });
});
