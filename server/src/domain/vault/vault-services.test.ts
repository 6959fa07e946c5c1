import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { AddressPolicy } from '../../platform/outgoing/address-policy.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { resourceLimits } from '../organisation/plan.ts';
import { Credential } from './credential.entity.ts';
import { type CredentialChange, CredentialService } from './credential.service.ts';
import type { CredentialValues } from './credential-values.ts';
import { Expiry } from './expiry.ts';
import { expiryStatus, Secret } from './secret.entity.ts';
import { SecretMarkers } from './secret-markers.ts';
import { type SecretChange, SecretService } from './secret.service.ts';
import { assertFuture } from './vault-rules.ts';
import { Vault } from './vault.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
let database: TestDatabase;
let organisationId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  organisationId = await organisation();
});

async function organisation(): Promise<string> {
  const id = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  return id;
}

const secrets = (): SecretService => new SecretService(database.orm.em.fork(), sealer);
const credentials = (): CredentialService =>
  new CredentialService(database.orm.em.fork(), sealer, new AddressPolicy([]));
const bearer: CredentialValues = { type: 'bearer', token: 'token' };
const from = (ms: number): Date => new Date(Date.now() + ms);

/** What the vault opens of a credential of that name. */
async function opened(name: string): Promise<CredentialValues | undefined> {
  const vault = new Vault(database.orm, sealer);
  return (await vault.open({ organisationId, executionId: 'exec_1' }, null, name)).credential?.values;
}

describe('an end', () => {
  const now = new Date();
  test.each([
    [new Date(now.getTime() - 1), 'expired'],
    [now, 'expired'],
    [new Date(now.getTime() + 1), 'active'],
    [null, 'active'],
    [undefined, 'active'],
  ])('%s: %s', (expiresAt, status) => {
    expect(expiryStatus(expiresAt, now)).toBe(status);
  });

  test('is given for the time to come, or for none', () => {
    for (const none of [null, undefined, from(60_000)]) expect(() => assertFuture(none)).not.toThrow();
    for (const past of [from(-1), new Date(0)])
      expect(() => assertFuture(past)).toThrow(expect.objectContaining({ code: 'validation_error' }));
  });

  test.each(['secret', 'credential'])(
    'of a %s that has passed is refused when it is made, and when it is changed',
    async (kind) => {
      const refused = { code: 'validation_error', details: { errors: [{ field: 'expires_at' }] } };
      const past = { expiresAt: from(-1_000) };
      if (kind === 'secret') {
        await expect(secrets().create(organisationId, { name: 'A', value: 'value', ...past })).rejects.toMatchObject(
          refused,
        );
        await secrets().create(organisationId, { name: 'A', value: 'value' });
        await expect(secrets().update(organisationId, 'A', past)).rejects.toMatchObject(refused);
      } else {
        const given = { name: 'a', values: bearer };
        await expect(credentials().create(organisationId, { ...given, ...past })).rejects.toMatchObject(refused);
        const { id } = await credentials().create(organisationId, given);
        await expect(credentials().update(organisationId, id, past)).rejects.toMatchObject(refused);
      }
    },
  );

  test('divides credentials into those that can be used and those that cannot', async () => {
    const { id } = await credentials().create(organisationId, { name: 'old', values: bearer });
    await credentials().create(organisationId, { name: 'later', values: bearer, expiresAt: from(60_000) });
    await credentials().create(organisationId, { name: 'never', values: { ...bearer } });
    await database.orm.em.fork().nativeUpdate(Credential, { id }, { expiresAt: from(-1) });
    const names = async (query: object): Promise<string[]> =>
      (await credentials().list(organisationId, { page: 1, perPage: 20, ...query })).items.map(({ name }) => name);
    expect(await names({})).toEqual(['later', 'never', 'old']);
    expect(await names({ status: 'expired' })).toEqual(['old']);
    expect(await names({ status: 'active' })).toEqual(['later', 'never']);
    expect(await names({ type: 'basic' })).toEqual([]);
  });
});

