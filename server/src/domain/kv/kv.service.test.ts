import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import type { Json } from '../domain-error.ts';
import { Group } from '../group/group.entity.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import type { StorageQuota } from '../storage/storage-quota.ts';
import { Workflow } from '../workflow/workflow.entity.ts';
import { KvEntry, KvStep } from './kv-entry.entity.ts';
import { KvExpiry } from './kv-expiry.ts';
import { KvService, type KvPlace, largestValue } from './kv.service.ts';
import { KvSteps } from './kv-steps.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
let database: TestDatabase;
let place: KvPlace;
let organisationId: string;
/** Whether there is room, and how often that was asked. */
const quota = { isFull: false, asked: 0 };

const strictQuota = {
  assertRoom: async () => {
    quota.asked += 1;
    if (quota.isFull) throw new Error('no room');
  },
} as unknown as StorageQuota;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  Object.assign(quota, { isFull: false, asked: 0 });
  await database.orm.em.fork().nativeDelete(KvEntry, {});
  await database.orm.em.fork().nativeDelete(KvStep, {});
  organisationId = await organisation();
  place = { organisationId, scope: 'organisation' };
});

async function organisation(): Promise<string> {
  const id = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  return id;
}

const kv = (): KvService => new KvService(database.orm.em.fork(), sealer, strictQuota);
const value = async (key: string, at = place): Promise<Json | undefined> => (await kv().find(at, key))?.value;

/** Seconds until the entry is gone; null: never. */
async function secondsLeft(key: string): Promise<number | null> {
  const { expiresAt } = (await kv().get(place, key)).entry;
  return expiresAt ? Math.round((expiresAt.getTime() - Date.now()) / 1_000) : null;
}

/** Lets the time of the entry pass. */
async function pass(key: string): Promise<void> {
  const em = database.orm.em.fork();
  const changed = await em.nativeUpdate(
    KvEntry,
    { key, organisation: organisationId },
    { expiresAt: new Date(Date.now() - 1) },
  );
  expect(changed).toBe(1);
}

