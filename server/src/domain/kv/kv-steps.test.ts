import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { KvEntry, KvStep } from './kv-entry.entity.ts';
import { KvExpiry } from './kv-expiry.ts';
import { KvService } from './kv.service.ts';
import { KvSteps } from './kv-steps.ts';
import { StorageQuota } from '../storage/storage-quota.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
let database: TestDatabase;
let steps: KvSteps;
const organisationId = newId('org');

beforeAll(async () => {
  database = await createTestDatabase();
  const em = database.orm.em.fork();
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'pro' });
  await em.flush();
  steps = new KvSteps(database.orm, new KvService(database.orm.em.fork(), sealer, new StorageQuota(database.orm)));
});
afterAll(() => database.drop());

const step = (key: string): Parameters<KvSteps['get']>[0] => ({
  organisationId,
  workflowId: newId('wf'),
  executionId: 'exec_1',
  idempotencyKey: `exec_1:${key}:1`,
});

test('a step that a crash repeats writes once and gets the same answer', async () => {
  const append = (): Promise<unknown> => steps.append(step('append'), 'organisation', 'list', { item: 'a' });
  expect(await append()).toEqual({ version: 1, length: 1 });
  expect(await append()).toEqual({ version: 1, length: 1 });
  const set = (): Promise<unknown> => steps.set(step('set'), 'organisation', 'value', { value: 1, ifVersion: 0 });
  expect([await set(), await set()]).toEqual([{ version: 1 }, { version: 1 }]);
  const remove = (): Promise<unknown> => steps.delete(step('delete'), 'organisation', 'value');
  expect([await remove(), await remove()]).toEqual([{ deleted: true }, { deleted: true }]);
  expect(await steps.get(step('get'), 'organisation', 'list')).toEqual({ found: true, value: ['a'], version: 1 });
});

test('twins of a step at the same time write once', async () => {
  const twins = await Promise.all(
    Array.from({ length: 5 }, () => steps.append(step('twin'), 'organisation', 'twins', { item: 1 })),
  );
  expect(twins).toEqual(Array.from({ length: 5 }, () => ({ version: 1, length: 1 })));
  expect(await steps.get(step('get'), 'organisation', 'twins')).toMatchObject({ value: [1] });
});

test('a workflow that is gone, and a value that is too large, are failures of the node', async () => {
  await expect(steps.set(step('lost'), 'workflow', 'x', { value: 1 })).rejects.toMatchObject({
    code: 'resource_not_found',
  });
  await expect(steps.set(step('large'), 'organisation', 'x', { value: 'x'.repeat(300_000) })).rejects.toMatchObject({
    code: 'validation_error',
  });
});

test('what is over is removed', async () => {
  await steps.set(step('brief'), 'organisation', 'brief', { value: 1, ttl: 60 });
  const em = database.orm.em.fork();
  await em.nativeUpdate(KvEntry, { key: 'brief' }, { expiresAt: new Date(0) });
  await em.nativeUpdate(KvStep, { id: 'exec_1:brief:1' }, { createdAt: new Date(0) });
  const expiry = new KvExpiry(database.orm, new RecordedLoops());
  expect(await expiry.purge()).toBe(false);
  expect(await em.count(KvEntry, { key: 'brief' })).toBe(0);
  expect(await em.count(KvStep, { id: 'exec_1:brief:1' })).toBe(0);
  expect(await em.count(KvEntry, { key: 'list' })).toBe(1);
});

test('the value cannot be read in the database', async () => {
  await steps.set(step('hidden'), 'organisation', 'hidden', { value: 'nobody reads this' });
  const [row] = await database.orm.em
    .fork()
    .execute<{ text: string }[]>(`select encode(value, 'escape') as text from kv_entry where key = 'hidden'`);
  expect(row!.text).not.toContain('nobody');
});