describe('the end of many', () => {
  const expiry = (emit: DomainEvents['emit'] = async () => undefined): Expiry => {
    const events = new DomainEvents(database.orm, new RecordedLoops());
    jest.spyOn(events, 'emit').mockImplementation(emit);
    return new Expiry(database.orm, events, new RecordedLoops());
  };

  /** Secrets whose time is over. */
  async function ended(count: number): Promise<void> {
    await database.orm.em.fork().execute(
      `insert into secret (id, organisation_id, name, value, version, tags, expires_at, created_at, updated_at)
       select 'sec_' || ? || n, ?, 'N' || n, '', 1, '{}', now() - n * interval '1 second', now(), now() from generate_series(1, ?) n`,
      [organisationId, organisationId, count],
    );
  }
  const untold = (): Promise<number> =>
    database.orm.em.fork().count(Secret, { organisation: organisationId, expiryToldAt: null });

  test('is told of a hundred at a time, those that ended first before the others', async () => {
    await ended(101);
    expect([await expiry().tell(), await untold()]).toEqual([true, 1]);
    const [last] = await database.orm.em.fork().find(Secret, { organisation: organisationId, expiryToldAt: null });
    expect(last!.name).toBe('N1');
    expect([await expiry().tell(), await untold()]).toEqual([false, 0]);
  });

  test('is left to the next round when the database goes away', async () => {
    await ended(2);
    const lost = Object.assign(new Error('terminating connection'), { code: '57P01' });
    await expect(expiry(() => Promise.reject(lost)).tell()).rejects.toBe(lost);
    expect(await untold()).toBe(2);
    let calls = 0;
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    // A fault of the first, and the database goes away while they are told of one by one.
    const faulty = expiry(async () => {
      calls += 1;
      throw calls === 1 ? new TypeError('x is not a function') : lost;
    });
    await expect(faulty.tell()).rejects.toBe(lost);
    log.mockRestore();
    expect(await untold()).toBe(2);
  });

  test('is looked for by one of the workers', async () => {
    const loops = new RecordedLoops();
    const events = new DomainEvents(database.orm, loops);
    new Expiry(database.orm, events, loops).onModuleInit();
    await ended(1);
    expect(await loops.loops.get('expiry')!.run(new AbortController().signal)).toBe(false);
    expect(await untold()).toBe(0);
  });
});

describe('the use of a secret', () => {
  test.each([
    [59, false],
    [61, true],
  ])('is noted %i seconds after the last note: %s', async (seconds, isNoted) => {
    await secrets().create(organisationId, { name: 'A', value: 'value' });
    const before = from(-seconds * 1_000);
    await database.orm.em.fork().nativeUpdate(Secret, { organisation: organisationId }, { lastUsedAt: before });
    const vault = new Vault(database.orm, sealer);
    await vault.open({ organisationId, executionId: 'exec_1' }, new SecretMarkers(sealer).of('exec_1', 'A'));
    const { lastUsedAt } = await secrets().get(organisationId, 'A');
    expect(lastUsedAt! > before).toBe(isNoted);
  });

  test('of a credential is noted as well', async () => {
    const { id } = await credentials().create(organisationId, { name: 'a', values: bearer });
    expect(await opened('a')).toEqual(bearer);
    expect((await credentials().get(organisationId, id)).lastUsedAt).toBeInstanceOf(Date);
  });
});

test('which names are not there', async () => {
  await secrets().create(organisationId, { name: 'A', value: 'value' });
  await credentials().create(organisationId, { name: 'a', values: bearer });
  const vault = new Vault(database.orm, sealer);
  const missing = (of: string, names: object): Promise<unknown> =>
    database.orm.em.fork().transactional((em) => vault.missing(em, of, { secrets: [], credentials: [], ...names }));
  expect(await missing(organisationId, { secrets: ['A', 'B'], credentials: ['b', 'a', 'c'] })).toEqual({
    secrets: ['B'],
    credentials: ['b', 'c'],
  });
  expect(await missing(await organisation(), { secrets: ['A'] })).toEqual({ secrets: ['A'], credentials: [] });
});

