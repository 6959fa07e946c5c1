import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import type { TestOrganisation } from '../../server/test/app.ts';
import { MailServer, type ReceivedMail } from '../../server/test/mail-server.ts';
import { until } from '../../server/test/until.ts';
import { launchBrowser } from '../harness/browser.ts';
import { type CallResult, useContractHarness } from '../harness/contract-harness.ts';

// From a forgotten password to a login, by a real mail server. Requests say in X-Forwarded-For where they come from.

const mail = await MailServer.start({ username: 'flowpact', password: 'its own' });
const harness = useContractHarness({
  settings: {
    SMTP_URL: { host: '127.0.0.1', port: mail.port, security: 'none', username: 'flowpact', password: 'its own' },
    PUBLIC_URL: 'https://flowpact.example',
    TRUST_PROXY: true,
    LOG_LEVEL: 'trace',
  },
});
afterAll(() => mail.stop());

const NEW = 'a new password';
let addresses = 0;
/** One that nobody has come from. */
const somewhere = (): string => `198.51.${Math.floor((addresses += 1) / 250)}.${addresses % 250}`;

let user: TestOrganisation;
beforeEach(async () => {
  user = await harness().server.createOrganisation();
});

async function post(path: string, json: object, from = somewhere(), more = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'x-forwarded-for': from, ...more };
  return fetch(harness().server.url + path, { method: 'POST', headers, body: JSON.stringify(json) });
}

async function login(password: string, from = somewhere()): Promise<number> {
  return (await post('/v1/auth/login', { email: user.email, password }, from)).status;
}

const ask = (email: string, from = somewhere()): Promise<CallResult> =>
  harness().call('requestPasswordReset', { apiKey: null, json: { email }, headers: { 'x-forwarded-for': from } });

const confirm = (token: string, password = NEW, from = somewhere()): Promise<CallResult> =>
  harness().call('confirmPasswordReset', {
    apiKey: null,
    json: { token, password },
    headers: { 'x-forwarded-for': from },
  });

const refused = (token: string): Promise<CallResult> =>
  harness().refused('confirmPasswordReset', { apiKey: null, json: { token, password: NEW } }, 401, 'invalid_token');

const LINK = 'Set a new password for Flowpact';

const mailsTo = (address: string, subject: string): ReceivedMail[] =>
  mail.received.filter(({ to, email }) => to.includes(address) && email.subject === subject);

/** The nth mail to the user with this subject. */
const mailNumber = (number: number, subject = LINK): Promise<ReceivedMail> =>
  until(() => mailsTo(user.email, subject)[number - 1]);

/** Asks for a mail and reads it. */
async function tokenByMail(from?: string): Promise<string> {
  const before = mailsTo(user.email, LINK).length;
  expect((await ask(user.email, from)).status).toBe(202);
  const { email } = await mailNumber(before + 1);
  return /https:\/\/flowpact\.example\/reset-password#(fp_reset_\w{43})\n/.exec(email.text!)![1]!;
}

describe('from the request to the login', () => {
  test('202, 204: the mail has a link to the public address, the password is set, and a mail says so', async () => {
    const token = await tokenByMail();
    const { from, to, user: account, email } = await mailNumber(1);
    expect({ from, to, account }).toEqual({ from: 'no-reply@flowpact.test', to: [user.email], account: 'flowpact' });
    expect(email.text).toContain('within 30 minutes');
    expect(await confirm(token)).toMatchObject({ status: 204, text: '' });
    expect([await login(user.password), await login(NEW)]).toEqual([401, 200]);
    expect((await mailNumber(1, 'Your Flowpact password was changed')).email.text).not.toContain('fp_reset');
    const logged = JSON.stringify(harness().server.logs);
    expect(logged).toContain('confirmPasswordReset');
    expect(logged).not.toContain(token.slice('fp_reset_'.length));
    expect(logged).not.toContain(NEW);
  });

  test('202: the headers of a request do not say where the link leads', async () => {
    const more = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    expect((await post('/v1/auth/password-reset', { email: user.email }, undefined, more)).status).toBe(202);
    const { email } = await mailNumber(1);
    expect(email.text).not.toContain('evil');
    expect(email.text).toContain('https://flowpact.example/reset-password#fp_reset_');
  });

  test('204: every session ends with its tokens and its cookie; keys stay', async () => {
    const signedIn = await post('/v1/auth/login', { email: user.email, password: user.password });
    const { data } = (await signedIn.json()) as { data: { access_token: string; refresh_token: string } };
    const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!;
    expect((await confirm(await tokenByMail())).status).toBe(204);
    for (const [name, value] of Object.entries({ authorization: `Bearer ${data.access_token}`, cookie }))
      await harness().refused('getCurrentUser', { headers: { [name]: value } }, 401, 'invalid_token');
    await harness().refused('refreshSession', { json: { refresh_token: data.refresh_token } }, 401, 'invalid_token');
    expect((await harness().call('getCurrentUser', { apiKey: user.apiKey })).status).toBe(200);
  });

  test('who locked an account out does not keep its owner out: they ask, confirm and sign in meanwhile', async () => {
    const owner = somewhere();
    for (let i = 0; i < 11; i++) await login('wrong', somewhere());
    expect(await login(user.password, owner)).toBe(429);
    expect((await confirm(await tokenByMail(owner), NEW, owner)).status).toBe(204);
    expect(await login(NEW, somewhere())).toBe(200);
    // The others go on, and the owner signs in from where they confirmed.
    for (let i = 0; i < 11; i++) await login('wrong', somewhere());
    expect([await login(NEW, somewhere()), await login(NEW, owner)]).toEqual([429, 200]);
  });
});

