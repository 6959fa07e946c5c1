import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestOrganisation, type TestServer } from '../../../test/app.ts';
import type { Plan } from '../../domain/organisation/plan.ts';

// What is counted together, over everything that an organisation can be asked through.

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
}, 180_000);
afterAll(() => server.close());

// Counting within one minute of the clock, so that no test straddles two.
beforeEach(async () => {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 20_000) await new Promise((done) => setTimeout(done, left + 50));
  await server.sql('delete from request_count');
});

interface Sent {
  method?: string;
  key?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

async function send(path: string, { method = 'GET', key, headers, body }: Sent = {}): Promise<Response> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const withKey = key === undefined ? {} : { 'x-api-key': key };
  const answer = await fetch(server.url + path, {
    method,
    headers: { ...type, ...withKey, ...headers },
    body: JSON.stringify(body),
  });
  return answer;
}

async function make<Data>(path: string, key: string, body: unknown): Promise<Data> {
  const answer = await send(`/v1${path}`, { method: 'POST', key, body });
  const { data, error } = (await answer.json()) as { data: Data; error?: unknown };
  expect({ path, error }).toEqual({ path, error: undefined });
  return data;
}

/** How many of so many requests are let through. */
async function passed(times: number, ask: () => Promise<Response>): Promise<number> {
  const answers = await Promise.all(Array.from({ length: times }, ask));
  return answers.filter(({ status }) => status !== 429).length;
}

async function remaining(organisation: TestOrganisation): Promise<number> {
  const { headers } = await send('/v1/auth/me', { key: organisation.apiKey });
  return Number(headers.get('x-ratelimit-remaining'));
}

async function publishedWorkflow(key: string): Promise<string> {
  const definition = { nodes: [{ id: 'note', type: 'log', params: { message: 'Here' } }], edges: [] };
  const { id } = await make<{ id: string }>('/workflows', key, { name: 'Counted', definition });
  await make(`/workflows/${id}/publish`, key, {});
  return id;
}

/** A trigger with a URL, a channel with a token, a public channel and a form, each for the same workflow. */
async function doors(plan: Plan) {
  const organisation = await server.createOrganisation(plan);
  const key = organisation.apiKey;
  const workflow_id = await publishedWorkflow(key);
  const config = { kind: 'webhook', auth: { type: 'bearer' } };
  const hook = await make<{ trigger: { url: string }; secret: string }>('/triggers', key, {
    workflow_id,
    name: 'Hook',
    config,
  });
  const routes = [{ method: 'POST', path: '/go', workflow_id }];
  const channel = await make<{ channel: { path: string }; token: string }>('/channels', key, {
    name: 'Channel',
    kind: 'http',
    routes,
  });
  const open = await make<{ channel: { path: string } }>('/channels', key, {
    name: 'Open',
    kind: 'http',
    auth_mode: 'public',
    routes,
  });
  const fields = [{ name: 'name', type: 'text', label: 'Name' }];
  const form = await make<{ id: string; slug: string }>('/forms', key, { name: 'Form', fields });
  await make(`/forms/${form.id}/publish`, key, {});
  const post = (path: string, headers: Record<string, string> = {}, body: unknown = {}) =>
    send(path, { method: 'POST', headers, body });
  return {
    organisation,
    callHook: (secret = hook.secret) => post(new URL(hook.trigger.url).pathname, { authorization: `Bearer ${secret}` }),
    callChannel: (token = channel.token) => post(`${channel.channel.path}/go`, { 'x-channel-token': token }),
    callOpenChannel: () => post(`${open.channel.path}/go`),
    submit: () => post(`/v1/forms/${form.id}/submissions`, {}, { data: { name: 'Ada' } }),
    form,
  };
}

