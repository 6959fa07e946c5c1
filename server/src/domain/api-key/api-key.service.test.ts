import { expandGrants } from '../scope.ts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { cheapPasswords } from '../../../test/cheap-passwords.ts';
import type { Caller } from '../caller.ts';
import { newId } from '../id.ts';
import { OrganisationService } from '../organisation/organisation.service.ts';
import { ApiKeySecret } from './api-key-secret.entity.ts';
import { ApiKey } from './api-key.entity.ts';
import { ApiKeyService } from './api-key.service.ts';
import { scopes, type Scope } from '../scope.ts';

let database: TestDatabase;
let admin: Caller;
let bootstrapSecret: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const organisations = new OrganisationService(database.orm.em, cheapPasswords());
  const first = (await organisations.bootstrap())!;
  admin = { organisationId: first.organisation.id, userId: first.admin.id, scopes };
  bootstrapSecret = first.apiKeySecret;
});
afterAll(() => database.drop());

/** A service with an EntityManager of its own, as each request has one. */
function apiKeys(): ApiKeyService {
  return new ApiKeyService(database.orm.em.fork());
}

async function change(id: string, fields: Partial<ApiKey>): Promise<void> {
  await database.orm.em.fork().nativeUpdate(ApiKey, { id }, fields);
}

const past = new Date(Date.now() - 60_000);

describe('creating', () => {
  test('the secret is shown once and only its SHA-256 is stored', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'CI', scopes: ['workflows:read'] });
    expect(secret).toMatch(/^fp_live_[0-9A-Za-z]{32}$/);
    const dump = JSON.stringify(await database.orm.em.fork().execute('select * from api_key, api_key_secret'));
    expect(dump).not.toContain(secret);
    expect(secret.startsWith(apiKey.prefix)).toBe(true);
    expect(apiKey.prefix.length).toBeLessThan(16);
  });

  test('a key gets no scope that its creator lacks', async () => {
    const limited: Caller = { ...admin, scopes: ['api-keys:write', 'workflows:read'] };
    await expect(
      apiKeys().create(limited, { name: 'more', scopes: ['workflows:read', 'workflows:write'] }),
    ).rejects.toMatchObject({
      code: 'insufficient_scope',
      details: { missing_scopes: ['workflows:write'] },
    });
    await expect(apiKeys().create(limited, { name: 'all', bundles: ['full-access'] })).rejects.toMatchObject({
      code: 'insufficient_scope',
    });
  });

  test('a key without scopes or with an expiry in the past is refused', async () => {
    await expect(apiKeys().create(admin, { name: 'none' })).rejects.toMatchObject({ code: 'validation_error' });
    await expect(
      apiKeys().create(admin, { name: 'old', scopes: ['workflows:read'], expiresAt: past }),
    ).rejects.toMatchObject({ code: 'validation_error', details: { errors: [{ field: 'expires_at' }] } });
  });
});

