import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { newId } from '../../domain/id.ts';
import { Organisation } from '../../domain/organisation/organisation.entity.ts';

let database: TestDatabase;
let organisationId: string;
let holder: ChildProcess;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  organisationId = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'pro' });
  await em.flush();
});
afterEach(() => {
  holder.kill('SIGKILL');
});

/** A process in mid-transaction, which PostgreSQL ends after that many milliseconds in which nothing happens. */
async function holding(standstill: number): Promise<ChildProcess> {
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  const child = fork(
    new URL('../../../test/row-holder.ts', import.meta.url),
    [database.url, organisationId, String(standstill)],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env },
  );
  expect(await once(child, 'message')).toContain('holding');
  return child;
}

const rename = (): Promise<unknown> =>
  database.orm.em.fork().nativeUpdate(Organisation, { id: organisationId }, { name: 'Renamed' });
const name = async (): Promise<string> =>
  (await database.orm.em.fork().findOneOrFail(Organisation, organisationId)).name;

test('a process that stands still in mid-transaction lets the others go on, and hears that it was too late', async () => {
  holder = await holding(500);
  holder.kill('SIGSTOP');
  await rename();
  expect(await name()).toBe('Renamed');
  holder.kill('SIGCONT');
  const outcome = once(holder, 'message');
  holder.send('commit');
  expect(await outcome).toContain('lost');
  expect(await name()).toBe('Renamed');
});

test('a transaction that goes on in time is left alone', async () => {
  holder = await holding(30_000);
  const outcome = once(holder, 'message');
  holder.send('commit');
  expect(await outcome).toContain('committed');
  expect(await name()).toBe('Held to the end');
});

test('every connection of the ORM has a limit', async () => {
  const [setting] = await database.orm.em.fork().execute('show idle_in_transaction_session_timeout');
  expect(setting).toEqual({ idle_in_transaction_session_timeout: '30s' });
});
