import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { apiKey } from '../harness/resources.ts';

const harness = useContractHarness();

describe('createApiKey', () => {
  test('201: the secret is shown once and works', async () => {
    const created = await harness()
      .sdk()
      .apiKeys.create({ name: 'CI', scopes: ['workflows:read'], bundles: ['read-only'] });
    expect(created.secret).toMatch(/^fp_live_/);
    const got = await harness().call('getApiKey', { path: { api_key_id: created.api_key.id } });
    expect(got.text).not.toContain(created.secret);
    const listed = await harness().call('listWorkflows', { apiKey: created.secret });
    expect(listed.status).toBe(200);
  });

  test('400: neither scope nor bundle', async () => {
    await harness().refused('createApiKey', { json: { name: 'Nothing' } }, 400, 'validation_error');
  });

  test('400: an end in the past', async () => {
    const json = { name: 'Late', scopes: ['workflows:read'], expires_at: '2020-01-01T00:00:00.000Z' };
    await harness().refused('createApiKey', { json }, 400, 'validation_error');
  });

  test('400: more requests than the plan allows', async () => {
    const json = { name: 'Fast', scopes: ['workflows:read'], rate_limits: { per_minute: 100_000 } };
    const { body } = await harness().refused('createApiKey', { json }, 400, 'validation_error');
    expect(body.error.details.errors).toEqual([
      expect.objectContaining({ field: 'rate_limits.per_minute', location: 'body' }),
    ]);
  });

  test('400: more keys than the plan has', async () => {
    const { apiKey: secret } = await harness().server.createOrganisation('free');
    const one = { apiKey: secret, json: { name: 'One of ten', scopes: ['workflows:read'] } };
    for (let made = 1; made < 10; made++) expect((await harness().call('createApiKey', one)).status).toBe(201);
    await harness().refused('createApiKey', one, 400, 'validation_error');
  });

  test('403: no key may give away a scope that it does not have', async () => {
    const writer = await apiKey(harness(), { scopes: ['api-keys:write'] });
    const options = { apiKey: writer.secret, json: { name: 'More', scopes: ['workflows:write'] } };
    await harness().refused('createApiKey', options, 403, 'insufficient_scope');
  });
});

describe('listApiKeys', () => {
  test('200: pages and a filter by status', async () => {
    const { id } = await apiKey(harness(), { scopes: ['workflows:read'] });
    await harness().call('revokeApiKey', { path: { api_key_id: id } });
    const revoked = await harness().call('listApiKeys', { query: { status: 'revoked', per_page: 1 } });
    expect(revoked.body.data).toEqual([expect.objectContaining({ status: 'revoked' })]);
    expect(revoked.body.pagination).toMatchObject({ page: 1, per_page: 1 });
  });
});

describe('updateApiKey', () => {
  test('200: changes what was given and leaves the rest', async () => {
    const { id } = await apiKey(harness(), { scopes: ['workflows:read'], description: 'Old' });
    const { body } = await harness().call('updateApiKey', { path: { api_key_id: id }, json: { name: 'New' } });
    expect(body.data).toMatchObject({ name: 'New', description: 'Old', scopes: ['workflows:read'] });
  });

  test('409: a revoked key stays as it is', async () => {
    const { id } = await apiKey(harness(), { scopes: ['workflows:read'] });
    await harness().call('revokeApiKey', { path: { api_key_id: id } });
    await harness().refused(
      'updateApiKey',
      { path: { api_key_id: id }, json: { name: 'New' } },
      409,
      'api_key_not_active',
    );
  });
});

describe('rotateApiKey', () => {
  test('200: both secrets work during the overlap', async () => {
    const old = await apiKey(harness(), { scopes: ['workflows:read'] });
    const rotated = await harness().call('rotateApiKey', {
      path: { api_key_id: old.id },
      json: { overlap_seconds: 60 },
    });
    for (const secret of [old.secret, rotated.body.data.secret as string]) {
      expect((await harness().call('listWorkflows', { apiKey: secret })).status).toBe(200);
    }
  });

  test('200: without overlap the old secret ends at once', async () => {
    const old = await apiKey(harness(), { scopes: ['workflows:read'] });
    await harness().call('rotateApiKey', { path: { api_key_id: old.id }, json: { overlap_seconds: 0 } });
    const { status } = await harness().call('listWorkflows', { apiKey: old.secret });
    expect(status).toBe(401);
  });

  test('409: a revoked key gets no new secret', async () => {
    const { id } = await apiKey(harness(), { scopes: ['workflows:read'] });
    await harness().call('revokeApiKey', { path: { api_key_id: id } });
    await harness().refused('rotateApiKey', { path: { api_key_id: id }, json: {} }, 409, 'api_key_not_active');
  });
});

test('listScopes 200: exactly the scopes that the contract asks for', async () => {
  const { body } = await harness().call('listScopes');
  const served = (body.data.scopes as { name: string }[]).map((scope) => scope.name).sort();
  const declared = harness().verifier.contract.operations.flatMap((operation) =>
    operation.security.flatMap((requirement) => Object.values(requirement).flat()),
  );
  expect(served).toEqual([...new Set(declared)].sort());
});