describe('authenticating', () => {
  test('the first key of an organisation may do everything', async () => {
    const caller = await apiKeys().authenticate(bootstrapSecret);
    expect(caller).toMatchObject({ organisationId: admin.organisationId, plan: 'business' });
    expect(caller.scopes).toEqual(scopes);
  });

  test('bundles are expanded', async () => {
    const { secret } = await apiKeys().create(admin, { name: 'runner', bundles: ['workflow-executor'] });
    const caller = await apiKeys().authenticate(secret);
    expect(caller.scopes).toEqual([
      'workflows:read',
      'workflows:execute',
      'executions:read',
      'executions:cancel',
      'triggers:read',
      'triggers:execute',
    ]);
  });

  test.each([['nonsense'], ['fp_live_'], [`fp_live_${'a'.repeat(32)}`], ["fp_live_' or 1=1 --"], ['']])(
    '%p is an invalid key',
    async (text) => {
      await expect(apiKeys().authenticate(text)).rejects.toMatchObject({ code: 'invalid_api_key' });
    },
  );

  test('expired and revoked keys are told apart, and revoked wins', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'ends', scopes: ['workflows:read'] });
    await change(apiKey.id, { expiresAt: past });
    await expect(apiKeys().authenticate(secret)).rejects.toMatchObject({ code: 'expired_api_key' });
    await apiKeys().revoke(admin, apiKey.id);
    await expect(apiKeys().authenticate(secret)).rejects.toMatchObject({ code: 'revoked_api_key' });
  });

  test('the key of something that was made with it is found as it is now', async () => {
    const { apiKey } = await apiKeys().create(admin, { name: 'of', scopes: ['workflows:read'] });
    const caller = { organisationId: admin.organisationId, apiKeyId: apiKey.id, scopes: ['workflows:read'] };
    expect(await apiKeys().callerOf(apiKey.id)).toEqual({ ...caller, plan: 'business' });
    await change(apiKey.id, { expiresAt: past });
    await expect(apiKeys().callerOf(apiKey.id)).rejects.toMatchObject({
      code: 'expired_api_key',
      details: { expired_at: past.toISOString() },
    });
    await apiKeys().revoke(admin, apiKey.id);
    await expect(apiKeys().callerOf(apiKey.id)).rejects.toMatchObject({ code: 'revoked_api_key' });
    await expect(apiKeys().callerOf(newId('key'))).rejects.toMatchObject({ code: 'invalid_api_key' });
  });

  test('the time of last use is written at most once a minute', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'used', scopes: ['workflows:read'] });
    await apiKeys().authenticate(secret);
    const first = (await apiKeys().get(admin.organisationId, apiKey.id)).lastUsedAt!;
    await apiKeys().authenticate(secret);
    expect((await apiKeys().get(admin.organisationId, apiKey.id)).lastUsedAt).toEqual(first);
    await change(apiKey.id, { lastUsedAt: new Date(Date.now() - 61_000) });
    await apiKeys().authenticate(secret);
    const later = (await apiKeys().get(admin.organisationId, apiKey.id)).lastUsedAt!;
    expect(later.getTime()).toBeGreaterThanOrEqual(first.getTime());
  });
});

