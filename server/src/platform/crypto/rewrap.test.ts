import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { newId } from '../../domain/id.ts';
import { KvService } from '../../domain/kv/kv.service.ts';
import { Organisation } from '../../domain/organisation/organisation.entity.ts';
import { SecretService } from '../../domain/vault/secret.service.ts';
import { Vault } from '../../domain/vault/vault.ts';
import { SecretMarkers } from '../../domain/vault/secret-markers.ts';
import { assertMasterKeys } from './assert-master-keys.ts';
import { MasterKeySealer } from './master-key-sealer.ts';
import { rewrapAll } from './rewrap.ts';
import { StorageQuota } from '../../domain/storage/storage-quota.ts';

const old = { id: 'old', key: Buffer.alloc(32, 1) };
const recent = { id: 'recent', key: Buffer.alloc(32, 2) };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('everything that is sealed comes under the newest key, and the former one is needed no more', async () => {
  const organisationId = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'pro' });
  await em.flush();
  await assertMasterKeys(database.orm, [old]);
  const before = new MasterKeySealer([old]);
  await new SecretService(database.orm.em.fork(), before).create(organisationId, { name: 'A', value: 'value of a' });
  const kv = new KvService(database.orm.em.fork(), before, new StorageQuota(database.orm));
  for (let index = 0; index < 3; index++)
    await kv.set({ organisationId, scope: 'organisation' }, `key${index}`, { value: index });

  await assertMasterKeys(database.orm, [recent, old]);
  const columns = await rewrapAll(database.orm, [recent, old]);
  expect(columns).toContainEqual({ table: 'secret', column: 'value', values: 1, rewrapped: 1 });
  expect(columns).toContainEqual({ table: 'kv_entry', column: 'value', values: 3, rewrapped: 3 });
  expect(columns).toContainEqual(expect.objectContaining({ table: 'credential', column: 'values' }));
  expect((await rewrapAll(database.orm, [recent, old])).every(({ rewrapped }) => rewrapped === 0)).toBe(true);

  await assertMasterKeys(database.orm, [recent]);
  const after = new MasterKeySealer([recent]);
  const marker = new SecretMarkers(after).of('exec_1', 'A');
  const disclosure = await new Vault(database.orm, after).open({ organisationId, executionId: 'exec_1' }, marker);
  expect(disclosure.reveal(marker)).toBe('value of a');
  const entry = await new KvService(database.orm.em.fork(), after, new StorageQuota(database.orm)).get(
    { organisationId, scope: 'organisation' },
    'key2',
  );
  expect(entry.value).toBe(2);
});

test.each([1, 2, 3, 4])('5 values in batches of %i are all put under the newest key', async (batch) => {
  const organisationId = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'pro' });
  await em.flush();
  await database.orm.em.getConnection().execute('delete from master_key; delete from kv_entry; delete from secret');
  await assertMasterKeys(database.orm, [old]);
  const before = new KvService(database.orm.em.fork(), new MasterKeySealer([old]), new StorageQuota(database.orm));
  for (let index = 0; index < 5; index++)
    await before.set({ organisationId, scope: 'organisation' }, `key${index}`, { value: index });
  await assertMasterKeys(database.orm, [recent, old]);
  const columns = await rewrapAll(database.orm, [recent, old], batch);
  expect(columns).toContainEqual({ table: 'kv_entry', column: 'value', values: 5, rewrapped: 5 });
  const after = new KvService(database.orm.em.fork(), new MasterKeySealer([recent]), new StorageQuota(database.orm));
  for (let index = 0; index < 5; index++)
    expect((await after.get({ organisationId, scope: 'organisation' }, `key${index}`)).value).toBe(index);
});
