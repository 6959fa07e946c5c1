import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { UniqueConstraintViolationException } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import type { Json } from '../domain-error.ts';
import type { Execution } from '../execution/execution.entity.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { StorageQuotaExceededError } from '../storage/storage.errors.ts';
import { configFaults, needsSecret } from './config-faults.ts';
import { matchPath } from './hook-path.ts';
import { mintHookSecret, secretFaults, signingKey } from './hook-secret.ts';
import { type Hook, type HookRequest, HookService } from './hook.service.ts';
import type { HookUses } from './hook-uses.ts';
import type { HookAuth, WebhookConfig } from './trigger-config.ts';
import type { Firing, TriggerFiring } from './trigger-firing.ts';
import { secretContext } from './trigger.service.ts';
import { Trigger } from './trigger.entity.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** What was asked to be started, and what comes of it. */
let started: Firing[];
let uses: string[];
let outcome: () => Promise<Execution>;
beforeEach(() => {
  started = [];
  uses = [];
  outcome = async () => ({ createdAt: new Date(Date.now() + 1_000) }) as Execution;
});

const firing = {
  inputOf: async (_: unknown, data: Json) => ({ seen: data }),
  start: (_em: unknown, _trigger: unknown, given: Firing) => (started.push(given), outcome()),
} as unknown as TriggerFiring;

function hooks(): HookService {
  return new HookService(database.orm, firing, sealer, { add: (id: string) => uses.push(id) } as unknown as HookUses);
}

const organisationId = newId('org');
const id = newId('trig');
const sealed = (secret: string): Buffer => sealer.seal(organisationId, secret, secretContext(id));
const config = (more: Partial<WebhookConfig> = {}): WebhookConfig => ({
  kind: 'webhook',
  methods: ['POST'],
  path: null,
  auth: { type: 'none' },
  respond: 'immediately',
  timeoutSeconds: 30,
  ...more,
});
const hook = (auth: HookAuth, more: Partial<Hook> = {}): Hook => ({
  id,
  organisationId,
  workflowId: newId('wf'),
  kind: 'webhook',
  input: null,
  enabled: true,
  plan: 'pro',
  config: config({ auth }),
  secrets: [sealed('the new secret'), sealed('the old secret')],
  ...more,
});
const request = (headers: Record<string, string> = {}, path = ''): HookRequest =>
  ({ method: 'POST', path, query: { q: '1' }, headers, body: Buffer.from('{}') }) as unknown as HookRequest;

describe('who may start it', () => {
  const apiKey = { type: 'api_key', header: 'X-Key' } as const;
  const bearer = { type: 'bearer' } as const;
  const hmac = { type: 'hmac', format: 'body', header: 'X-Sig', prefix: '', algorithm: 'sha256', encoding: 'hex', toleranceSeconds: 300 } as const; // prettier-ignore

  test.each<[auth: HookAuth, headers: Record<string, string>, isAdmitted: boolean]>([
    [{ type: 'none' }, {}, true],
    [apiKey, { 'x-key': 'the new secret' }, true],
    [apiKey, { 'x-key': 'the old secret' }, true],
    [apiKey, { 'x-key': 'the new secre' }, false],
    [apiKey, { 'x-other': 'the new secret' }, false],
    [apiKey, {}, false],
    [bearer, { authorization: 'Bearer the-token' }, true],
    [bearer, { authorization: 'bearer  the-token' }, true],
    [bearer, { authorization: 'Bearer the-other' }, false],
    [bearer, { authorization: 'Basic the-token' }, false],
    [bearer, { authorization: 'the-token' }, false],
    [bearer, { 'x-key': 'the-token' }, false],
    [bearer, {}, false],
    [hmac, {}, false],
    [hmac, { 'x-sig': '0'.repeat(64) }, false],
  ])('%j with %j: %s', (auth, headers, isAdmitted) => {
    const given = auth.type === 'bearer' ? hook(auth, { secrets: [sealed('the-token')] }) : hook(auth);
    const admit = (): unknown => hooks().admit(given, request(headers));
    if (isAdmitted) expect(admit()).toEqual({ params: {} });
    else expect(admit).toThrow(expect.objectContaining({ code: 'invalid_credentials' }));
  });

  test('without a secret nobody may, unless nobody has to prove anything', () => {
    const none = { secrets: [] };
    expect(() => hooks().admit(hook(apiKey, none), request({ 'x-key': '' }))).toThrow();
    expect(hooks().admit(hook({ type: 'none' }, none), request())).toEqual({ params: {} });
  });

  test('that it is disabled is told to those who may start it, on its path', () => {
    const path = config({ auth: apiKey, path: '/orders/{id}' });
    const disabled = hook(apiKey, { enabled: false, config: path });
    const key = { 'x-key': 'the new secret' };
    const invalid = expect.objectContaining({ code: 'invalid_credentials' });
    expect(() => hooks().admit(disabled, request({}, '/orders/1'))).toThrow(invalid);
    expect(hooks().admit(disabled, request(key, '/other'))).toBeUndefined();
    expect(() => hooks().admit(disabled, request(key, '/orders/1'))).toThrow(
      expect.objectContaining({ code: 'trigger_disabled' }),
    );
    expect(hooks().admit(hook(apiKey, { config: path }), request(key, '/orders/1'))).toEqual({ params: { id: '1' } });
  });
});