describe('an address without an account', () => {
  test('202: gets the same answer and no mail', async () => {
    const unknown = await ask('nobody-at-all@example.org');
    const known = await ask(user.email.toUpperCase());
    const shape = ({ status, body, headers }: CallResult): unknown => [status, body.data, [...headers.keys()].sort()];
    expect(shape(unknown)).toEqual(shape(known));
    await mailNumber(1);
    expect(mailsTo('nobody-at-all@example.org', LINK)).toEqual([]);
  });

  test('202: a disabled account gets no mail either, and a token from before does not work', async () => {
    const token = await tokenByMail();
    await harness().server.sql('update user_account set disabled_at = now() where email = $1', [user.email]);
    expect((await ask(user.email)).status).toBe(202);
    await refused(token);
    const disabled = user;
    user = await harness().server.createOrganisation();
    await tokenByMail();
    expect(mailsTo(disabled.email, LINK)).toHaveLength(1);
  });
});

describe('tokens', () => {
  test('401: a wrong one, a used one, one that was replaced and one that expired get the same answer', async () => {
    const replaced = await tokenByMail();
    const used = await tokenByMail();
    const messages = [await refused('fp_reset_nonsense'), await refused(replaced)];
    expect((await confirm(used)).status).toBe(204);
    const expired = await tokenByMail();
    await harness().server.sql('update password_reset set expires_at = now()');
    messages.push(await refused(used), await refused(expired));
    expect(new Set(messages.map(({ body }) => body.error.message)).size).toBe(1);
    expect(await login(NEW)).toBe(200);
  });

  test('204: of many confirmations at once one sets its password', async () => {
    const token = await tokenByMail();
    const sent = Array.from({ length: 6 }, (_, i) => `password number ${i}`);
    const statuses = await Promise.all(
      sent.map(async (password) => (await post('/v1/auth/password-reset/confirm', { token, password })).status),
    );
    expect(statuses.toSorted()).toEqual([204, 401, 401, 401, 401, 401]);
    expect(await login(sent[statuses.indexOf(204)]!)).toBe(200);
  });

  test('204: sets the password of its own user, and leaves those of others', async () => {
    const other = user;
    user = await harness().server.createOrganisation();
    expect((await confirm(await tokenByMail())).status).toBe(204);
    expect(await login(NEW)).toBe(200);
    user = other;
    expect([await login(NEW), await login(user.password)]).toEqual([401, 200]);
  });

  test('400: a password that is too short is refused, not repeated, and leaves the token as it is', async () => {
    const token = await tokenByMail();
    const short = { apiKey: null, json: { token, password: 'hunter2' } };
    const { text, body } = await harness().refused('confirmPasswordReset', short, 400, 'validation_error');
    expect(body.error.details.errors).toMatchObject([{ field: 'password' }]);
    expect(text).not.toMatch(/hunter2|fp_reset/);
    expect((await confirm(token)).status).toBe(204);
  });

  test('none is in the database as it is', async () => {
    const token = await tokenByMail();
    const [row] = await harness().server.sql<{ hash: string }>('select * from password_reset order by expires_at desc');
    expect(row!.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(row)).not.toContain(token.slice('fp_reset_'.length));
  });
});

describe('limits', () => {
  test('429: three mails to an account from wherever; from where its owner signs in three more', async () => {
    const known = somewhere();
    expect(await login(user.password, known)).toBe(200);
    for (let i = 0; i < 3; i++) expect((await ask(user.email)).status).toBe(202);
    const { headers, body } = await harness().refused(
      'requestPasswordReset',
      { apiKey: null, json: { email: user.email } },
      429,
      'rate_limit_exceeded',
    );
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.error.details).toMatchObject({ limit: 3, window: '900s' });
    expect((await ask(user.email, known)).status).toBe(202);
  });

  test('429: an account that does not exist is counted alike', async () => {
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await post('/v1/auth/password-reset', { email: 'nobody@example.org' }));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 429]);
  });

  test('429: one address asks for twenty mails over all accounts', async () => {
    const from = somewhere();
    const answers = await Promise.all(
      Array.from({ length: 21 }, (_, i) => post('/v1/auth/password-reset', { email: `nobody${i}@example.org` }, from)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array<number>(20).fill(202), 429]);
  });
});

