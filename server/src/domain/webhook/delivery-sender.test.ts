import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedBatches } from '../../../test/recorded-batches.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { dieAt } from '../../../test/die-at.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import { AddressPolicy } from '../../platform/outgoing/address-policy.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { newId } from '../id.ts';
import { OutgoingHttp, OutgoingHttpError, type OutgoingRequest, type OutgoingResponse } from '../nodes/index.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { DeliverySender } from './delivery-sender.ts';
import { WebhookAttempt } from './webhook-attempt.entity.ts';
import { WebhookAutoDisable } from './webhook-auto-disable.ts';
import { WebhookDelivery } from './webhook-delivery.entity.ts';
import { Webhook } from './webhook.entity.ts';
import { WebhookService } from './webhook.service.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);

class FakeHttp extends OutgoingHttp {
  sent: OutgoingRequest[] = [];
  answer: (request: OutgoingRequest) => Promise<number> = () => Promise.resolve(204);

  async send(request: OutgoingRequest): Promise<OutgoingResponse> {
    this.sent.push(request);
    return { status: await this.answer(request), headers: {}, body: new Uint8Array(), duration: 1 };
  }
}

let database: TestDatabase;
let events: DomainEvents;
let organisationId: string;
const loops = new RecordedLoops();
const batches = new RecordedBatches();
const settings = { retrySeconds: [5, 300], disableAfterDays: 5 };
let http: FakeHttp;
let sender: DeliverySender;

beforeAll(async () => {
  database = await createTestDatabase();
  events = new DomainEvents(database.orm, loops);
});
afterAll(() => database.drop());
beforeEach(async () => {
  const em = database.orm.em.fork();
  organisationId = newId('org');
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'pro' });
  await em.flush();
  await em.nativeDelete(WebhookDelivery, {});
  batches.failures.length = 0;
  http = new FakeHttp();
  sender = newSender();
});

const newSender = (): DeliverySender => {
  const autoDisable = new WebhookAutoDisable(database.orm, events, settings);
  return new DeliverySender(database.orm, loops, http, sealer, settings, autoDisable, batches);
};

async function webhook(url = 'https://shop.example/'): Promise<Webhook> {
  const service = new WebhookService(database.orm.em.fork(), events, sealer, new AddressPolicy([]));
  const created = await service.create(
    { organisationId, scopes: ['credentials:read'] },
    { name: 'Shop', url, events: ['credential.expired'] },
  );
  return created.webhook;
}

const emit = (count = 1): Promise<void> =>
  database.orm.em.fork().transactional((em) => {
    const data = { credential_id: 'c', name: 'n', type: 't', expired_at: '2026-11-22T10:30:00.000Z' };
    return events.emit(
      em,
      ...Array.from({ length: count }, () => ({ organisationId, type: 'credential.expired' as const, data })),
    );
  });

const deliveries = (): Promise<WebhookDelivery[]> =>
  database.orm.em.fork().find(WebhookDelivery, { organisationId }, { orderBy: { id: 'asc' } });

const never = new AbortController().signal;
async function rounds(by = sender, signal = never): Promise<void> {
  while (await by.round(signal));
}

test('two processes send each message once', async () => {
  await webhook();
  await emit(20);
  const other = newSender();
  await Promise.all([rounds(), rounds(other)]);
  await Promise.all([sender.idle(), other.idle()]);
  await Promise.all([rounds(), rounds(other)]);
  await Promise.all([sender.idle(), other.idle()]);
  await rounds();
  await sender.idle();
  expect(new Set(http.sent.map(({ headers }) => headers['webhook-id'])).size).toBe(20);
  expect(http.sent).toHaveLength(20);
  expect((await deliveries()).every(({ status }) => status === 'succeeded')).toBe(true);
});

test('a receiver that does not answer keeps no other from being told', async () => {
  await webhook('https://slow.example/');
  await emit(40);
  await webhook('https://quick.example/');
  await emit(1);
  const gate = Promise.withResolvers<number>();
  http.answer = ({ url }) => (url.hostname === 'slow.example' ? gate.promise : Promise.resolve(204));
  await rounds();
  const told = http.sent.map(({ url }) => url.hostname);
  expect(told.filter((host) => host === 'quick.example')).toHaveLength(1);
  expect(told.filter((host) => host === 'slow.example').length).toBeLessThan(16);
  gate.resolve(204);
  await sender.idle();
});

test('a timeout is a failure, and the next try comes in time', async () => {
  await webhook();
  await emit();
  http.answer = () => Promise.reject(new OutgoingHttpError('timeout', 'no complete answer within 10000 ms'));
  await rounds();
  await sender.idle();
  const [delivery] = await deliveries();
  expect(http.sent[0]).toMatchObject({ timeout: 10_000, redirects: 0, method: 'POST' });
  expect(delivery).toMatchObject({ status: 'retrying', attemptCount: 1, responseStatus: null });
  const wait = delivery!.nextAttemptAt!.getTime() - delivery!.lastAttemptAt!.getTime();
  expect(wait).toBeGreaterThanOrEqual(5_000);
  await rounds();
  expect(http.sent).toHaveLength(1);
});