describe('what is started', () => {
  const start = (given: Hook, headers: Record<string, string> = {}): Promise<Execution> =>
    hooks().start(given, request(headers, '/orders/1'), { params: { id: '1' } }, { a: 1 });

  test('sees the request, without what proves something or belongs to a session', async () => {
    const headers = {
      authorization: 'Bearer x',
      cookie: 'a=b',
      'proxy-authorization': 'x',
      'x-api-key': 'x',
      'x-key': 'the new secret',
      'content-type': 'application/json',
    };
    await start(hook({ type: 'api_key', header: 'X-Key' }), headers);
    const data = {
      type: 'webhook',
      trigger_id: id,
      received_at: expect.any(String),
      method: 'POST',
      path: '/orders/1',
      params: { id: '1' },
      query: { q: '1' },
      headers: { 'content-type': 'application/json' },
      body: { a: 1 },
    };
    expect(started).toEqual([{ data, input: { seen: data }, id: undefined }]);
    await start(hook({ type: 'bearer' }), { 'x-key': 'not ours' });
    expect(started[1]!.data['headers']).toEqual({ 'x-key': 'not ours' });
  });

  test('under the name that the sender gives, which is signed where the format has one', async () => {
    const standard = { type: 'hmac', format: 'standard_webhooks' } as HookAuth;
    const none: HookAuth = { type: 'none' };
    const idOf = async (auth: HookAuth, headers: Record<string, string>, of: Partial<Hook> = {}): Promise<unknown> => {
      await start(hook(auth, of), headers);
      return started.at(-1)!.id;
    };
    const first = await idOf(none, { 'idempotency-key': 'a' });
    expect(first).toMatch(/^exec_[0-7][0-9a-z]{25}$/);
    expect(await idOf(none, { 'idempotency-key': 'a' })).toBe(first);
    expect(await idOf(none, { 'idempotency-key': 'b' })).not.toBe(first);
    expect(await idOf(none, { 'idempotency-key': 'a' }, { id: newId('trig') })).not.toBe(first);
    expect(await idOf(none, { 'idempotency-key': '' })).toBeUndefined();
    expect(await idOf(none, { 'webhook-id': 'a' })).toBeUndefined();
    expect(await idOf(standard, { 'webhook-id': 'a', 'idempotency-key': 'b' })).toBe(first);
    expect(await idOf(standard, { 'idempotency-key': 'b' })).toBeUndefined();
  });

  test('is counted as a use; what was there before the request is not', async () => {
    await start(hook({ type: 'none' }));
    expect(uses).toEqual([id]);
    outcome = async () => ({ createdAt: new Date(Date.now() - 1_000) }) as Execution;
    await start(hook({ type: 'none' }), { 'idempotency-key': 'a' });
    expect(uses).toEqual([id]);
  });

  test('a failure of the start is the failure of the request; that there is no room is told in other words', async () => {
    const twin = new UniqueConstraintViolationException(new Error('duplicate key'));
    for (const [error, headers] of [
      [new Error('broken'), { 'idempotency-key': 'a' }],
      [twin, {}],
      // Nobody has made the twin.
      [twin, { 'idempotency-key': 'a' }],
    ] as const) {
      outcome = () => Promise.reject(error);
      await expect(start(hook({ type: 'none' }), headers)).rejects.toBe(error);
    }
    outcome = () => Promise.reject(new StorageQuotaExceededError({ usedBytes: 2, quotaBytes: 1 }));
    await expect(start(hook({ type: 'none' }))).rejects.toMatchObject({ name: 'NoRoomForOthersError' });
    expect(uses).toEqual([]);
  });
});