describe('rotating', () => {
  test('the old secret works until the overlap ends, and then counts as expired', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'rotated', scopes: ['workflows:read'] });
    const rotated = await apiKeys().rotate(admin, apiKey.id, 60);
    expect(rotated.apiKey.id).toBe(apiKey.id);
    for (const each of [secret, rotated.secret]) {
      await expect(apiKeys().authenticate(each)).resolves.toMatchObject({ apiKeyId: apiKey.id });
    }
    await database.orm.em.fork().nativeUpdate(ApiKeySecret, { validUntil: { $ne: null } }, { validUntil: past });
    await expect(apiKeys().authenticate(secret)).rejects.toMatchObject({ code: 'expired_api_key' });
    await expect(apiKeys().authenticate(rotated.secret)).resolves.toBeDefined();
  });

  test('tells until when the one before works', async () => {
    const { apiKey } = await apiKeys().create(admin, { name: 'told', scopes: ['workflows:read'] });
    expect([apiKey.overlapEndsAt(), apiKey.rotatedAt ?? null]).toEqual([undefined, null]);
    const { apiKey: rotated } = await apiKeys().rotate(admin, apiKey.id, 3_600);
    const end = rotated.previousSecretExpiresAt!;
    expect(end.getTime() - rotated.rotatedAt!.getTime()).toBe(3_600_000);
    expect(rotated.overlapEndsAt()).toEqual(end);
    expect([rotated.overlapEndsAt(new Date(end.getTime() - 1)), rotated.overlapEndsAt(end)]).toEqual([end, undefined]);
    const [old, ...others] = await database.orm.em.fork().find(ApiKeySecret, { apiKey: apiKey.id, validUntil: { $ne: null } }); // prettier-ignore
    expect([old!.validUntil, others]).toEqual([end, []]);
  });

  test('an overlap of 0 ends the old secret at once', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'leaked', scopes: ['workflows:read'] });
    await apiKeys().rotate(admin, apiKey.id, 0);
    await expect(apiKeys().authenticate(secret)).rejects.toMatchObject({ code: 'expired_api_key' });
  });

  test('rotating again does not lengthen the life of the secret before the last', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'twice', scopes: ['workflows:read'] });
    await apiKeys().rotate(admin, apiKey.id, 0);
    await apiKeys().rotate(admin, apiKey.id, 3600);
    await expect(apiKeys().authenticate(secret)).rejects.toMatchObject({ code: 'expired_api_key' });
  });

  test('of two rotations at once the second ends the secret of the first', async () => {
    const { apiKey } = await apiKeys().create(admin, { name: 'race', scopes: ['workflows:read'] });
    const atOnce = () => Promise.all([1, 2, 3, 4].map(() => apiKeys().rotate(admin, apiKey.id, 0)));
    // The first round opens the connections, without which they would come one after the other.
    const rotated = [...(await atOnce()), ...(await atOnce())];
    const uses = await Promise.allSettled(rotated.map(({ secret }) => apiKeys().authenticate(secret)));
    expect(uses.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('a caller does not obtain the secret of a key that may do more', async () => {
    const { apiKey } = await apiKeys().create(admin, { name: 'powerful', bundles: ['full-access'] });
    const limited: Caller = { ...admin, scopes: ['api-keys:write'] };
    await expect(apiKeys().rotate(limited, apiKey.id, 0)).rejects.toMatchObject({ code: 'insufficient_scope' });
  });

  test('a secret that was rotated ends with its overlap, also of a key that has an expiry far away', async () => {
    const expiresAt = new Date(Date.now() + 86_400_000);
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'both', scopes: ['workflows:read'], expiresAt });
    const rotated = await apiKeys().rotate(admin, apiKey.id, 3_600);
    await expect(apiKeys().authenticate(secret)).resolves.toMatchObject({ apiKeyId: apiKey.id });
    const ended = { validUntil: { $ne: null } };
    const em = database.orm.em.fork();
    expect(await em.nativeUpdate(ApiKeySecret, { apiKey: apiKey.id, ...ended }, { validUntil: past })).toBe(1);
    await expect(apiKeys().authenticate(secret)).rejects.toMatchObject({ code: 'expired_api_key' });
    await expect(apiKeys().authenticate(rotated.secret)).resolves.toMatchObject({ apiKeyId: apiKey.id });
  });

  test('an expiry ends every secret of a key, also one whose overlap is longer', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'ends', scopes: ['workflows:read'] });
    const rotated = await apiKeys().rotate(admin, apiKey.id, 3_600);
    await change(apiKey.id, { expiresAt: past });
    for (const each of [secret, rotated.secret])
      await expect(apiKeys().authenticate(each)).rejects.toMatchObject({ code: 'expired_api_key' });
  });

  test('a revoked or expired key is not rotated', async () => {
    const { apiKey } = await apiKeys().create(admin, { name: 'over', scopes: ['workflows:read'] });
    await change(apiKey.id, { expiresAt: past });
    await expect(apiKeys().rotate(admin, apiKey.id, 0)).rejects.toMatchObject({ code: 'api_key_not_active' });
    await apiKeys().revoke(admin, apiKey.id);
    await expect(apiKeys().rotate(admin, apiKey.id, 0)).rejects.toMatchObject({ code: 'api_key_not_active' });
  });
});

