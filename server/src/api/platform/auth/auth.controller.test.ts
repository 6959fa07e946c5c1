import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../../test/app.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

interface Tokens {
  access_token: string;
  refresh_token: string;
}

interface Answer<Data> {
  status: number;
  headers: Headers;
  data: Data;
  code: string;
}

async function call<Data = unknown>(
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: unknown } = {},
): Promise<Answer<Data>> {
  const headers = { ...(options.body ? { 'content-type': 'application/json' } : {}), ...options.headers };
  const response = await fetch(server.url + path, { method, headers, body: JSON.stringify(options.body) });
  const text = await response.text();
  const body = (text === '' ? {} : JSON.parse(text)) as { data: Data; error?: { code: string } };
  return { status: response.status, headers: response.headers, data: body.data, code: body.error?.code ?? '' };
}

async function login(): Promise<{ tokens: Tokens; cookie: string }> {
  const { email, password } = server.admin;
  const { data, headers } = await call<Tokens>('POST', '/v1/auth/login', { body: { email, password } });
  return { tokens: data, cookie: headers.get('set-cookie')!.split(';')[0]! };
}

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});

describe('login', () => {
  test('200: the tokens and the cookie each say who is calling', async () => {
    const { tokens, cookie } = await login();
    for (const [method, headers] of [
      ['access_token', { authorization: `Bearer ${tokens.access_token}` }],
      ['session_cookie', { cookie }],
      ['api_key', { authorization: `Bearer ${server.admin.apiKey}` }],
      ['api_key', { 'x-api-key': server.admin.apiKey }],
    ] as const) {
      const { status, data } = await call('GET', '/v1/auth/me', { headers });
      expect([status, data]).toEqual([
        200,
        expect.objectContaining({
          method,
          user: expect.objectContaining({ email: server.admin.email, role: 'owner' }),
          organisation: expect.objectContaining({ id: server.admin.organisationId, plan: 'business' }),
        }),
      ]);
    }
  });

  test('200: on http://localhost the cookie has its plain name, and a script cannot read it', async () => {
    const { email, password } = server.admin;
    const { headers } = await call('POST', '/v1/auth/login', { body: { email, password } });
    expect(headers.get('set-cookie')).toMatch(
      /^flowpact_session=\w{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2(592000|591999)$/,
    );
  });

  test('200: a browser gets the cookie of its device besides, and is let in by it while others guess', async () => {
    const { email, password } = server.admin;
    const origin = { 'sec-fetch-site': 'same-origin' };
    const first = await call('POST', '/v1/auth/login', { headers: origin, body: { email, password } });
    const [session, device, ...others] = first.headers.getSetCookie();
    expect(session).toMatch(/^flowpact_session=/);
    expect(device).toMatch(/^flowpact_device=\w{43}; Path=\/v1\/auth; HttpOnly; SameSite=Lax; Max-Age=15\d{6}$/);
    expect(others).toEqual([]);
    const wrong = { email, password: 'wrong' };
    for (let i = 0; i < 10; i++) await call('POST', '/v1/auth/login', { body: wrong });
    const headers = { ...origin, cookie: device!.split(';')[0]! };
    expect(await call('POST', '/v1/auth/login', { body: { email, password } })).toMatchObject({ status: 429 });
    expect(await call('POST', '/v1/auth/login', { headers, body: wrong })).toMatchObject({ status: 401 });
    const next = await call('POST', '/v1/auth/login', { headers, body: { email, password } });
    expect(next.status).toBe(200);
    expect(next.headers.getSetCookie()[1]).toMatch(/^flowpact_device=/);
    expect(next.headers.getSetCookie()[1]).not.toBe(device);
    const cookies = [first, next].flatMap((answer) => answer.headers.getSetCookie());
    for (const cookie of cookies) expect(JSON.stringify(server.logs)).not.toContain(/=(\w+);/.exec(cookie)![1]);
    await server.sql('delete from login_attempt');
  });

  test('401: an unknown address and a wrong password get the same answer', async () => {
    for (const body of [
      { email: server.admin.email, password: 'wrong' },
      { email: 'nobody@example.com', password: 'wrong' },
    ]) {
      expect(await call('POST', '/v1/auth/login', { body })).toMatchObject({
        status: 401,
        code: 'invalid_credentials',
      });
    }
  });

  test('429: guessing at one account is throttled, and says when to try again', async () => {
    const body = { email: 'guessed@example.com', password: 'wrong' };
    for (let i = 0; i < 10; i++) await call('POST', '/v1/auth/login', { body });
    const refused = await call('POST', '/v1/auth/login', { body });
    expect(refused).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

describe('the session', () => {
  test('200: a refresh token gives the next pair; 401: its reuse ends the session', async () => {
    const { tokens } = await login();
    const body = { refresh_token: tokens.refresh_token };
    const next = await call<Tokens>('POST', '/v1/auth/refresh', { body });
    expect(next.status).toBe(200);
    expect(await call('POST', '/v1/auth/refresh', { body })).toMatchObject({ status: 401, code: 'invalid_token' });
    expect(await call('GET', '/v1/auth/me', bearer(next.data.access_token))).toMatchObject({
      status: 401,
      code: 'invalid_token',
    });
  });

  test('204: logging out ends the access token, the refresh token and the cookie', async () => {
    const { tokens, cookie } = await login();
    const out = await call('POST', '/v1/auth/logout', bearer(tokens.access_token));
    expect(out.status).toBe(204);
    expect(out.headers.get('set-cookie')).toContain('flowpact_session=; ');
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
    expect(await call('GET', '/v1/auth/me', bearer(tokens.access_token))).toMatchObject({ code: 'invalid_token' });
    expect(await call('GET', '/v1/auth/me', { headers: { cookie } })).toMatchObject({ code: 'invalid_token' });
    expect(await call('POST', '/v1/auth/refresh', { body: { refresh_token: tokens.refresh_token } })).toMatchObject({
      status: 401,
      code: 'invalid_token',
    });
  });

  test('204: with an API key there is nothing to end', async () => {
    expect((await call('POST', '/v1/auth/logout', bearer(server.admin.apiKey))).status).toBe(204);
    expect((await call('GET', '/v1/auth/me', bearer(server.admin.apiKey))).status).toBe(200);
  });

  test('403: another site cannot write with the cookie, and can with neither its header nor an old browser', async () => {
    const { cookie } = await login();
    for (const headers of [
      ['sec-fetch-site', 'cross-site'],
      ['origin', 'https://evil.example'],
    ]) {
      expect(
        await call('POST', '/v1/auth/logout', { headers: { cookie, ...Object.fromEntries([headers]) } }),
      ).toMatchObject({
        status: 403,
        code: 'cross_site_request',
      });
    }
    const { status } = await call('POST', '/v1/auth/logout', { headers: { cookie, 'sec-fetch-site': 'same-origin' } });
    expect(status).toBe(204);
  });

  test('401: a token that is no token is invalid, and so is a request without credentials', async () => {
    expect(await call('GET', '/v1/auth/me', bearer('a.b.c'))).toMatchObject({ status: 401, code: 'invalid_token' });
    const nobody = await call('GET', '/v1/auth/me');
    expect(nobody).toMatchObject({ status: 401, code: 'invalid_api_key' });
    expect(nobody.headers.get('www-authenticate')).toContain('Bearer realm="flowpact"');
  });
});