test('202: a mail server that does not answer is logged, without the token, and the answer is the same', async () => {
  const { server } = harness();
  await server.sql(`update user_account set email = 'nobody@example.com' where email = $1`, [user.email]);
  expect((await ask('nobody@example.com')).status).toBe(202);
  const line = await until(() => server.logs.find(({ msg }) => msg === 'A mail to a user was not sent'));
  expect(JSON.stringify(line)).not.toMatch(/fp_reset|its own/);
  expect(await server.metrics()).toContain('flowpact_account_mails_total{outcome="failed"} 1');
});

describe('the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  const url = (path = '/reset-password'): string => harness().server.url + path;
  const send = (fields: Record<string, string>): Promise<Response> =>
    fetch(url(), {
      method: 'POST',
      body: new URLSearchParams(fields),
      redirect: 'manual',
      headers: { 'x-forwarded-for': somewhere() },
    });

  async function open(javaScriptEnabled: boolean): Promise<{ page: Page; asked: string[]; logged: string[] }> {
    const context = await browser.newContext({ javaScriptEnabled, viewport: { width: 320, height: 700 } });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const [asked, logged]: [string[], string[]] = [[], []];
    page.on('request', (request) => asked.push(request.url(), JSON.stringify(request.headers())));
    page.on('console', (message) => logged.push(message.text()));
    return { page, asked, logged };
  }

  test('the link sets a password, and its token is in no request line, header or address bar', async () => {
    const token = await tokenByMail();
    const { page, asked, logged } = await open(true);
    await page.goto(`${url()}#${token}`);
    expect(page.url()).toBe(url());
    expect(await page.getByLabel('Code from the mail').isVisible()).toBe(false);
    await page.getByLabel('New password').fill('too short');
    await page.getByRole('button', { name: 'Set a new password' }).click();
    const alert = page.getByRole('alert');
    expect(await alert.getByRole('listitem').allTextContents()).toEqual([
      'The password is shorter than 12 characters.',
    ]);
    expect(await page.getByLabel('New password').inputValue()).toBe('');
    await page.getByLabel('New password').fill(NEW);
    await page.getByRole('button', { name: 'Set a new password' }).click();
    expect(await page.getByRole('heading').textContent()).toBe('Your new password is set');
    await page.reload();
    expect(await login(NEW)).toBe(200);
    expect(asked.join('\n')).not.toContain('fp_reset');
    expect(JSON.stringify(harness().server.logs)).not.toContain(token.slice('fp_reset_'.length));
    expect(logged.filter((text) => /policy/i.test(text))).toEqual([]);
  });

  test('without scripts the code of the mail is pasted, and what is wrong stands at the field', async () => {
    const token = await tokenByMail();
    const { page } = await open(false);
    await page.goto(`${url()}#${token}`);
    await page.getByLabel('Code from the mail').fill('fp_reset_wrong');
    await page.getByLabel('New password').fill(NEW);
    await page.getByRole('button', { name: 'Set a new password' }).click();
    expect(await page.title()).toBe('Error: Set a new password');
    const code = page.getByLabel('Code from the mail');
    expect(await code.getAttribute('aria-invalid')).toBe('true');
    const problem = page.locator(`[id="${await code.getAttribute('aria-describedby')}"]`);
    expect(await problem.textContent()).toContain('This code is wrong, expired, used already or replaced');
    const overflow = await page.locator('html').evaluate((root) => root.scrollWidth - root.clientWidth);
    expect(overflow).toBe(0);
    await code.fill(` ${token} `);
    await page.getByLabel('New password').fill(NEW);
    await page.getByRole('button', { name: 'Set a new password' }).click();
    expect(await page.getByRole('heading').textContent()).toBe('Your new password is set');
    expect(await login(NEW)).toBe(200);
  });

  test('400, 413, 415: what programs send is refused on a page', async () => {
    const answers = [
      await send({}),
      await send({ token: 'fp_reset_<b>', password: 'short' }),
      await send({ token: 'x'.repeat(300_000) }),
      await fetch(url(), { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 413, 415]);
    for (const answer of answers) expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const [empty, short] = [await answers[0]!.text(), await answers[1]!.text()];
    expect(empty).toContain('Enter the code from the mail.');
    expect(short).toContain('value="fp_reset_&lt;b&gt;"');
  });

  test('allows its own style and script and nothing from elsewhere, is not kept, and tells nobody where one came from', async () => {
    for (const path of ['/reset-password', '/reset-password/done']) {
      const { headers } = await fetch(url(path));
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      );
      expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
    }
  });

  test('503: without its database it says so, and 429: to who sends too much', async () => {
    await harness().server.cutDatabase();
    try {
      const answer = await send({ token: 'x', password: NEW });
      expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('again in a moment')]);
    } finally {
      await harness().server.restoreDatabase();
    }
    const from = somewhere();
    await post('/v1/auth/login', { email: user.email, password: 'wrong' }, from);
    await harness().server.sql(`update request_count set day_count = 1000000000 where subject = $1`, [`ip:${from}`]);
    const headers = { 'x-forwarded-for': from };
    const refusal = await fetch(url(), { method: 'POST', body: new URLSearchParams(), headers });
    expect([refusal.status, await refusal.text()]).toEqual([429, expect.stringContaining('Too many requests')]);
  });
});
