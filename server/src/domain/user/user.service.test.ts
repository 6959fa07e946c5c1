import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { Argon2PasswordHasher } from '../../platform/auth/argon2-password-hasher.ts';
import { newId } from '../id.ts';
import { OrganisationService, type CreatedOrganisation } from '../organisation/organisation.service.ts';
import { scopesOfRole } from './role.ts';
import { UserService } from './user.service.ts';

const passwords = new Argon2PasswordHasher();
let database: TestDatabase;
let first: CreatedOrganisation;

beforeAll(async () => {
  database = await createTestDatabase();
  first = (await new OrganisationService(database.orm.em, passwords).bootstrap())!;
});
afterAll(() => database.drop());

const users = (): UserService => new UserService(database.orm.em.fork(), passwords);
const ada = { email: 'Ada@Example.com', name: 'Ada', role: 'member', password: 'a long password' } as const;

test('a user is found in their own organisation only', async () => {
  const { id } = await users().create(first.organisation.id, ada);
  expect(await users().get(first.organisation.id, id)).toMatchObject({ email: 'ada@example.com', role: 'member' });
  await expect(users().get(newId('org'), id)).rejects.toMatchObject({ code: 'resource_not_found' });
});

test('the password is kept as an argon2id hash that costs 19 MiB', async () => {
  const user = await users().create(first.organisation.id, { ...ada, email: 'hash@example.com' });
  expect(user.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
  expect(await passwords.verify(user.passwordHash, ada.password)).toBe(true);
  expect(await passwords.verify(user.passwordHash, 'another')).toBe(false);
  expect(await passwords.verify(undefined, ada.password)).toBe(false);
});

test('one address has one account', async () => {
  await users().create(first.organisation.id, { ...ada, email: 'twice@example.com' });
  await expect(users().create(first.organisation.id, { ...ada, email: 'TWICE@example.com' })).rejects.toThrow('unique');
});

test('behind a key stands who made it, and behind a session who is signed in', async () => {
  const organisationId = first.organisation.id;
  const byKey = { organisationId, apiKeyId: first.apiKey.id, scopes: [] };
  expect((await users().findBehind(byKey))?.id).toBe(first.admin.id);
  const bySession = { organisationId, userId: first.admin.id, sessionId: newId('ses'), scopes: [] };
  expect((await users().findBehind(bySession))?.id).toBe(first.admin.id);
  expect(await users().findBehind({ ...byKey, organisationId: newId('org') })).toBeUndefined();
});

test('members do everything but manage keys, viewers only read', () => {
  expect(scopesOfRole('owner')).toEqual(scopesOfRole('admin'));
  expect(scopesOfRole('admin').filter((scope) => !scopesOfRole('member').includes(scope))).toEqual(['api-keys:write']);
  expect(scopesOfRole('viewer')).toEqual(
    expect.arrayContaining(['workflows:read', 'executions:read', 'api-keys:read']),
  );
  expect(scopesOfRole('viewer').filter((scope) => !scope.endsWith(':read'))).toEqual([]);
});
