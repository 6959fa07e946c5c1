import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { createOrm } from '../../platform/database/orm.ts';
import type { Caller } from '../caller.ts';
import { DomainEvent } from '../event/domain-event.entity.ts';
import type { EventType } from '../event/event-type.ts';
import { newId } from '../id.ts';
import { StorageQuotaExceededError } from '../storage/storage.errors.ts';
import { DeliveryRetention } from './delivery-retention.ts';
import { DeliveryService } from './delivery.service.ts';
import { WebhookBench } from '../../../test/webhook-bench.ts';
import { WebhookAttempt } from './webhook-attempt.entity.ts';
import { WebhookDelivery } from './webhook-delivery.entity.ts';
import type { Webhook } from './webhook.entity.ts';

let bench: WebhookBench;
let caller: Caller;
let webhook: Webhook;

beforeAll(async () => {
  bench = await WebhookBench.start();
});
afterAll(() => bench.stop());
beforeEach(async () => {
  for (const entity of [WebhookAttempt, WebhookDelivery, DomainEvent]) await bench.em.nativeDelete(entity as never, {});
  caller = await bench.organisation();
  webhook = await bench.webhook(caller);
});

const minutes = (count: number): Date => new Date(Date.now() - count * 60_000);

/** A delivery of the webhook that failed, other than told. */
async function delivery(more: Partial<WebhookDelivery> = {}): Promise<WebhookDelivery> {
  await bench.emit(caller);
  const { id } = (await bench.stored(caller)).at(-1)!;
  const failed = { status: 'failed', attemptCount: 4, nextAttemptAt: null, completedAt: new Date(), ...more };
  await bench.em.nativeUpdate(WebhookDelivery, { id }, failed as never);
  return bench.em.findOneOrFail(WebhookDelivery, { id });
}

const find = ({ id }: WebhookDelivery): Promise<WebhookDelivery> => bench.em.findOneOrFail(WebhookDelivery, { id });

describe('sending again', () => {
  const resend = ({ id }: WebhookDelivery): Promise<WebhookDelivery> =>
    bench.deliveries.resend(caller.organisationId, webhook.id, id);

  test.each<[name: string, before: Partial<WebhookDelivery>, status: string, attemptsBefore: number]>([
    ['one that failed', {}, 'retrying', 4],
    ['one that succeeded', { status: 'succeeded', attemptCount: 1 }, 'retrying', 1],
    ['one that was never tried', { attemptCount: 0 }, 'pending', 0],
    [
      'one that waits for longer than an attempt takes',
      { status: 'retrying', nextAttemptAt: minutes(-2) },
      'retrying',
      4,
    ],
  ])('%s is due now, with all its attempts to come', async (_, before, status, attemptsBefore) => {
    const given = await delivery(before);
    bench.loops.woken.length = 0;
    await resend(given);
    const after = await find(given);
    expect(after).toMatchObject({ status, attemptsBefore, attemptCount: given.attemptCount, completedAt: null });
    expect(Math.abs(after.nextAttemptAt!.getTime() - Date.now())).toBeLessThan(60_000);
    expect(bench.loops.woken.length).toBeGreaterThan(0);
  });

  test.each([minutes(1), minutes(-0.5)])(
    'nothing changes for one that is due, or that somebody may be at',
    async (nextAttemptAt) => {
      const given = await delivery({ status: 'retrying', nextAttemptAt, completedAt: null });
      await resend(given);
      expect(await find(given)).toEqual(given);
    },
  );

  test('one that was looked at before is sent again as it is now', async () => {
    const given = await delivery();
    await bench.em.nativeUpdate(WebhookDelivery, { id: given.id }, { nextAttemptAt: minutes(1) });
    const own = bench.deliveries;
    await own.get(caller.organisationId, webhook.id, given.id);
    await bench.em.nativeUpdate(WebhookDelivery, { id: given.id }, { attemptCount: 0, nextAttemptAt: null });
    const again = await own.resend(caller.organisationId, webhook.id, given.id);
    expect(again).toMatchObject({ status: 'pending', attemptsBefore: 0, nextAttemptAt: expect.any(Date) });
  });

  test('the bound between the two is the lease', () => {
    const now = new Date();
    for (const [inMs, changes] of [
      [60_000, false],
      [60_001, true],
    ] as const) {
      const waiting = Object.assign(new WebhookDelivery(), {
        attemptCount: 1,
        nextAttemptAt: new Date(now.getTime() + inMs),
      });
      waiting.resend(now, 60_000);
      expect(waiting.nextAttemptAt === now).toBe(changes);
    }
  });

  test('a webhook that is disabled gets nothing again', async () => {
    const given = await delivery();
    await bench.webhooks.update(caller, webhook.id, { enabled: false });
    await expect(resend(given)).rejects.toMatchObject({ code: 'webhook_disabled' });
    const since = { since: minutes(60) };
    await expect(bench.deliveries.recover(caller.organisationId, webhook.id, since)).rejects.toMatchObject({
      code: 'webhook_disabled',
    });
    expect(await find(given)).toMatchObject({ status: 'failed' });
  });
});