describe('the time of an entry', () => {
  // A busy machine takes some seconds between the two clocks.
  const about = (seconds: number | null): unknown => (seconds === null ? null : expect.closeTo(seconds, -1.5));

  test.each<[ttl: number | null | undefined, left: number | null]>([
    [600, 600],
    [null, null],
    [undefined, null],
  ])('set with ttl %s over one of 3,600: %s seconds are left', async (ttl, left) => {
    await kv().set(place, 'a', { value: 1, ttl: 3_600 });
    await kv().set(place, 'a', { value: 2, ...(ttl !== undefined && { ttl }) });
    expect([await value('a'), await secondsLeft('a')]).toEqual([2, about(left)]);
  });

  test.each<[before: number | null, ttl: number | null | undefined, left: number | null]>([
    [3_600, undefined, 3_600],
    [3_600, null, null],
    [3_600, 600, 600],
    [null, undefined, null],
    [null, 600, 600],
  ])('of a list that had %s, appended with ttl %s: %s seconds are left', async (before, ttl, left) => {
    await kv().set(place, 'list', { value: ['a'], ttl: before });
    await kv().append(place, 'list', { item: 'b', ...(ttl !== undefined && { ttl }) });
    expect([await value('list'), await secondsLeft('list')]).toEqual([['a', 'b'], about(left)]);
  });

  test('a list that is over begins anew, without the time that is over', async () => {
    const first = await kv().append(place, 'list', { item: 'a', ttl: 60 });
    await pass('list');
    const { entry } = await kv().append(place, 'list', { item: 'b' });
    expect([await value('list'), await secondsLeft('list'), entry.version]).toEqual([['b'], null, 1]);
    expect(entry.createdAt.getTime()).toBeGreaterThanOrEqual(first.entry.createdAt.getTime());
  });

  test('what is over is not there for anybody, before it is removed too', async () => {
    await kv().set(place, 'over', { value: 'old', ttl: 60 });
    await kv().set(place, 'present', { value: 'new', ttl: 60 });
    await pass('over');
    expect(await value('over')).toBeUndefined();
    await expect(kv().get(place, 'over')).rejects.toMatchObject({ code: 'resource_not_found' });
    expect((await kv().list(place, { page: 1, perPage: 20 })).items.map(({ key }) => key)).toEqual(['present']);
    expect(await kv().delete(place, 'over')).toBe(false);
    await expect(kv().remove(place, 'over')).rejects.toMatchObject({ code: 'resource_not_found' });
    await expect(kv().set(place, 'over', { value: 1, ifVersion: 1 })).rejects.toMatchObject({
      code: 'kv_version_conflict',
      details: { key: 'over', version: 0 },
    });
    expect((await kv().set(place, 'over', { value: 'again', ifVersion: 0 })).entry.version).toBe(1);
  });

  test('in rounds of two, five that are over are removed in three, and what steps have left with them', async () => {
    const em = database.orm.em.fork();
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      await kv().set(place, key, { value: 1, ttl: 60 });
      await pass(key);
    }
    await kv().set(place, 'later', { value: 1, ttl: 60 });
    await kv().set(place, 'never', { value: 1 });
    const day = 86_400_000;
    for (const [id, days] of [
      ['young', 6.9],
      ['old', 7.1],
    ] as const)
      // prettier-ignore
      em.create(KvStep, { id, organisationId, result: 1, createdAt: new Date(Date.now() - days * day) });
    await em.flush();
    const expiry = new KvExpiry(database.orm, new RecordedLoops());
    const rounds: [boolean, number][] = [];
    for (let round = 0; round < 3; round++)
      rounds.push([await expiry.purge(2), await em.count(KvEntry, { organisation: organisationId })]);
    expect(rounds).toEqual([[true, 5], [true, 3], [false, 2]]); // prettier-ignore
    expect((await em.find(KvStep, { organisationId })).map(({ id }) => id)).toEqual(['young']);
  });

  test('as many steps as are removed in a round are followed by another', async () => {
    const em = database.orm.em.fork();
    for (const id of ['one', 'two'])
      em.create(KvStep, { id, organisationId, result: 1, createdAt: new Date(Date.now() - 8 * 86_400_000) });
    await em.flush();
    const expiry = new KvExpiry(database.orm, new RecordedLoops());
    expect([await expiry.purge(2), await expiry.purge(2)]).toEqual([true, false]);
  });

  test('a round removes 1,000, and is followed by another', async () => {
    await kv().set(place, 'first', { value: 1, ttl: 60 });
    const { em } = database.orm;
    await em.fork().execute(
      `insert into kv_entry (scope_id, key, organisation_id, scope, value, size, version, expires_at, created_at, updated_at)
       select scope_id, 'copy_' || n, organisation_id, scope, value, size, version, now(), now(), now()
         from kv_entry cross join generate_series(1, 1001) n`,
    );
    const expiry = new KvExpiry(database.orm, new RecordedLoops());
    expect([await expiry.purge(), await em.fork().count(KvEntry, {})]).toEqual([true, 2]);
    expect([await expiry.purge(), await em.fork().count(KvEntry, {})]).toEqual([false, 1]);
  });

  test('the loop that removes them is one of the workers', async () => {
    const loops = new RecordedLoops();
    new KvExpiry(database.orm, loops).onModuleInit();
    await kv().set(place, 'over', { value: 1, ttl: 60 });
    await pass('over');
    expect(await loops.loops.get('kv-expiry')!.run(new AbortController().signal)).toBe(false);
    expect(await database.orm.em.fork().count(KvEntry, { organisation: organisationId })).toBe(0);
  });
});