describe('changing', () => {
  test('scopes and bundles are replaced independently', async () => {
    const { apiKey } = await apiKeys().create(admin, {
      name: 'mixed',
      scopes: ['workflows:write'],
      bundles: ['read-only'],
    });
    const changed = await apiKeys().update(admin, apiKey.id, { scopes: ['executions:cancel'] });
    expect(changed.bundles()).toEqual(['read-only']);
    expect(changed.scopes()).toEqual(expandGrants(['read-only', 'executions:cancel']));
  });

  test('nobody changes, strips, lengthens, rotates or ends a key that may do more than they', async () => {
    const { apiKey, secret } = await apiKeys().create(admin, { name: 'strong', bundles: ['full-access'] });
    const limited: Caller = { ...admin, scopes: ['api-keys:write', 'workflows:read'] };
    const refused = { code: 'insufficient_scope' };
    for (const change of [
      { expiresAt: null },
      { name: 'renamed' },
      { bundles: [], scopes: ['workflows:read'] },
      { requestLimits: { perMinute: 1 } },
    ] as const)
      await expect(apiKeys().update(limited, apiKey.id, change)).rejects.toMatchObject(refused);
    await expect(apiKeys().rotate(limited, apiKey.id, 0)).rejects.toMatchObject(refused);
    await expect(apiKeys().revoke(limited, apiKey.id)).rejects.toMatchObject(refused);
    expect((await apiKeys().authenticate(secret)).scopes).toEqual(scopes);
  });

  test('whoever may do as much changes a key and ends it, also their own', async () => {
    const grants = { name: 'equal', scopes: ['api-keys:write', 'workflows:read'] } as const;
    const { apiKey, secret } = await apiKeys().create(admin, grants);
    const itself = await apiKeys().authenticate(secret);
    await expect(apiKeys().update(itself, apiKey.id, { name: 'mine' })).resolves.toMatchObject({ name: 'mine' });
    await expect(apiKeys().revoke(itself, apiKey.id)).resolves.toMatchObject({ id: apiKey.id });
  });

  test('a change is made to what is stored, not to what was read before; what is absent stays', async () => {
    const given = { name: 'read', description: 'first', scopes: ['workflows:read'], expiresAt: new Date(Date.now() + 60_000) } as const; // prettier-ignore
    const { apiKey } = await apiKeys().create(admin, given);
    const own = apiKeys();
    await own.get(admin.organisationId, apiKey.id);
    await apiKeys().update(admin, apiKey.id, { name: 'other', expiresAt: null });
    const after = await own.update(admin, apiKey.id, { scopes: ['workflows:write'] });
    expect(after).toMatchObject({ name: 'other', description: 'first', expiresAt: null });
    expect(await apiKeys().update(admin, apiKey.id, { description: null, bundles: ['read-only'] })).toMatchObject({
      description: null,
      grants: ['workflows:write', 'read-only'],
    });
    await apiKeys().revoke(admin, apiKey.id);
    await expect(own.rotate(admin, apiKey.id, 0)).rejects.toMatchObject({ code: 'api_key_not_active' });
    await expect(own.update(admin, apiKey.id, { name: 'x' })).rejects.toMatchObject({ code: 'api_key_not_active' });
  });

  test.each([
    [{ name: 'a\0' }, 'name'],
    [{ description: '\ud800' }, 'description'],
  ])('%j cannot be stored: refused, when the key is made and when it is changed', async (fields, field) => {
    const refused = { code: 'validation_error', details: { errors: [{ field, location: 'body' }] } };
    const made = apiKeys().create(admin, { name: 'x', scopes: ['workflows:read'], ...fields });
    await expect(made).rejects.toMatchObject(refused);
    const { apiKey } = await apiKeys().create(admin, { name: 'x', scopes: ['workflows:read'] });
    await expect(async () => apiKeys().update(admin, apiKey.id, fields)).rejects.toMatchObject(refused);
    await expect(apiKeys().update(admin, apiKey.id, { expiresAt: past })).rejects.toMatchObject({
      details: { errors: [{ field: 'expires_at' }] },
    });
    await expect(apiKeys().update(admin, apiKey.id, { scopes: [] })).rejects.toMatchObject({
      details: { errors: [{ field: 'scopes' }] },
    });
  });

  test('a revoked key stays as it is, and revoking again changes nothing', async () => {
    const { apiKey } = await apiKeys().create(admin, { name: 'gone', scopes: ['workflows:read'] });
    const { revokedAt } = await apiKeys().revoke(admin, apiKey.id);
    expect((await apiKeys().revoke(admin, apiKey.id)).revokedAt).toEqual(revokedAt);
    await expect(apiKeys().update(admin, apiKey.id, { name: 'x' })).rejects.toMatchObject({
      code: 'api_key_not_active',
    });
  });
});

describe('how many there are', () => {
  const body = { name: 'one of many', scopes: ['workflows:read'] } as const;

  async function freeOrganisation(): Promise<Caller> {
    const service = new OrganisationService(database.orm.em, cheapPasswords());
    const made = await service.create({ adminEmail: `${newId('user')}@example.com`, plan: 'free' });
    return { organisationId: made.organisation.id, userId: made.admin.id, scopes };
  }

  test('of keys that are made at once so many are made as the plan has', async () => {
    const caller = await freeOrganisation();
    const made = await Promise.allSettled(Array.from({ length: 20 }, () => apiKeys().create(caller, body)));
    // The first key of the organisation counts too.
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(9);
    await expect(apiKeys().create(caller, body)).rejects.toMatchObject({
      code: 'validation_error',
      message: 'There are 10 active API keys, which is as many as the plan has. Revoke one first.',
    });
  });

  test('a key that is revoked or has expired makes room, and comes back only where there is room', async () => {
    const caller = await freeOrganisation();
    const made: string[] = [];
    for (let i = 0; i < 9; i++) made.push((await apiKeys().create(caller, body)).apiKey.id);
    await apiKeys().revoke(caller, made[0]!);
    await apiKeys().create(caller, body);
    await change(made[1]!, { expiresAt: past });
    const { apiKey } = await apiKeys().create(caller, body);
    const back = () => apiKeys().update(caller, made[1]!, { expiresAt: null });
    await expect(back()).rejects.toMatchObject({ code: 'validation_error' });
    await expect(apiKeys().update(caller, made[2]!, { expiresAt: null })).resolves.toBeDefined();
    await apiKeys().revoke(caller, apiKey.id);
    await expect(back()).resolves.toMatchObject({ id: made[1] });
  });
});