describe('names', () => {
  test('are there once in an organisation, also when two take one at once, and free in another', async () => {
    const { id } = await credentials().create(organisationId, { name: 'a', values: bearer });
    const { id: other } = await credentials().create(organisationId, { name: 'b', values: bearer });
    const taken = { code: 'credential_name_taken' };
    await expect(credentials().create(organisationId, { name: 'a', values: bearer })).rejects.toMatchObject(taken);
    await expect(credentials().update(organisationId, other, { name: 'a' })).rejects.toMatchObject(taken);
    expect((await credentials().update(organisationId, id, { name: 'a', description: 'same' })).description).toBe(
      'same',
    );
    const twins = await Promise.allSettled(
      [id, other].map((each) => credentials().update(organisationId, each, { name: 'c' })),
    );
    expect(twins.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(twins.find((twin) => twin.status === 'rejected')!.reason).toMatchObject(taken);
    await secrets().create(organisationId, { name: 'A', value: 'value' });
    const again = secrets().create(organisationId, { name: 'A', value: 'value' });
    await expect(again).rejects.toMatchObject({ code: 'secret_name_taken' });
    organisationId = await organisation();
    await secrets().create(organisationId, { name: 'A', value: 'value' });
    await credentials().create(organisationId, { name: 'a', values: bearer });
  });

  test.each(['1A', 'A-B', 'A\0', '', `A${'B'.repeat(64)}`])('%j is no name of a secret', async (name) => {
    await expect(secrets().get(organisationId, name)).rejects.toMatchObject({ code: 'resource_not_found' });
  });

  test('of 64 characters is one', async () => {
    const name = `A${'B'.repeat(63)}`;
    await secrets().create(organisationId, { name, value: 'value' });
    expect((await secrets().get(organisationId, name)).name).toBe(name);
  });
});

describe('values', () => {
  test.each<[name: string, values: CredentialValues, field: string]>([
    [
      'a token from no web address',
      { type: 'oauth2', token_url: 'ftp://a.example/', client_id: 'i', client_secret: 'secret' },
      'values.token_url',
    ],
    [
      'a token from what is no URL',
      { type: 'oauth2', token_url: 'https://', client_id: 'i', client_secret: 'secret' },
      'values.token_url',
    ],
    [
      'a token from a private address',
      { type: 'oauth2', token_url: 'https://10.0.0.1/', client_id: 'i', client_secret: 'secret' },
      'values.token_url',
    ],
    ['a mail server on a private address', { type: 'smtp', host: '10.0.0.1' }, 'values.host'],
    [
      'a user of a mail server without a password',
      { type: 'smtp', host: 'mail.example', username: 'ada' },
      'values.password',
    ],
    ['a password without a user', { type: 'smtp', host: 'mail.example', password: 'secret' }, 'values.password'],
    ['a name with a colon', { type: 'basic', username: 'a:da', password: 'secret' }, 'values.username'],
    [
      'a key as the name that is too short to be found again',
      { type: 'basic', username: 'abc', password: '' },
      'values.username',
    ],
  ])('%s: refused, when it is made and when it is changed', async (_, values, field) => {
    const refused = { code: 'validation_error', details: { errors: [{ field, location: 'body' }] } };
    await expect(credentials().create(organisationId, { name: 'a', values })).rejects.toMatchObject(refused);
    const { id } = await credentials().create(organisationId, { name: 'a', values: bearer });
    await expect(credentials().update(organisationId, id, { values })).rejects.toMatchObject(refused);
    expect(await opened('a')).toEqual(bearer);
  });

  test.each<CredentialValues>([
    { type: 'oauth2', token_url: 'HTTPS://a.example/', client_id: 'i', client_secret: 'secret' },
    { type: 'smtp', host: 'mail.example', username: 'ada', password: 'secret' },
    { type: 'smtp', host: 'mail.example' },
    { type: 'basic', username: 'abcd', password: '' },
    { type: 'basic', username: 'abc', password: 'secret' },
  ])('%j are taken, and come back', async (values) => {
    const { id } = await credentials().create(organisationId, { name: 'a', values: bearer });
    expect((await credentials().update(organisationId, id, { values })).type).toBe(values.type);
    expect(await opened('a')).toEqual(values);
  });

  test.each<[change: SecretChange, field: string]>([
    [{ value: 'a\0' }, 'value'],
    [{ description: '\ud800' }, 'description'],
    [{ tags: ['fine', 'a\0'] }, 'tags'],
  ])('%j cannot be stored of a secret: refused, when it is made and when it is changed', async (change, field) => {
    const refused = { code: 'validation_error', details: { errors: [{ field, location: 'body' }] } };
    const made = secrets().create(organisationId, { name: 'A', value: 'value', ...change });
    await expect(made).rejects.toMatchObject(refused);
    await secrets().create(organisationId, { name: 'A', value: 'value' });
    await expect(secrets().update(organisationId, 'A', change)).rejects.toMatchObject(refused);
    expect((await secrets().get(organisationId, 'A')).version).toBe(1);
  });

  test.each<[change: CredentialChange, field: string]>([
    [{ values: { type: 'bearer', token: 'a\0' } }, 'values'],
    [{ description: '\ud800' }, 'description'],
  ])('%j cannot be stored of a credential: refused, when it is made and when it is changed', async (change, field) => {
    const refused = { code: 'validation_error', details: { errors: [{ field, location: 'body' }] } };
    const made = credentials().create(organisationId, { name: 'a', values: bearer, ...change });
    await expect(made).rejects.toMatchObject(refused);
    const { id } = await credentials().create(organisationId, { name: 'a', values: bearer });
    await expect(credentials().update(organisationId, id, change)).rejects.toMatchObject(refused);
    expect(await opened('a')).toEqual(bearer);
  });

  test.each(['secret', 'credential'] as const)(
    'of a %s: a change changes what is given, lifts what is null, and leaves alone what is absent',
    async (kind) => {
      const expiresAt = from(60_000);
      const { id } =
        kind === 'secret'
          ? await secrets().create(organisationId, { name: 'A', value: 'value', description: 'd', expiresAt })
          : await credentials().create(organisationId, { name: 'A', values: bearer, description: 'd', expiresAt });
      const service = kind === 'secret' ? secrets() : credentials();
      const key = kind === 'secret' ? 'A' : id;
      const update = (change: object): Promise<Secret | Credential> => service.update(organisationId, key, change);
      const entity = (kind === 'secret' ? Secret : Credential) as typeof Secret;
      const store = (fields: Partial<Secret>): Promise<unknown> =>
        database.orm.em.fork().nativeUpdate(entity, { id }, fields);
      await store({ expiryToldAt: new Date(0) });
      expect(await update({})).toMatchObject({ description: 'd', expiresAt, expiryToldAt: new Date(0) });
      // What others change meanwhile stays.
      await store({ description: null });
      expect(await service.get(organisationId, key)).toMatchObject({ description: null });
      await store({ description: 'another' });
      const later = from(120_000);
      const lengthened = { description: 'another', expiresAt: later, expiryToldAt: null };
      expect(await update({ expiresAt: later })).toMatchObject(lengthened);
      await store({ expiryToldAt: new Date(0) });
      expect(await update({ description: null, expiresAt: null })).toMatchObject({
        description: null,
        expiresAt: null,
        expiryToldAt: null,
      });
      const since = new Date();
      expect((await update({ description: 'e' })).updatedAt.getTime()).toBeGreaterThanOrEqual(since.getTime());
      expect(await service.get(organisationId, key)).toMatchObject({ description: 'e', expiresAt: null });
    },
  );

  test.each([
    ['secret', 'secrets'],
    ['credential', 'credentials'],
  ] as const)('there are as many of a %s as the plan allows', async (kind, resource) => {
    const most = resourceLimits.pro[resource];
    const make = (name: string): Promise<unknown> =>
      kind === 'secret'
        ? secrets().create(organisationId, { name, value: 'value' })
        : credentials().create(organisationId, { name, values: bearer });
    const columns = kind === 'secret' ? `value, version, tags` : `"values", type`;
    const values = kind === 'secret' ? `'', 1, '{}'` : `'', 'bearer'`;
    await database.orm.em.fork().execute(
      `insert into ${kind} (id, organisation_id, name, ${columns}, created_at, updated_at)
       select ? || n, ?, 'N' || n, ${values}, now(), now() from generate_series(1, ?) n`,
      [`${kind}_${organisationId}`, organisationId, most - 1],
    );
    await make('last');
    await expect(make('beyond')).rejects.toMatchObject({
      code: 'validation_error',
      message: `There are too many ${resource}.`,
    });
  });

  test('a change of something else changes neither the value nor its version', async () => {
    await secrets().create(organisationId, { name: 'A', value: 'value' });
    expect((await secrets().update(organisationId, 'A', { tags: ['x'] })).version).toBe(1);
    expect((await secrets().update(organisationId, 'A', { value: 'other' })).version).toBe(2);
    const tagged = async (tag: string): Promise<number> =>
      (await secrets().list(organisationId, { page: 1, perPage: 20, tag })).total;
    expect([await tagged('x'), await tagged('y'), await tagged('x\0')]).toEqual([1, 0, 0]);
  });
});

test('what another organisation has is not there, and is not removed; what the check is against stays', async () => {
  await secrets().create(organisationId, { name: 'A', value: 'value' });
  const { id } = await credentials().create(organisationId, { name: 'a', values: bearer });
  const stranger = await organisation();
  const missing = { code: 'resource_not_found' };
  await expect(secrets().delete(stranger, 'A')).rejects.toMatchObject(missing);
  await expect(credentials().delete(stranger, id)).rejects.toMatchObject(missing);
  await expect(credentials().get(organisationId, 'x\0')).rejects.toMatchObject(missing);
  const inUse = (): Promise<void> => Promise.reject(new Error('in use'));
  await expect(secrets().delete(organisationId, 'A', inUse)).rejects.toThrow('in use');
  await expect(credentials().delete(organisationId, id, inUse)).rejects.toThrow('in use');
  expect((await secrets().get(organisationId, 'A')).id).toMatch(/^sec_/);
  expect((await credentials().get(organisationId, id)).id).toBe(id);
  await secrets().delete(organisationId, 'A');
  await credentials().delete(organisationId, id);
  await expect(secrets().get(organisationId, 'A')).rejects.toMatchObject(missing);
});
