import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { WebhookBench } from '../../../test/webhook-bench.ts';
import type { Caller } from '../caller.ts';
import { newId } from '../id.ts';
import { resourceLimits } from '../organisation/plan.ts';
import { WebhookAttempt } from './webhook-attempt.entity.ts';
import { WebhookDelivery } from './webhook-delivery.entity.ts';
import { Webhook } from './webhook.entity.ts';
import type { NewWebhook } from './webhook.service.ts';

let bench: WebhookBench;
let caller: Caller;
beforeAll(async () => {
  bench = await WebhookBench.start();
});
afterAll(() => bench.stop());
beforeEach(async () => {
  caller = await bench.organisation();
});

const given = { name: 'Shop', url: 'https://shop.example/', events: ['credential.expired'] } as const;
const create = (more: Partial<NewWebhook> = {}): Promise<Webhook> => bench.webhook(caller, more);
const update = ({ id }: Webhook, change: Partial<NewWebhook>): Promise<Webhook> =>
  bench.webhooks.update(caller, id, change);
const headersOf = ({ id, headers }: Webhook): unknown =>
  headers && JSON.parse(bench.sealer.open(caller.organisationId, headers, Webhook.context(id, 'headers')));
const secretOf = ({ id }: Webhook, sealed: Buffer | null | undefined): string | null =>
  sealed ? bench.sealer.open(caller.organisationId, sealed, Webhook.context(id, 'secret')) : null;
/** How many deliveries an event makes. */
async function heard(): Promise<number> {
  const before = (await bench.stored(caller)).length;
  await bench.emit(caller);
  return (await bench.stored(caller)).length - before;
}

