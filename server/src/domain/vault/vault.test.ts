import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { AddressPolicy } from '../../platform/outgoing/address-policy.ts';
import { DomainEvent } from '../event/domain-event.entity.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { newId } from '../id.ts';
import { NodeFailure } from '../nodes/node-type.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { Credential } from './credential.entity.ts';
import { CredentialService } from './credential.service.ts';
import { Expiry } from './expiry.ts';
import { Secret } from './secret.entity.ts';
import { SecretService } from './secret.service.ts';
import { SecretMarkers } from './secret-markers.ts';
import { Vault } from './vault.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const markers = new SecretMarkers(sealer);
let database: TestDatabase;
let vault: Vault;
let organisationId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  vault = new Vault(database.orm, sealer);
});
afterAll(() => database.drop());
beforeEach(async () => {
  organisationId = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'pro' });
  await em.flush();
});

const secrets = (): SecretService => new SecretService(database.orm.em.fork(), sealer);
const credentials = (): CredentialService =>
  new CredentialService(database.orm.em.fork(), sealer, new AddressPolicy([]));
const origin = (): { organisationId: string; executionId: string } => ({ organisationId, executionId: 'exec_1' });
const marker = (name: string): string => markers.of('exec_1', name);

async function failure(opening: Promise<unknown>): Promise<NodeFailure> {
  const error = await opening.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NodeFailure);
  return error as NodeFailure;
}

async function end(entity: typeof Secret | typeof Credential, id: string): Promise<void> {
  await database.orm.em
    .fork()
    .nativeUpdate(entity as typeof Secret, { id }, { expiresAt: new Date(Date.now() - 1_000) });
}

describe('a call', () => {
  test('gets the secrets that its params name, and nothing comes back of them', async () => {
    await secrets().create(organisationId, { name: 'A', value: 'value of a' });
    await secrets().create(organisationId, { name: 'B', value: 'value of b' });
    const disclosure = await vault.open(origin(), { header: `Key ${marker('A')}`, list: [marker('A')] });
    expect(disclosure.reveal({ header: `Key ${marker('A')}` })).toEqual({ header: 'Key value of a' });
    expect(disclosure.redactor.text('value of a, value of b')).toBe('[secret A], value of b');
    expect(disclosure.holdsSecrets(['x', marker('A')])).toBe(true);
    expect(disclosure.holdsSecrets(['x', 'FPSECRET-A'])).toBe(false);
  });

  test('gets the value of the moment, and the use is noted', async () => {
    await secrets().create(organisationId, { name: 'A', value: 'first' });
    await secrets().update(organisationId, 'A', { value: 'second' });
    expect((await vault.open(origin(), marker('A'))).reveal(marker('A'))).toBe('second');
    expect((await secrets().get(organisationId, 'A')).lastUsedAt).toBeInstanceOf(Date);
  });

  test("gets nothing of another organisation, nor of another execution's markers", async () => {
    await secrets().create(organisationId, { name: 'A', value: 'first' });
    const elsewhere = { organisationId: newId('org'), executionId: 'exec_1' };
    expect(await failure(vault.open(elsewhere, marker('A')))).toMatchObject({ code: 'secret_not_found' });
    const other = await vault.open({ organisationId, executionId: 'exec_2' }, marker('A'));
    expect(other.reveal(marker('A'))).toBe(marker('A'));
  });

  test('fails for what is not there or has expired, by name', async () => {
    const { id } = await secrets().create(organisationId, { name: 'OLD', value: 'first' });
    await end(Secret, id);
    expect(await failure(vault.open(origin(), marker('OLD')))).toMatchObject({ code: 'secret_expired' });
    expect(await failure(vault.open(origin(), marker('NONE')))).toMatchObject({
      code: 'secret_not_found',
      details: { secret: 'NONE' },
    });
    const old = await credentials().create(organisationId, { name: 'old', values: { type: 'bearer', token: 'token' } });
    await end(Credential, old.id);
    expect(await failure(vault.open(origin(), null, 'old'))).toMatchObject({ code: 'credential_expired' });
    expect(await failure(vault.open(origin(), null, 'none'))).toMatchObject({ code: 'credential_not_found' });
  });
});