describe('recovering', () => {
  const recover = (since: Date, until?: Date): Promise<number> =>
    bench.deliveries.recover(caller.organisationId, webhook.id, { since, ...(until && { until }) });

  test('sends again what failed in the time, its beginning included and its end not', async () => {
    const at = [40, 30, 20, 10].map(minutes);
    const made: WebhookDelivery[] = [];
    for (const createdAt of at) made.push(await delivery({ createdAt, attemptCount: 2 }));
    expect(await recover(at[1]!, at[3]!)).toBe(2);
    const states = await Promise.all(made.map(find));
    expect(states.map(({ status }) => status)).toEqual(['failed', 'retrying', 'retrying', 'failed']);
    expect(states[1]).toMatchObject({ attemptsBefore: 2, completedAt: null, nextAttemptAt: expect.any(Date) });
    expect(await recover(at[0]!)).toBe(2);
  });

  test('leaves alone what did not fail, tests, and those of other webhooks; what was never tried begins', async () => {
    const other = await bench.webhook(caller);
    await bench.emit(caller);
    const [own, ofOther] = await bench.stored(caller);
    expect([own!.webhookId, ofOther!.webhookId].sort()).toEqual([webhook.id, other.id].sort());
    await bench.em.nativeUpdate(WebhookDelivery, { webhookId: other.id }, { status: 'failed', nextAttemptAt: null });
    await bench.em.nativeUpdate(
      WebhookDelivery,
      { webhookId: webhook.id },
      { status: 'succeeded', nextAttemptAt: null },
    );
    await bench.webhooks.delete(caller.organisationId, other.id);
    const ofTest = await bench.deliveries.test(caller.organisationId, webhook.id, 'webhook.test', {});
    await bench.em.nativeUpdate(WebhookDelivery, { id: ofTest.id }, { status: 'failed', nextAttemptAt: null });
    const untried = await delivery({ attemptCount: 0 });
    expect(await recover(minutes(60))).toBe(1);
    expect(await find(untried)).toMatchObject({ status: 'pending', attemptsBefore: 0 });
    expect(await find(ofTest)).toMatchObject({ status: 'failed' });
  });
});

