import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { resetToken } from '../harness/tags/auth.ts';

const harness = useContractHarness({ settings: { SMTP_URL: undefined } });

async function login(): Promise<{ access_token: string; refresh_token: string; cookie: string }> {
  const { email, password } = harness().server.admin;
  const { status, body, headers } = await harness().call('login', { json: { email, password } });
  expect(status).toBe(200);
  return { ...body.data, cookie: headers.getSetCookie()[0]!.split(';')[0]! };
}

const bearer = (token: string): { headers: Record<string, string> } => ({
  headers: { authorization: `Bearer ${token}` },
});

describe('login', () => {
  test('200: tokens, the user and the session cookie', async () => {
    const session = await login();
    expect(session.cookie).toMatch(/flowpact_session=./);
  });

  test('200: a browser gets the cookie of its device besides', async () => {
    const { email, password } = harness().server.admin;
    const headers = { 'sec-fetch-site': 'same-origin' };
    const { headers: answered } = await harness().call('login', { json: { email, password }, headers });
    expect(answered.getSetCookie().map((cookie) => cookie.split('=', 1)[0])).toEqual([
      'flowpact_session',
      'flowpact_device',
    ]);
  });

  test('401: a wrong password and an unknown address get the same answer', async () => {
    const { email, password } = harness().server.admin;
    const wrong = await harness().refused(
      'login',
      { json: { email, password: `${password}x` } },
      401,
      'invalid_credentials',
    );
    const unknown = await harness().refused(
      'login',
      { json: { email: 'nobody@example.com', password } },
      401,
      'invalid_credentials',
    );
    expect(unknown.body.error.message).toBe(wrong.body.error.message);
  });

  test('400: every problem is listed', async () => {
    const { body } = await harness().refused('login', { json: { email: 'ada', extra: 1 } }, 400, 'validation_error');
    const fields = (body.error.details.errors as { field: string }[]).map((error) => error.field);
    expect(fields).toEqual(expect.arrayContaining(['email', 'password', 'extra']));
  });

  test('a rejected password is not repeated in the answer', async () => {
    const { text } = await harness().refused(
      'login',
      { json: { email: 'ada', password: 'hunter2-hunter2' } },
      400,
      'validation_error',
    );
    expect(text).not.toContain('hunter2');
  });
});

describe('getCurrentUser', () => {
  test('200: by access token, by cookie and by API key', async () => {
    const { access_token, cookie } = await login();
    for (const options of [bearer(access_token), { headers: { cookie } }, {}]) {
      const { status } = await harness().call('getCurrentUser', options);
      expect(status).toBe(200);
    }
  });

  test('200: an API key as bearer token', async () => {
    const { status } = await harness().call('getCurrentUser', bearer(harness().server.admin.apiKey));
    expect(status).toBe(200);
  });
});

describe('refreshSession', () => {
  test('200: a new pair; the old refresh token ends the session when it comes again', async () => {
    const first = await login();
    const renewed = await harness().call('refreshSession', { json: { refresh_token: first.refresh_token } });
    expect(renewed.status).toBe(200);
    const again = { json: { refresh_token: first.refresh_token } };
    await harness().refused('refreshSession', again, 401, 'invalid_token');
    const stolen = { json: { refresh_token: renewed.body.data.refresh_token } };
    await harness().refused('refreshSession', stolen, 401, 'invalid_token');
  });
});

describe('logout', () => {
  test('204: ends the session for its access token, its refresh token and its cookie', async () => {
    const { access_token, refresh_token, cookie } = await login();
    const { status } = await harness().call('logout', bearer(access_token));
    expect(status).toBe(204);
    await harness().refused('getCurrentUser', bearer(access_token), 401, 'invalid_token');
    await harness().refused('getCurrentUser', { headers: { cookie } }, 401, 'invalid_token');
    await harness().refused('refreshSession', { json: { refresh_token } }, 401, 'invalid_token');
  });

  test('403: a write with the cookie from another site', async () => {
    const { cookie } = await login();
    const headers = { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    await harness().refused('logout', { headers }, 403, 'cross_site_request');
  });
});

describe('a new password without a mail server', () => {
  test('409: no mail is promised; 204: a link of the operator works all the same', async () => {
    const { email, password } = harness().server.admin;
    await harness().refused('requestPasswordReset', { json: { email } }, 409, 'mail_not_configured');
    const json = { token: await resetToken(harness()), password };
    expect((await harness().call('confirmPasswordReset', { json })).status).toBe(204);
    await login();
  });
});