describe('a new webhook', () => {
  test('is enabled, without description and headers, and hears of its events; one made disabled does not', async () => {
    const made = await bench.found(await create());
    expect(made).toMatchObject({ ...given, description: null, headerNames: [], headers: null, enabled: true });
    expect([made.disabledReason, made.createdBy, made.rotatedAt, made.previousSecret]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(await heard()).toBe(1);
    const disabled = await bench.found(await create({ enabled: false, description: 'later' }));
    expect(disabled).toMatchObject({ enabled: false, disabledReason: 'manual', description: 'later' });
    expect(disabled.disabledAt).toEqual(disabled.createdAt);
    expect(await heard()).toBe(1);
  });

  test('has a secret that signs, and headers in order, both sealed', async () => {
    const made = await bench.webhooks.create(caller, { ...given, headers: { 'X-B': 'secret', 'X-A': '' } });
    const stored = await bench.found(made.webhook);
    expect(secretOf(stored, stored.secret)).toBe(made.secret);
    expect([stored.headerNames, headersOf(stored)]).toEqual([['X-A', 'X-B'], { 'X-B': 'secret', 'X-A': '' }]);
    const [row] = await bench.em.execute<Record<string, unknown>[]>('select * from webhook where id = ?', [stored.id]);
    expect(JSON.stringify(row)).not.toContain(made.secret);
  });

  test('tells nothing that its maker may not read', async () => {
    const limited: Caller = { ...caller, scopes: ['webhooks:write'] };
    const missing = { code: 'insufficient_scope', details: { missing_scopes: ['credentials:read'] } };
    await expect(bench.webhooks.create(limited, given)).rejects.toMatchObject(missing);
    const { webhook } = await bench.webhooks.create(limited, { ...given, events: [] });
    for (const change of [{ events: given.events }, { ...given }])
      await expect(bench.webhooks.update(limited, webhook.id, change)).rejects.toMatchObject(missing);
    await update(webhook, { events: given.events, enabled: false });
    for (const change of [{ url: 'https://mine.example/' }, { enabled: true }])
      await expect(bench.webhooks.update(limited, webhook.id, change)).rejects.toMatchObject(missing);
    const harmless = await bench.webhooks.update(limited, webhook.id, { name: 'Other', enabled: false });
    expect(harmless).toMatchObject({ name: 'Other', enabled: false, url: given.url });
  });

  test('is one of as many as the plan allows, in each organisation', async () => {
    const most = resourceLimits.pro.webhooks;
    const { id } = await create();
    await bench.em.execute(
      `insert into webhook select 'wh_' || ? || n, organisation_id, created_by_id, name, description, url, events,
         header_names, headers, secret, previous_secret, previous_secret_expires_at, rotated_at, enabled, disabled_reason,
         disabled_at, failing_since, last_delivery_at, created_at, updated_at
       from webhook cross join generate_series(1, ?) n where id = ?`,
      [id, most - 2, id],
    );
    await create();
    await expect(create()).rejects.toMatchObject({ code: 'validation_error', message: 'There are too many webhooks.' });
    caller = await bench.organisation();
    await create();
  });
});

test.each<[fields: Partial<NewWebhook>, field: string, message: string]>([
  [{ url: 'https://' }, 'url', 'is not a URL'],
  [{ url: 'ftp://shop.example/' }, 'url', 'is neither http nor https'],
  [{ url: 'https://ada@shop.example/' }, 'url', 'has a user name or a password; send them as a header'],
  [{ url: 'https://:secret@shop.example/' }, 'url', 'has a user name or a password; send them as a header'],
  [{ url: 'https://10.0.0.1/' }, 'url', expect.stringContaining('private') as never],
  [{ headers: { Host: 'x' } }, 'headers.Host', 'cannot be set'],
  [{ headers: { 'Content-Type': 'x' } }, 'headers.Content-Type', 'cannot be set'],
  [{ headers: { 'Content-Encoding': 'x' } }, 'headers.Content-Encoding', 'cannot be set'],
  [{ headers: { 'Webhook-Extra': 'x' } }, 'headers.Webhook-Extra', 'cannot be set'],
  [{ headers: { 'X-A': 'x', 'x-a': 'y' } }, 'headers.x-a', 'is there twice, in different letters'],
  [{ name: 'a\0' }, 'name', expect.stringContaining('cannot be stored') as never],
  [{ description: '\ud800' }, 'description', expect.stringContaining('cannot be stored') as never],
])('%j: refused, when it is made and when it is changed', async (fields, field, message) => {
  const refused = { code: 'validation_error', details: { errors: [{ field, message, location: 'body' }] } };
  await expect(create(fields)).rejects.toMatchObject(refused);
  const webhook = await create();
  await expect(update(webhook, fields)).rejects.toMatchObject(refused);
  expect(await bench.found(webhook)).toMatchObject({ ...given, headerNames: [], description: null });
});

test('everything that is wrong is told at once, and what is right is taken', async () => {
  const wrong = create({ url: 'nonsense', headers: { Host: 'x', TE: 'y', Fine: 'z' } });
  const fields = ['url', 'headers.Host', 'headers.TE'].map((field) => ({ field }));
  await expect(wrong).rejects.toMatchObject({ details: { errors: fields } });
  expect(await create({ url: 'http://shop.example:8080/a?b#c', headers: { 'X-Webhook': 'x' } })).toMatchObject({
    headerNames: ['X-Webhook'],
  });
});

describe('a change', () => {
  test('changes what is given, lifts what is null, and leaves alone what is absent', async () => {
    const webhook = await create({ description: 'first', headers: { 'X-A': 'a' } });
    const before = await bench.found(webhook);
    expect(await bench.found(await update(webhook, {}))).toEqual({ ...before, updatedAt: expect.any(Date) });
    const changed = { name: 'Other', description: null, url: 'https://other.example/', events: ['form.submitted'] };
    await update(webhook, { ...changed, events: ['form.submitted'], headers: { 'X-B': 'b' } });
    const after = await bench.found(webhook);
    expect(after).toMatchObject({ ...changed, headerNames: ['X-B'], enabled: true, secret: before.secret });
    expect(headersOf(after)).toEqual({ 'X-B': 'b' });
    expect(after.updatedAt.getTime()).toBeGreaterThanOrEqual(before.updatedAt.getTime());
    await update(webhook, { headers: {} });
    expect(await bench.found(webhook)).toMatchObject({ headerNames: [], headers: null });
  });

  test('of the events takes effect with the next one', async () => {
    const webhook = await create();
    await update(webhook, { events: ['form.submitted'] });
    expect(await heard()).toBe(0);
    await update(webhook, { events: ['form.submitted', 'credential.expired'] });
    expect(await heard()).toBe(1);
  });

  test('is made to what is stored, not to what was read before', async () => {
    const { id } = await create({ description: 'first' });
    const own = bench.webhooks;
    await own.get(caller.organisationId, id);
    await bench.webhooks.update(caller, id, { name: 'Other', description: null, enabled: false });
    const now = { name: 'Other', description: null, enabled: false };
    expect(await own.get(caller.organisationId, id)).toMatchObject(now);
    await bench.webhooks.update(caller, id, { enabled: true });
    await own.update(caller, id, { enabled: true });
    expect(await heard()).toBe(1);
  });
});

describe('disabling', () => {
  test('ends what waits to be sent of events, of this webhook alone; a test is still sent', async () => {
    const [webhook, other] = [await create(), await create()];
    await bench.emit(caller);
    const done = (await bench.stored(caller)).find(({ webhookId }) => webhookId === webhook.id)!;
    const success = { status: 'succeeded', nextAttemptAt: null } as const;
    await bench.em.nativeUpdate(WebhookDelivery, { id: done.id }, success);
    await bench.emit(caller);
    const { id: test } = await bench.deliveries.test(caller.organisationId, webhook.id, 'webhook.test', {});
    await update(webhook, { enabled: false });
    const after = await bench.stored(caller);
    const of = (id: string): unknown =>
      after
        .filter(({ webhookId, origin }) => webhookId === id && origin === 'event')
        .map(({ status, nextAttemptAt, error }) => [status, nextAttemptAt === null, error])
        .sort();
    expect(of(webhook.id)).toEqual([
      ['failed', true, 'the webhook was disabled'],
      ['succeeded', true, null],
    ]);
    expect(of(other.id)).toEqual([
      ['pending', false, null],
      ['pending', false, null],
    ]);
    expect(after.find(({ status }) => status === 'failed')!.completedAt).toBeInstanceOf(Date);
    expect(after.find(({ id }) => id === test)).toMatchObject({ status: 'pending', error: null });
    expect(await heard()).toBe(1);
  });

  test('twice keeps the first time and its reason; enabling forgets both, and how long it has failed', async () => {
    const webhook = await create();
    const since = new Date('2026-11-01T00:00:00Z');
    await bench.set(webhook, { enabled: false, disabledReason: 'gone', disabledAt: since, failingSince: since });
    expect(await update(webhook, { enabled: false })).toMatchObject({ disabledReason: 'gone', disabledAt: since });
    expect(await update(webhook, { name: 'x' })).toMatchObject({ enabled: false, failingSince: since });
    const enabled = { enabled: true, disabledReason: null, disabledAt: null, failingSince: null };
    expect(await update(webhook, { enabled: true })).toMatchObject(enabled);
    // What fails now goes on failing when it is enabled once more.
    await bench.set(webhook, { failingSince: since });
    expect(await update(webhook, { enabled: true })).toMatchObject({ enabled: true, failingSince: since });
  });
});

describe('a rotated secret', () => {
  test('signs beside the new one until its overlap ends', async () => {
    const { webhook, secret: old } = await bench.webhooks.create(caller, given);
    const rotated = await bench.webhooks.rotate(caller.organisationId, webhook.id, 3_600);
    const stored = await bench.found(webhook);
    expect([secretOf(stored, stored.secret), secretOf(stored, stored.previousSecret)]).toEqual([rotated.secret, old]);
    expect(stored.previousSecretExpiresAt!.getTime() - stored.rotatedAt!.getTime()).toBe(3_600_000);
  });

  test.each([
    [1, true],
    [0, false],
    [-1, false],
  ])('with an overlap of %i ms the one before is kept: %s', (ms, isKept) => {
    const now = new Date();
    const [old, recent] = [Buffer.from('old'), Buffer.from('new')];
    const webhook = Object.assign(new Webhook(), { secret: old });
    const end = new Date(now.getTime() + ms);
    webhook.rotate(recent, end, now);
    expect(webhook).toMatchObject({ secret: recent, rotatedAt: now, updatedAt: now });
    expect([webhook.previousSecret, webhook.previousSecretExpiresAt]).toEqual(isKept ? [old, end] : [null, null]);
  });
});

test('what is removed is gone with what was sent to it, and hears of nothing', async () => {
  const [webhook, other] = [await create(), await create()];
  await bench.emit(caller);
  const { em } = bench;
  for (const { id: deliveryId, webhookId, organisationId } of await bench.stored(caller)) {
    const attempt = { deliveryId, webhookId, organisationId, number: 1, startedAt: new Date(), durationMs: 1 };
    em.create(WebhookAttempt, { id: newId('att'), ...attempt });
  }
  await em.flush();
  await bench.webhooks.delete(caller.organisationId, webhook.id);
  await expect(bench.webhooks.get(caller.organisationId, webhook.id)).rejects.toMatchObject({
    code: 'resource_not_found',
  });
  expect((await bench.stored(caller)).map(({ webhookId }) => webhookId)).toEqual([other.id]);
  const attempts = await bench.em.find(WebhookAttempt, { organisationId: caller.organisationId });
  expect(attempts.map(({ webhookId }) => webhookId)).toEqual([other.id]);
  expect(await heard()).toBe(1);
});

test('another organisation neither sees, changes nor removes it; what is no id is not there', async () => {
  const { id } = await create();
  const stranger = await bench.organisation();
  const missing = { code: 'resource_not_found', details: { resource: 'webhook' } };
  for (const [by, wanted] of [
    [stranger, id],
    [caller, 'x\0'],
  ] as const) {
    await expect(bench.webhooks.get(by.organisationId, wanted)).rejects.toMatchObject(missing);
    await expect(bench.webhooks.update(by, wanted, { name: 'x' })).rejects.toMatchObject(missing);
    await expect(bench.webhooks.rotate(by.organisationId, wanted, 0)).rejects.toMatchObject(missing);
    await expect(bench.webhooks.delete(by.organisationId, wanted)).rejects.toMatchObject(missing);
  }
  expect((await bench.webhooks.get(caller.organisationId, id)).name).toBe('Shop');
});

test('they are listed newest first, in pages, those that are enabled or those that are not', async () => {
  const made: string[] = [];
  for (const enabled of [true, false, true]) made.push((await create({ enabled })).id);
  const ids = async (query: object): Promise<unknown> => {
    const { items, total } = await bench.webhooks.list(caller.organisationId, { page: 1, perPage: 10, ...query });
    return [items.map(({ id }) => made.indexOf(id)), total];
  };
  expect(await ids({})).toEqual([[2, 1, 0], 3]);
  expect(await ids({ page: 2, perPage: 2 })).toEqual([[0], 3]);
  expect([await ids({ enabled: true }), await ids({ enabled: false })]).toEqual([
    [[2, 0], 2],
    [[1], 1],
  ]);
});
