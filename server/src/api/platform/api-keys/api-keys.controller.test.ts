import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../../test/app.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  bundles: string[];
  status: string;
  created_by: string | null;
  previous_secret_expires_at: string | null;
}

interface Created {
  api_key: ApiKey;
  secret: string;
}

interface Answer<Data> {
  status: number;
  headers: Headers;
  body: { data: Data; pagination?: Record<string, unknown>; error?: { code: string; details: unknown } };
}

async function call<Data = ApiKey>(
  method: string,
  path: string,
  options: { key?: string; headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer<Data>> {
  const response = await fetch(`${server.url}/v1${path}`, {
    method,
    headers: {
      'x-api-key': options.key ?? server.admin.apiKey,
      ...(options.body ? { 'content-type': 'application/json' } : {}),
      ...options.headers,
    },
    body: JSON.stringify(options.body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
}

async function create(fields: object = { scopes: ['workflows:read'] }, headers = {}): Promise<Created> {
  const { status, body } = await call<Created>('POST', '/api-keys', { body: { name: 'test', ...fields }, headers });
  expect(status).toBe(201);
  return body.data;
}

const authenticates = async (key: string): Promise<number> => (await call('GET', '/auth/me', { key })).status;

describe('creating', () => {
  test('201: the secret works at once, with the scopes that were given', async () => {
    const { api_key: apiKey, secret } = await create({ scopes: ['api-keys:read'], bundles: ['workflow-executor'] });
    expect(apiKey).toMatchObject({
      name: 'test',
      status: 'active',
      bundles: ['workflow-executor'],
      scopes: [
        'workflows:read',
        'workflows:execute',
        'executions:read',
        'executions:cancel',
        'triggers:read',
        'triggers:execute',
        'api-keys:read',
      ],
    });
    const { body } = await call<{ scopes: string[]; api_key_id: string }>('GET', '/auth/me', { key: secret });
    expect(body.data).toMatchObject({ scopes: apiKey.scopes, api_key_id: apiKey.id });
    expect((await call('GET', `/api-keys/${apiKey.id}`, { key: secret })).status).toBe(200);
  });

  test('403: a key gets nothing that its creator lacks', async () => {
    const { secret } = await create({ scopes: ['api-keys:write', 'workflows:read'] });
    const refused = await call('POST', '/api-keys', { key: secret, body: { name: 'more', bundles: ['full-access'] } });
    expect(refused.status).toBe(403);
    expect(refused.body.error).toMatchObject({
      code: 'insufficient_scope',
      details: { missing_scopes: expect.arrayContaining(['workflows:write']) },
    });
  });

  test('400: a key without scopes is refused', async () => {
    const refused = await call('POST', '/api-keys', { body: { name: 'none' } });
    expect(refused.status).toBe(400);
    expect(refused.body.error!.code).toBe('validation_error');
  });

  test('201: repeated with its idempotency key it shows the same secret and makes no second key', async () => {
    const headers = { 'idempotency-key': 'create-once' };
    const body = { name: 'once', scopes: ['workflows:read'] };
    const first = await call<Created>('POST', '/api-keys', { body, headers });
    const again = await call<Created>('POST', '/api-keys', { body, headers });
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(`/v1/api-keys/${first.body.data.api_key.id}`);
    expect(again.body.data).toEqual(first.body.data);
    const other = await call('POST', '/api-keys', { body: { ...body, name: 'two' }, headers });
    expect([other.status, other.body.error!.code]).toEqual([422, 'idempotency_key_reused']);
    const [{ count }] = (await server.sql<{ count: string }>(`select count(*) from api_key where name = 'once'`)) as [
      { count: string },
    ];
    expect(count).toBe('1');
  });
});

describe('the life of a key', () => {
  test('200: rotation keeps the id and lets both secrets work', async () => {
    const { api_key: apiKey, secret } = await create();
    const { status, body } = await call<Created>('POST', `/api-keys/${apiKey.id}/rotate`, {
      body: { overlap_seconds: 60 },
    });
    expect(status).toBe(200);
    expect(body.data.api_key.id).toBe(apiKey.id);
    expect(body.data.api_key.previous_secret_expires_at).not.toBeNull();
    expect([await authenticates(secret), await authenticates(body.data.secret)]).toEqual([200, 200]);
  });

  test('200: rotation without a body overlaps for a day', async () => {
    const { api_key: apiKey } = await create();
    const { status, body } = await call<Created>('POST', `/api-keys/${apiKey.id}/rotate`);
    expect(status).toBe(200);
    const overlap = Date.parse(body.data.api_key.previous_secret_expires_at!) - Date.now();
    expect(Math.abs(overlap - 86_400_000)).toBeLessThan(60_000);
  });

  test('200: a change replaces what it names', async () => {
    const { api_key: apiKey } = await create({ scopes: ['workflows:read'], description: 'old' });
    const { body } = await call('PATCH', `/api-keys/${apiKey.id}`, { body: { name: 'renamed', description: null } });
    expect(body.data).toMatchObject({ name: 'renamed', description: null, scopes: ['workflows:read'] });
  });

  test('204: a revoked key stops at once and is listed as revoked', async () => {
    const { api_key: apiKey, secret } = await create();
    for (let i = 0; i < 2; i++) expect((await call('DELETE', `/api-keys/${apiKey.id}`)).status).toBe(204);
    const refused = await call('GET', '/auth/me', { key: secret });
    expect([refused.status, refused.body.error!.code]).toEqual([401, 'revoked_api_key']);
    const { body } = await call<ApiKey[]>('GET', '/api-keys?status=revoked&per_page=100');
    expect(body.data.map(({ id }) => id)).toContain(apiKey.id);
    const rotate = await call('POST', `/api-keys/${apiKey.id}/rotate`);
    expect([rotate.status, rotate.body.error!.code]).toEqual([409, 'api_key_not_active']);
  });

  test('401: an expired key says so', async () => {
    const { api_key: apiKey, secret } = await create();
    await server.sql('update api_key set expires_at = now() where id = $1', [apiKey.id]);
    const refused = await call('GET', '/auth/me', { key: secret });
    expect([refused.status, refused.body.error!.code]).toEqual([401, 'expired_api_key']);
  });
});

test('200: keys are listed in pages', async () => {
  await create();
  await create();
  const { body } = await call<ApiKey[]>('GET', '/api-keys?per_page=2');
  expect(body.data).toHaveLength(2);
  expect(body.pagination).toMatchObject({ page: 1, per_page: 2, has_next: true, has_prev: false });
});

test('404: the key of another organisation is not there', async () => {
  const { api_key: apiKey } = await create();
  const { apiKey: stranger } = await server.createOrganisation();
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { name: 'x' }],
    ['POST', '/rotate', undefined],
    ['DELETE', '', undefined],
  ] as const) {
    const refused = await call(method, `/api-keys/${apiKey.id}${path}`, { key: stranger, body });
    expect(refused.status).toBe(404);
    expect(refused.body.error).toMatchObject({ code: 'resource_not_found', details: { id: apiKey.id } });
  }
});

test('404: an id that is no id is not there either', async () => {
  for (const id of ['%00', 'key_%00', '%27', 'wf_01kaq4e5n8e3s4t5v6w7x8y9z0', '..%2f']) {
    expect((await call('GET', `/api-keys/${id}`)).status).toBe(404);
  }
});

test('400: an expiry that cannot be stored is refused', async () => {
  const body = { name: 'late', scopes: ['workflows:read'], expires_at: '9999-12-31T23:59:59-12:00' };
  const refused = await call('POST', '/api-keys', { body });
  expect(refused.status).toBe(400);
  expect(refused.body.error).toMatchObject({
    code: 'validation_error',
    details: { errors: [{ field: 'expires_at' }] },
  });
});

test('400: a name that cannot be stored is refused', async () => {
  const refused = await call('POST', '/api-keys', { body: { name: 'a\0b', scopes: ['workflows:read'] } });
  expect(refused.status).toBe(400);
  expect(refused.body.error).toMatchObject({ code: 'validation_error', details: { errors: [{ field: 'name' }] } });
});

test('200: the catalogue names every scope and what each bundle stands for', async () => {
  const { body } = await call<{ scopes: { name: string }[]; bundles: { name: string }[] }>('GET', '/scopes');
  expect(body.data.scopes.map(({ name }) => name)).toContain('workflows:execute');
  expect(body.data.bundles.map(({ name }) => name)).toEqual(['workflow-executor', 'read-only', 'full-access']);
});

test('429: a free plan has 60 requests a minute, over all secrets of a key', async () => {
  const { apiKey } = await server.createOrganisation('free');
  const answers = await Promise.all(Array.from({ length: 70 }, () => call('GET', '/auth/me', { key: apiKey })));
  const refused = answers.filter(({ status }) => status === 429);
  // The minute can change in between, which begins a new window.
  expect(refused.length === 10 || refused.length === 0).toBe(true);
  for (const { headers } of answers) expect(headers.get('x-ratelimit-limit')).toBe('60');
  for (const { headers, body } of refused) {
    expect(body.error).toMatchObject({ code: 'rate_limit_exceeded', details: { limit: 60, window: 'minute' } });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
});