describe('a trigger by its URL', () => {
  async function stored(more: Partial<Trigger> = {}): Promise<Trigger> {
    const em = database.orm.em.fork();
    const organisation = newId('org');
    em.create(Organisation, { id: organisation, name: 'Acme', plan: 'starter' });
    const trigger = Trigger.create(
      { organisationId: organisation, workflowId: newId('wf'), enabled: true },
      { name: 'Hook', description: null, config: config(), input: { a: 1 } },
    );
    Object.assign(trigger, { secret: Buffer.from('new'), previousSecret: Buffer.from('old') }, more);
    em.persist(trigger);
    await em.flush();
    return trigger;
  }
  const secretsOf = (found: Hook | undefined): string[] =>
    found!.secrets.map((secret) => Buffer.from(secret).toString());

  test.each([
    [60_000, ['new', 'old']],
    [-1, ['new']],
  ])('whose overlap ends in %i ms has these secrets', async (ms, secrets) => {
    const trigger = await stored({ previousSecretExpiresAt: new Date(Date.now() + ms) });
    const found = await hooks().find(trigger.hookToken!);
    expect(secretsOf(found)).toEqual(secrets);
    const { organisationId: of, workflowId } = trigger;
    expect(found).toMatchObject({
      id: trigger.id,
      organisationId: of,
      workflowId,
      plan: 'starter',
      kind: 'webhook',
      input: { a: 1 },
    });
  });

  test('without a secret has none', async () => {
    const { hookToken } = await stored({ secret: null, previousSecret: null });
    expect(secretsOf(await hooks().find(hookToken!))).toEqual([]);
  });

  test.each(['', 'x'.repeat(23), 'x'.repeat(24), `${'x'.repeat(23)}-`, `${'x'.repeat(24)}\n`])(
    '%j is no token',
    async (token) => {
      expect(await hooks().find(token)).toBeUndefined();
    },
  );
});

test.each<[template: string | null, path: string, params: Record<string, string> | undefined]>([
  [null, '/any/thing', {}],
  ['', '', {}],
  ['', '/', {}],
  ['/orders', '/orders', {}],
  ['/orders', '/orders/', {}],
  ['/orders', '/order', undefined],
  ['/orders', '/orders/1', undefined],
  ['/orders/{id}', '/orders/1', { id: '1' }],
  ['/orders/{id}', '/orders//', undefined],
  ['/orders/{id}', '/orders', undefined],
  ['/{a}/x/{b}', '/1/x/2', { a: '1', b: '2' }],
  ['/{a}/x/{b}', '/1/y/2', undefined],
])('template %j, path %j: %j', (template, path, params) => {
  expect(matchPath(template, path)).toEqual(params);
});

describe('secrets of hooks', () => {
  const standard = { type: 'hmac', format: 'standard_webhooks' } as HookAuth;
  const body = { type: 'hmac', format: 'body' } as HookAuth;
  const bytes = Buffer.alloc(16, 1).toString('base64');

  test('are made in the form that senders expect, each its own', () => {
    expect(mintHookSecret(standard)).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
    for (const auth of [body, { type: 'bearer' } as const]) expect(mintHookSecret(auth)).toMatch(/^[0-9A-Za-z]{40}$/);
    expect(mintHookSecret(standard)).not.toBe(mintHookSecret(standard));
  });

  test.each<[secret: string, auth: HookAuth, isGood: boolean]>([
    [`whsec_${bytes}`, standard, true],
    [bytes, standard, true],
    [Buffer.alloc(15, 1).toString('base64'), standard, false],
    ['not base64 of anything!', standard, false],
    ['anything', body, true],
    ['anything', { type: 'bearer' }, true],
  ])('%s for %j: %s', (secret, auth, isGood) => {
    expect(secretFaults(secret, auth)).toEqual(
      isGood ? [] : [expect.objectContaining({ field: 'secret', location: 'body' })],
    );
  });

  test('sign with their bytes, which base64 stands for in one format only', () => {
    expect(signingKey(`whsec_${bytes}`, standard)).toEqual(Buffer.alloc(16, 1));
    expect(signingKey(bytes, standard)).toEqual(Buffer.alloc(16, 1));
    expect(signingKey(`whsec_${bytes}`, body)).toEqual(Buffer.from(`whsec_${bytes}`));
  });
});

test('a config needs a secret where senders prove who they are, and an expression that parses', () => {
  expect([
    needsSecret(config()),
    needsSecret(config({ auth: { type: 'bearer' } })),
    needsSecret({ kind: 'manual' }),
  ]).toEqual([false, true, false]);
  const filter = (text: string | null): unknown =>
    configFaults({ kind: 'event', events: ['form.submitted'], filter: text });
  expect([filter(null), filter('event.data.a = 1'), configFaults({ kind: 'manual' })]).toEqual([[], [], []]);
  expect(filter('event.data. =')).toEqual([
    { field: 'config.filter', message: expect.stringContaining('does not parse'), location: 'body' },
  ]);
  const schedule = { kind: 'schedule', cron: 'x', interval: null, timezone: 'UTC', startsAt: null, endsAt: null, overlap: 'skip', catchUpSeconds: 60 } as const; // prettier-ignore
  expect(configFaults(schedule)).toEqual([expect.objectContaining({ field: 'config.cron' })]);
});