test('a process that stops gives back what it was sending, untried', async () => {
  await webhook();
  await emit();
  const stop = new AbortController();
  http.answer = ({ signal }) =>
    new Promise((_, reject) => signal!.addEventListener('abort', () => reject(new OutgoingHttpError('aborted', 'x'))));
  await rounds(sender, stop.signal);
  stop.abort();
  await sender.idle();
  expect(await deliveries()).toMatchObject([{ status: 'pending', attemptCount: 0 }]);
  http.answer = () => Promise.resolve(204);
  await rounds(newSender());
  expect(http.sent).toHaveLength(2);
});

test('a process that was stopped for too long changes nothing when it goes on', async () => {
  await webhook();
  await emit();
  const gate = Promise.withResolvers<number>();
  http.answer = () => gate.promise;
  await rounds();
  await database.orm.em.fork().nativeUpdate(WebhookDelivery, { organisationId }, { nextAttemptAt: new Date(0) });
  http.answer = () => Promise.resolve(204);
  const other = newSender();
  await rounds(other);
  await other.idle();
  gate.resolve(500);
  await sender.idle();
  expect(await deliveries()).toMatchObject([{ status: 'succeeded', attemptCount: 1 }]);
  expect(await database.orm.em.fork().count(WebhookAttempt, { organisationId })).toBe(1);
});

test('a delivery whose webhook is gone ends', async () => {
  const { id } = await webhook();
  await emit();
  await database.orm.em.fork().nativeDelete(Webhook, { id });
  await rounds();
  await sender.idle();
  expect(await deliveries()).toMatchObject([{ status: 'failed', error: 'the webhook is gone' }]);
  expect(http.sent).toEqual([]);
});

test.each(['delivery.claimed', 'delivery.sent'] as const)(
  'a process that dies at %s: another delivers when the lease is over, under the same id',
  async (point) => {
    await webhook();
    await emit();
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const death = dieAt(point);
    await rounds().catch(() => undefined);
    await sender.idle();
    log.mockRestore();
    expect(death.reached()).toBe(true);
    await database.orm.em.fork().nativeUpdate(WebhookDelivery, { organisationId }, { nextAttemptAt: new Date(0) });
    const other = newSender();
    await rounds(other);
    await other.idle();
    expect(await deliveries()).toMatchObject([{ status: 'succeeded', attemptCount: 1 }]);
    expect(new Set(http.sent.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  },
);

test.each([
  ['sending fails', async () => void (http.answer = () => Promise.reject(new TypeError('x is not a function')))],
  [
    'the secret cannot be opened',
    (id: string) => database.orm.em.fork().nativeUpdate(Webhook, { id }, { secret: Buffer.from('torn') }),
  ],
])(
  'a fault of the platform (%s) is an attempt that failed, and none of the webhook; it is not tried for ever',
  async (_, harm) => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const { id } = await webhook();
    await emit();
    await harm(id);
    for (let attempt = 1; attempt <= settings.retrySeconds.length + 1; attempt++) {
      await rounds();
      await sender.idle();
      expect(await deliveries()).toMatchObject([{ attemptCount: attempt, error: 'the platform could not send it' }]);
      await database.orm.em
        .fork()
        .nativeUpdate(
          WebhookDelivery,
          { organisationId, nextAttemptAt: { $ne: null } },
          { nextAttemptAt: new Date(0) },
        );
    }
    log.mockRestore();
    expect(await deliveries()).toMatchObject([{ status: 'failed', nextAttemptAt: null }]);
    const { failingSince, enabled } = await database.orm.em.fork().findOneOrFail(Webhook, { id });
    expect({ failingSince, enabled }).toEqual({ failingSince: null, enabled: true });
    expect(new Set(batches.failures)).toEqual(new Set(['webhook_deliveries refused']));
  },
);

test('the secret of before a rotation signs until the overlap is over, and no longer', async () => {
  const { id } = await webhook();
  const service = (): WebhookService =>
    new WebhookService(database.orm.em.fork(), events, sealer, new AddressPolicy([]));
  const signatures = async (): Promise<number> => {
    http.sent.length = 0;
    await emit();
    await rounds();
    await sender.idle();
    expect(http.sent).toHaveLength(1);
    return http.sent[0]!.headers['webhook-signature']!.split(' ').length;
  };
  expect(await signatures()).toBe(1);
  await service().rotate(organisationId, id, 3_600);
  expect(await signatures()).toBe(2);
  await database.orm.em.fork().nativeUpdate(Webhook, { id }, { previousSecretExpiresAt: new Date(Date.now() - 1) });
  expect(await signatures()).toBe(1);
  await service().rotate(organisationId, id, 0);
  expect(await signatures()).toBe(1);
});