describe('bounds', () => {
  test('a value of 256 KiB as JSON is stored, and one of a byte more is not, nor a list that grows beyond', async () => {
    const largest = 'x'.repeat(largestValue - 2);
    expect((await kv().set(place, 'large', { value: largest })).entry.size).toBe(262_144);
    const tooLarge = { code: 'validation_error', details: { errors: [{ field: 'value', location: 'body' }] } };
    await expect(kv().set(place, 'large', { value: `${largest}x` })).rejects.toMatchObject(tooLarge);
    await expect(kv().set(place, 'large', { value: `${largest.slice(1)}é` })).rejects.toMatchObject(tooLarge);
    await kv().set(place, 'list', { value: [largest.slice(4)] });
    await kv().append(place, 'list', { item: 1 });
    await expect(kv().append(place, 'list', { item: 1 })).rejects.toMatchObject(tooLarge);
    expect(await kv().append(place, 'list', { item: 1, maxItems: 2 })).toMatchObject({ value: [1, 1] });
  });

  test.each([
    [1, ['d']],
    [2, ['c', 'd']],
    [3, ['b', 'c', 'd']],
    [4, ['a', 'b', 'c', 'd']],
    [5, ['a', 'b', 'c', 'd']],
  ])('a list that keeps its last %i items', async (maxItems, kept) => {
    await kv().set(place, 'list', { value: ['a', 'b', 'c'] });
    await kv().append(place, 'list', { item: 'd', maxItems });
    expect(await value('list')).toEqual(kept);
  });

  test('an organisation has at most 10,000 entries over all its scopes; those that are there can be replaced', async () => {
    const workflow = { organisationId, scope: 'workflow', scopeId: await workflowOf(null) } as const;
    await kv().set(place, 'first', { value: 1 });
    await kv().set(workflow, 'second', { value: 1 });
    await database.orm.em.fork().execute(
      `insert into kv_entry (scope_id, key, organisation_id, scope, value, size, version, created_at, updated_at)
       select scope_id, 'copy_' || n, organisation_id, scope, value, size, version, now(), now()
         from kv_entry cross join generate_series(1, 9997) n where key = 'first' and organisation_id = ?`,
      [organisationId],
    );
    await kv().set(place, 'last', { value: 1 });
    const tooMany = { code: 'validation_error', message: 'There are too many kv entries.' };
    await expect(kv().set(place, 'more', { value: 1 })).rejects.toMatchObject(tooMany);
    await expect(kv().append(workflow, 'more', { item: 1 })).rejects.toMatchObject(tooMany);
    expect((await kv().set(place, 'last', { value: 2 })).entry.version).toBe(2);
    const other = { organisationId: await organisation(), scope: 'organisation' } as const;
    await kv().set(other, 'more', { value: 1 });
    await kv().remove(place, 'first');
    await kv().set(place, 'more', { value: 1 });
  });

  test('room is asked for where an entry grows, and for no other', async () => {
    await kv().set(place, 'a', { value: 'xx' });
    expect(quota.asked).toBe(1);
    quota.isFull = true;
    await kv().set(place, 'a', { value: 'yy' });
    await kv().set(place, 'a', { value: '' });
    expect(quota.asked).toBe(1);
    await expect(kv().set(place, 'a', { value: 'zzz' })).rejects.toThrow('no room');
    await expect(kv().set(place, 'b', { value: 1 })).rejects.toThrow('no room');
    expect(await value('a')).toBe('');
    expect(await kv().delete(place, 'a')).toBe(true);
  });

  test.each([
    ['a value', () => kv().set(place, 'a', { value: 'half \ud800' }), 'value'],
    ['an item', () => kv().append(place, 'a', { item: { deep: '\0' } }), 'item'],
  ])('%s with characters that nothing can store is refused, by its name', async (_, store, field) => {
    await expect(store()).rejects.toMatchObject({ code: 'validation_error', details: { errors: [{ field }] } });
  });
});