describe('looking', () => {
  test('newest first, in slices, by status and type', async () => {
    const ids: string[] = [];
    for (const at of [3, 2, 1]) ids.push((await delivery({ createdAt: minutes(at) })).id);
    await bench.em.nativeUpdate(WebhookDelivery, { id: ids[1]! }, { status: 'succeeded' });
    const list = (more: object = {}): ReturnType<DeliveryService['list']> =>
      bench.deliveries.list(caller.organisationId, webhook.id, { perPage: 2, ...more });
    const first = await list();
    expect(first.items.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(first.page).toEqual({ number: 1, total: 3 });
    const second = await list({ cursor: first.nextCursor });
    expect([second.items.map(({ id }) => id), second.nextCursor, second.page]).toEqual([[ids[0]], null, undefined]);
    expect((await list({ page: 2 })).items.map(({ id }) => id)).toEqual([ids[0]]);
    expect((await list({ statuses: ['succeeded'] })).items.map(({ id }) => id)).toEqual([ids[1]]);
    const lists = bench.deliveries;
    const statuses = async (): Promise<unknown[]> =>
      (await lists.list(caller.organisationId, webhook.id, { perPage: 9 })).items.map(({ status }) => status);
    expect(await statuses()).toEqual(['failed', 'succeeded', 'failed']);
    // Also who has looked before sees what is stored.
    await bench.em.nativeUpdate(WebhookDelivery, { id: ids[2]! }, { status: 'succeeded', completedAt: null });
    expect(await statuses()).toEqual(['succeeded', 'succeeded', 'failed']);
    expect((await lists.list(caller.organisationId, webhook.id, { perPage: 1 })).items[0]!.completedAt).toBeNull();
    const types: EventType[] = ['credential.expired', 'form.submitted'];
    const counts = await Promise.all(types.map(async (eventType) => (await list({ eventType })).page!.total));
    expect(counts).toEqual([3, 0]);
  });

  test('a delivery has its event and its attempts; that of another webhook or organisation is not there', async () => {
    const given = await delivery();
    const found = await bench.deliveries.get(caller.organisationId, webhook.id, given.id);
    expect([found.delivery.id, found.event.id]).toEqual([given.id, given.eventId]);
    const other = await bench.webhook(caller);
    const stranger = await bench.organisation();
    const page = { page: 1, perPage: 10 };
    for (const [organisationId, webhookId, id] of [
      [caller.organisationId, other.id, given.id],
      [stranger.organisationId, webhook.id, given.id],
      [caller.organisationId, webhook.id, newId('dlv')],
      [caller.organisationId, webhook.id, 'x\0'],
      [caller.organisationId, newId('wh'), given.id],
    ] as const) {
      const missing = { code: 'resource_not_found' };
      await expect(bench.deliveries.get(organisationId, webhookId, id)).rejects.toMatchObject(missing);
      await expect(bench.deliveries.attempts(organisationId, webhookId, id, page)).rejects.toMatchObject(missing);
      await expect(bench.deliveries.resend(organisationId, webhookId, id)).rejects.toMatchObject(missing);
    }
  });
});

test('a test needs room, and is due at once', async () => {
  const full = new StorageQuotaExceededError({ usedBytes: 2, quotaBytes: 1 });
  const refusing = new DeliveryService(bench.em, bench.events, { assertRoom: () => Promise.reject(full) } as never);
  const test = (by: DeliveryService): Promise<WebhookDelivery> =>
    by.test(caller.organisationId, webhook.id, 'webhook.test', { a: 1 });
  await expect(test(refusing)).rejects.toBe(full);
  expect(await bench.stored(caller)).toEqual([]);
  bench.loops.woken.length = 0;
  const made = await test(bench.deliveries);
  expect(await find(made)).toMatchObject({
    origin: 'test',
    status: 'pending',
    attemptCount: 0,
    eventType: 'webhook.test',
  });
  expect(made.nextAttemptAt!.getTime()).toBeLessThanOrEqual(Date.now());
  expect(bench.loops.woken.length).toBeGreaterThan(0);
});

describe('what is old', () => {
  const days = (count: number): Date => minutes(count * 24 * 60);
  const retention = (): DeliveryRetention => new DeliveryRetention(bench.database.orm, new RecordedLoops());

  test('deliveries go after 30 days with their attempts, but for those that are still to be sent', async () => {
    const kept = await delivery({ createdAt: days(29.9) });
    const old = await delivery({ createdAt: days(30.1) });
    const due = await delivery({ createdAt: days(40), status: 'retrying', nextAttemptAt: new Date() });
    const { em } = bench;
    for (const { id, webhookId, organisationId } of [kept, old])
      em.create(WebhookAttempt, {
        id: newId('att'),
        organisationId,
        webhookId,
        deliveryId: id,
        number: 1,
        startedAt: new Date(),
        durationMs: 1,
      });
    await em.flush();
    expect(await retention().purge()).toBe(false);
    expect((await bench.stored(caller)).map(({ id }) => id).sort()).toEqual([kept.id, due.id].sort());
    expect((await bench.em.find(WebhookAttempt, {})).map(({ deliveryId }) => deliveryId)).toEqual([kept.id]);
  });

  test('events go after 33 days, but for those that somebody waits for', async () => {
    const carried = await delivery({ createdAt: days(40), status: 'retrying', nextAttemptAt: new Date() });
    const event = async (createdAt: Date, dispatchAt: Date | null = null): Promise<string> => {
      const { em } = bench;
      const id = newId('evt');
      const { organisationId } = caller;
      em.create(DomainEvent, { id, organisationId, type: 'form.submitted', data: {}, createdAt, dispatchAt });
      await em.flush();
      return id;
    };
    await bench.em.nativeUpdate(DomainEvent, { id: carried.eventId }, { createdAt: days(40) });
    const kept = [carried.eventId, await event(days(32.9)), await event(days(34), new Date())];
    await event(days(33.1));
    expect(await retention().purge()).toBe(false);
    expect((await bench.em.find(DomainEvent, {})).map(({ id }) => id).sort()).toEqual(kept.sort());
  });

  test('no more go in a round than it may take, whichever plan PostgreSQL chooses', async () => {
    for (let count = 0; count < 5; count++) await delivery({ createdAt: days(31) });
    // Where the planner finds nothing better, it looks for what is to go once more for each row.
    const off = ['hashjoin', 'mergejoin', 'hashagg', 'sort', 'material', 'memoize'];
    const set = off.map((name) => `set enable_${name} = off`).join('; ');
    const orm = await createOrm({
      url: bench.database.url,
      onPool: (pool) => pool.on('connect', (client) => void client.query(set)),
    });
    try {
      const retention = new DeliveryRetention(orm, new RecordedLoops());
      expect([await retention.purge(2), await bench.em.count(WebhookDelivery, {})]).toEqual([true, 3]);
    } finally {
      await orm.close();
    }
  });

  test('five deliveries go in three rounds of two, and their events after them', async () => {
    for (let count = 0; count < 5; count++) await delivery({ createdAt: days(31) });
    await bench.em.nativeUpdate(DomainEvent, {}, { createdAt: days(34) });
    const left: [boolean, number, number][] = [];
    for (let round = 0; round < 3; round++)
      left.push([
        await retention().purge(2),
        await bench.em.count(WebhookDelivery, {}),
        await bench.em.count(DomainEvent, {}),
      ]);
    expect(left).toEqual([
      [true, 3, 3],
      [true, 1, 1],
      [false, 0, 0],
    ]);
  });
});