describe('limits of its own', () => {
  test('are at most those of the plan', async () => {
    const requestLimits = { perMinute: 601, perDay: 200_001 };
    await expect(
      apiKeys().create(admin, { name: 'fast', scopes: ['workflows:read'], requestLimits }),
    ).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: [{ field: 'rate_limits.per_minute' }, { field: 'rate_limits.per_day' }] },
    });
  });

  test('are changed one by one, and lifted by null', async () => {
    const given = { name: 'slow', scopes: ['workflows:read'], requestLimits: { perMinute: 10 } } as const;
    const { apiKey, secret } = await apiKeys().create(admin, given);
    expect(await apiKeys().authenticate(secret)).toMatchObject({ requestLimits: { perMinute: 10, perDay: null } });
    await apiKeys().update(admin, apiKey.id, { requestLimits: { perDay: 500 } });
    expect(await apiKeys().authenticate(secret)).toMatchObject({ requestLimits: { perMinute: 10, perDay: 500 } });
    await apiKeys().update(admin, apiKey.id, { requestLimits: { perMinute: null, perDay: null } });
    expect((await apiKeys().authenticate(secret)).requestLimits).toBeUndefined();
  });

  test('hold for what the key gives: others get these where they would have none, and never more', async () => {
    const limited: Caller = { ...admin, requestLimits: { perMinute: 10, perDay: null } };
    const { apiKey } = await apiKeys().create(limited, { name: 'child', scopes: ['workflows:read'] });
    expect(apiKey.requestLimits()).toEqual({ perMinute: 10, perDay: null });
    await expect(apiKeys().update(limited, apiKey.id, { requestLimits: { perMinute: 11 } })).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: [{ field: 'rate_limits.per_minute' }] },
    });
    const lifted = await apiKeys().update(limited, apiKey.id, { requestLimits: { perMinute: null, perDay: 5 } });
    expect(lifted.requestLimits()).toEqual({ perMinute: 10, perDay: 5 });
  });
});

test('another organisation neither sees nor ends a key', async () => {
  const { apiKey, secret } = await apiKeys().create(admin, { name: 'ours', scopes: ['workflows:read'] });
  const stranger: Caller = { organisationId: newId('org'), scopes: scopes as Scope[] };
  const notFound = { code: 'resource_not_found', details: { resource: 'api_key', id: apiKey.id } };
  await expect(apiKeys().get(stranger.organisationId, apiKey.id)).rejects.toMatchObject(notFound);
  await expect(apiKeys().revoke(stranger, apiKey.id)).rejects.toMatchObject(notFound);
  await expect(apiKeys().rotate(stranger, apiKey.id, 0)).rejects.toMatchObject(notFound);
  expect(await apiKeys().list(stranger.organisationId, { page: 1, perPage: 20 })).toEqual({ items: [], total: 0 });
  await expect(apiKeys().authenticate(secret)).resolves.toBeDefined();
});

test('keys are listed by status, newest first, in pages', async () => {
  const made: string[] = [];
  for (const name of ['one', 'two', 'three']) {
    made.push((await apiKeys().create(admin, { name, scopes: ['workflows:read'] })).apiKey.id);
  }
  const { items, total } = await apiKeys().list(admin.organisationId, { status: 'active', page: 1, perPage: 2 });
  expect(items.map(({ id }) => id)).toEqual([made[2], made[1]]);
  expect(total).toBeGreaterThanOrEqual(3);
  await apiKeys().revoke(admin, made[2]!);
  const revoked = await apiKeys().list(admin.organisationId, { status: 'revoked', page: 1, perPage: 1 });
  expect(revoked.items[0]!.id).toBe(made[2]);
});