describe('the plan', () => {
  test('429: six keys, a session, an inbound URL and a channel have together what the plan allows', async () => {
    const { organisation, callHook, callChannel } = await doors('free');
    const keys = [];
    for (let i = 0; i < 5; i++) {
      const body = { name: `Key ${i}`, scopes: ['workflows:read'] };
      keys.push((await make<{ secret: string }>('/api-keys', organisation.apiKey, body)).secret);
    }
    const { email, password } = organisation;
    const { access_token: token } = await make<{ access_token: string }>('/auth/login', organisation.apiKey, {
      email,
      password,
    });
    await server.sql('delete from request_count');
    let allowed = 0;
    for (const key of [organisation.apiKey, ...keys]) allowed += await passed(8, () => send('/v1/scopes', { key }));
    allowed += await passed(10, () => send('/v1/auth/me', { headers: { authorization: `Bearer ${token}` } }));
    allowed += await passed(10, callHook);
    allowed += await passed(10, callChannel);
    expect(allowed).toBe(60);
    const refused = await callChannel();
    expect(await refused.json()).toMatchObject({
      error: { code: 'rate_limit_exceeded', details: { limit: 60, window: 'minute', applies_to: 'organisation' } },
    });
    expect((await callHook()).status).toBe(429);
  });

  test('200: what anybody asks of an open channel and a form does not touch what the keys have', async () => {
    const { organisation, callOpenChannel, submit } = await doors('free');
    const before = await remaining(organisation);
    expect(await passed(40, callOpenChannel)).toBe(40);
    // One quota for both, as large as that of the plan.
    expect(await passed(40, submit)).toBe(20);
    expect(await remaining(organisation)).toBe(before - 1);
  });
});

describe('an address', () => {
  test('429: after sixty wrong keys in a minute; right ones go on', async () => {
    const wrong = `fp_live_${'A'.repeat(32)}`;
    expect(await passed(70, () => send('/v1/auth/me', { key: wrong }))).toBe(60);
    const refused = await send('/v1/workflows', { headers: { authorization: 'Bearer nonsense' } });
    expect(await refused.json()).toMatchObject({
      error: { code: 'rate_limit_exceeded', details: { limit: 60, window: 'minute', applies_to: 'address' } },
    });
    expect((await send('/v1/auth/me', { key: server.admin.apiKey })).status).toBe(200);
    expect((await send('/v1/auth/login', { method: 'POST', body: { email: 'a@b.c', password: 'x' } })).status).toBe(
      401,
    );
  });

  test('429: wrong secrets for the URL and the channel of one organisation cost those of another nothing', async () => {
    const [one, other] = [await doors('pro'), await doors('pro')];
    await server.sql('delete from request_count');
    expect(await passed(40, () => one.callHook('wrong'))).toBe(40);
    expect(await passed(40, () => one.callChannel('wrong'))).toBe(20);
    expect((await other.callHook('wrong')).status).toBe(401);
    expect((await other.callChannel('wrong')).status).toBe(401);
    expect((await one.callHook()).status).toBe(202);
  });

  test('429: submissions to the form of one organisation cost the form of another nothing', async () => {
    const [one, other] = [await doors('pro'), await doors('pro')];
    await server.sql('delete from request_count');
    expect(await passed(70, one.submit)).toBe(60);
    expect((await other.submit()).status).toBe(201);
    expect((await send(`/f/${other.form.slug}`)).status).toBe(200);
  });
});

describe('an API key', () => {
  test('429: with limits of its own it is refused beyond them, and its organisation goes on', async () => {
    const organisation = await server.createOrganisation('free');
    const rate_limits = { per_minute: 3 };
    const body = { name: 'Limited', scopes: ['api-keys:read'], rate_limits };
    const made = await make<{ api_key: { rate_limits: unknown }; secret: string }>(
      '/api-keys',
      organisation.apiKey,
      body,
    );
    expect(made.api_key.rate_limits).toEqual({ per_minute: 3, per_day: null });
    expect(await passed(8, () => send('/v1/scopes', { key: made.secret }))).toBe(3);
    const refused = await send('/v1/scopes', { key: made.secret });
    expect(refused.headers.get('x-ratelimit-limit')).toBe('3');
    expect(refused.headers.get('ratelimit-policy')).toBe('"minute";q=3;w=60, "day";q=1000;w=86400');
    expect(await refused.json()).toMatchObject({
      error: { details: { limit: 3, window: 'minute', applies_to: 'api_key' } },
    });
    expect(await remaining(organisation)).toBe(60 - 1 - 3 - 1);
  });
});