describe('versions', () => {
  test('count from 1, and an entry is changed or removed from the one that was read', async () => {
    expect((await kv().set(place, 'a', { value: 1, ifVersion: 0 })).entry.version).toBe(1);
    expect((await kv().append(place, 'list', { item: 1 })).entry.version).toBe(1);
    expect((await kv().append(place, 'list', { item: 1 })).entry.version).toBe(2);
    const conflict = { code: 'kv_version_conflict', details: { key: 'a', version: 1 } };
    await expect(kv().set(place, 'a', { value: 2, ifVersion: 0 })).rejects.toMatchObject(conflict);
    await expect(kv().set(place, 'a', { value: 2, ifVersion: 2 })).rejects.toMatchObject({
      ...conflict,
      message: expect.stringContaining('is at version 1, not at version 2'),
    });
    await expect(kv().delete(place, 'a', 0)).rejects.toMatchObject(conflict);
    expect(await value('a')).toBe(1);
    expect(await kv().delete(place, 'a', 1)).toBe(true);
    expect(await kv().delete(place, 'a', 1)).toBe(false);
    await expect(kv().set(place, 'a', { value: 2, ifVersion: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('is not there, not at version 1'),
    });
  });

  test('an entry that is replaced keeps the time of its making', async () => {
    await kv().set(place, 'a', { value: 1 });
    const made = new Date(Date.now() - 60_000);
    await database.orm.em.fork().nativeUpdate(KvEntry, { key: 'a', organisation: organisationId }, { createdAt: made });
    const { entry } = await kv().set(place, 'a', { value: 2 });
    expect([entry.createdAt, entry.updatedAt > made]).toEqual([made, true]);
  });

  test('only a list has an end', async () => {
    await kv().set(place, 'text', { value: 'list' });
    await expect(kv().append(place, 'text', { item: 1 })).rejects.toMatchObject({ code: 'kv_not_a_list' });
  });
});

async function workflowOf(group: string | null): Promise<string> {
  const em = database.orm.em.fork();
  const workflow = Workflow.create(em.getReference(Organisation, organisationId), {
    name: 'Flow',
    description: null,
    tags: [],
    group: group === null ? null : em.getReference(Group, group),
    definition: { nodes: [], edges: [] },
  });
  em.persist(workflow);
  await em.flush();
  return workflow.id;
}

async function group(): Promise<string> {
  const em = database.orm.em.fork();
  const id = newId('grp');
  const now = new Date();
  const of = { organisation: em.getReference(Organisation, organisationId) };
  em.create(Group, { ...of, id, name: id, description: null, position: 0, createdAt: now, updatedAt: now });
  await em.flush();
  return id;
}

describe('scopes', () => {
  test('each has keys of its own, which are its own alone', async () => {
    const groupId = await group();
    const workflowId = await workflowOf(groupId);
    const places: KvPlace[] = [
      place,
      { organisationId, scope: 'group', scopeId: groupId },
      { organisationId, scope: 'workflow', scopeId: workflowId },
    ];
    for (const at of places) await kv().set(at, 'key', { value: at.scope });
    for (const at of places) {
      expect(await value('key', at)).toBe(at.scope);
      expect((await kv().list(at, { page: 1, perPage: 20 })).total).toBe(1);
    }
    expect(await kv().delete(places[1]!, 'key')).toBe(true);
    expect([await value('key'), await value('key', places[2])]).toEqual(['organisation', 'workflow']);
  });

  test('a step finds the group of its workflow, and fails where there is none', async () => {
    const groupId = await group();
    const steps = new KvSteps(database.orm, kv());
    const of = (workflowId: string): Parameters<KvSteps['get']>[0] => ({
      organisationId,
      workflowId,
      executionId: 'exec_1',
      idempotencyKey: newId('exec'),
    });
    const inGroup = await workflowOf(groupId);
    await steps.set(of(inGroup), 'group', 'key', { value: 'ours' });
    await steps.set(of(inGroup), 'workflow', 'key', { value: 'its own' });
    expect(await value('key', { organisationId, scope: 'group', scopeId: groupId })).toBe('ours');
    expect(await value('key', { organisationId, scope: 'workflow', scopeId: inGroup })).toBe('its own');
    const alone = await workflowOf(null);
    await expect(steps.get(of(alone), 'group', 'key')).rejects.toMatchObject({ code: 'kv_no_group' });
    expect(await steps.get(of(alone), 'workflow', 'key')).toEqual({ found: false, value: null, version: 0 });
    const conflict = steps.set(of(alone), 'workflow', 'key', { value: 1, ifVersion: 3 });
    await expect(conflict).rejects.toMatchObject({ name: 'NodeFailure', code: 'kv_version_conflict' });
  });

  test.each<[name: string, given: Omit<KvPlace, 'organisationId'>, error: object]>([
    ['an id of the organisation', { scope: 'organisation', scopeId: 'x' }, { code: 'validation_error' }],
    ['a group without an id', { scope: 'group' }, { code: 'validation_error' }],
    ['a group that is not there', { scope: 'group', scopeId: newId('grp') }, { code: 'resource_not_found' }],
    ['a workflow that is not there', { scope: 'workflow', scopeId: newId('wf') }, { code: 'resource_not_found' }],
    ['what is no id', { scope: 'workflow', scopeId: 'x\0' }, { code: 'resource_not_found' }],
  ])('%s is no place', async (_, given, error) => {
    const at = { organisationId, ...given };
    await expect(kv().list(at, { page: 1, perPage: 20 })).rejects.toMatchObject(error);
    await expect(kv().set(at, 'a', { value: 1 })).rejects.toMatchObject(error);
    await expect(kv().delete(at, 'a')).rejects.toMatchObject(error);
  });

  test("another organisation's group is no place", async () => {
    const theirs = { scope: 'group', scopeId: await group() } as const;
    const at = { ...theirs, organisationId: await organisation() };
    await expect(kv().find(at, 'a')).rejects.toMatchObject({ code: 'resource_not_found' });
  });
});

test('a list has the keys that begin so, in order and in pages', async () => {
  for (const key of ['b', 'a%1', 'a_1', 'ab1', 'a\\1']) await kv().set(place, key, { value: key });
  const keys = async (prefix?: string, page = 1, perPage = 20): Promise<[string[], number]> => {
    const { items, total } = await kv().list(place, { page, perPage, ...(prefix !== undefined && { prefix }) });
    return [items.map(({ key }) => key), total];
  };
  expect(await keys('a%')).toEqual([['a%1'], 1]);
  expect(await keys('a_')).toEqual([['a_1'], 1]);
  expect(await keys('a\\')).toEqual([['a\\1'], 1]);
  expect(await keys('a\0')).toEqual([[], 0]);
  const [all, total] = await keys();
  expect([all, total]).toEqual([[...all].sort(), 5]);
  expect(await keys(undefined, 2, 2)).toEqual([all.slice(2, 4), 5]);
});

test('an entry is read as it is now, also by who has read it before', async () => {
  await kv().set(place, 'a', { value: 'before' });
  const em = database.orm.em.fork();
  const service = kv();
  const read = async (): Promise<unknown> => {
    const { value: now, entry } = (await service.find(place, 'a', em))!;
    return [now, entry.version];
  };
  expect(await read()).toEqual(['before', 1]);
  await kv().set(place, 'a', { value: 'after' });
  expect(await read()).toEqual(['after', 2]);
});

test('a value that was moved to another key does not open', async () => {
  await kv().set(place, 'a', { value: 'a' });
  await kv().set(place, 'b', { value: 'b' });
  await database.orm.em
    .fork()
    .execute(
      `update kv_entry set value = (select value from kv_entry where key = 'a' and scope_id = ?) where key = 'b' and scope_id = ?`,
      [organisationId, organisationId],
    );
  await expect(kv().get(place, 'b')).rejects.toThrow();
  expect(await value('a')).toBe('a');
});