test('a value that was moved to another row does not open', async () => {
  await secrets().create(organisationId, { name: 'A', value: 'value of a' });
  await secrets().create(organisationId, { name: 'B', value: 'value of b' });
  const em = database.orm.em.fork();
  await em.execute(
    `update secret set value = (select value from secret where name = 'A' and organisation_id = ?) where name = 'B' and organisation_id = ?`,
    [organisationId, organisationId],
  );
  await expect(vault.open(origin(), marker('B'))).rejects.toThrow();
});

test('the end of a secret or credential is told once, and again after a new end', async () => {
  const events = new DomainEvents(database.orm, new RecordedLoops());
  const expiry = new Expiry(database.orm, events, new RecordedLoops());
  const em = database.orm.em.fork();
  await em.transactional((inner) =>
    events.listen(inner, { organisationId, kind: 'trigger', id: newId('trig'), types: ['credential.expired'] }),
  );
  const told = async (): Promise<unknown[]> => {
    await expiry.tell();
    const found = await database.orm.em.fork().find(DomainEvent, { organisationId }, { orderBy: { id: 'asc' } });
    return found.map(({ data }) => [(data as { name: string }).name, (data as { type: string }).type]);
  };
  const secret = await secrets().create(organisationId, { name: 'A', value: 'value' });
  const credential = await credentials().create(organisationId, {
    name: 'c',
    values: { type: 'bearer', token: 'token' },
  });
  expect(await told()).toEqual([]);
  await end(Secret, secret.id);
  await end(Credential, credential.id);
  const once = [
    ['c', 'bearer'],
    ['A', 'secret'],
  ];
  expect(await told()).toEqual(once);
  expect(await told()).toEqual(once);
  await secrets().update(organisationId, 'A', { expiresAt: new Date(Date.now() + 60_000) });
  expect(await told()).toEqual(once);
  await end(Secret, secret.id);
  expect(await told()).toHaveLength(3);
});

test('a secret that cannot be told of keeps no other from being told of, and is given up', async () => {
  const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  const events = new DomainEvents(database.orm, new RecordedLoops());
  const told: string[] = [];
  jest.spyOn(events, 'emit').mockImplementation(async (_, event) => {
    const { name } = event!.data as { name: string };
    if (name === 'POISON') throw new TypeError('x is not a function');
    told.push(name);
  });
  const expiry = new Expiry(database.orm, events, new RecordedLoops());
  for (const name of ['A', 'POISON', 'B'])
    await end(Secret, (await secrets().create(organisationId, { name, value: 'value' })).id);
  await end(
    Credential,
    (await credentials().create(organisationId, { name: 'c', values: { type: 'bearer', token: 't' } })).id,
  );
  while (await expiry.tell());
  log.mockRestore();
  expect(new Set(told)).toEqual(new Set(['A', 'B', 'c']));
  expect(await database.orm.em.fork().count(Secret, { organisation: organisationId, expiryToldAt: null })).toBe(0);
});

describe('of secrets and of credentials an organisation has at most 1,000, also when many are made at once', () => {
  const kinds = {
    secret: (name: string) => secrets().create(organisationId, { name, value: 'value' }),
    credential: (name: string) =>
      credentials().create(organisationId, { name, values: { type: 'bearer', token: 'token' } }),
  };
  const copied = { secret: 'version, value, tags', credential: 'type, "values"' };

  test.each(['secret', 'credential'] as const)('%s', async (kind) => {
    await kinds[kind]('FIRST');
    await database.orm.em.fork().execute(
      `insert into ${kind} (id, organisation_id, name, ${copied[kind]}, created_at, updated_at)
       select 'copy_' || kind.organisation_id || n, organisation_id, 'COPY_' || n, ${copied[kind]}, now(), now()
         from ${kind} kind cross join generate_series(1, 997) n where organisation_id = ?`,
      [organisationId],
    );
    const outcomes = await Promise.allSettled(['A', 'B', 'C', 'D', 'E', 'F'].map((name) => kinds[kind](name)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'validation_error', message: `There are too many ${kind}s.` });
  });
});
