import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { BulkJobItem } from '../src/domain/bulk-job/bulk-job-item.entity.ts';
import { BulkJob } from '../src/domain/bulk-job/bulk-job.entity.ts';
import { BulkJobWorker } from '../src/domain/bulk-job/bulk-job-worker.ts';
import { DomainEvents } from '../src/domain/event/domain-events.ts';
import { EventDispatch } from '../src/domain/event/event-dispatch.ts';
import { newId } from '../src/domain/id.ts';
import { OutgoingHttp, type OutgoingRequest, type OutgoingResponse } from '../src/domain/nodes/index.ts';
import { Organisation } from '../src/domain/organisation/organisation.entity.ts';
import { currentOrganisation } from '../src/domain/tenancy/current-organisation.ts';
import { DueSchedules } from '../src/domain/trigger/due-schedules.ts';
import type { TriggerFiring } from '../src/domain/trigger/trigger-firing.ts';
import { Trigger } from '../src/domain/trigger/trigger.entity.ts';
import { DeliverySender } from '../src/domain/webhook/delivery-sender.ts';
import { WebhookAutoDisable } from '../src/domain/webhook/webhook-auto-disable.ts';
import { WebhookService } from '../src/domain/webhook/webhook.service.ts';
import { MasterKeySealer } from '../src/platform/crypto/master-key-sealer.ts';
import { AddressPolicy } from '../src/platform/outgoing/address-policy.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { RecordedBatches } from './recorded-batches.ts';
import { RecordedLoops } from './recorded-loops.ts';

let database: TestDatabase;
let events: DomainEvents;
let noisy: string;
let quiet: string;
const loops = new RecordedLoops();
const never = new AbortController().signal;
const told: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  events = new DomainEvents(database.orm, loops);
  events.subscribe({ kind: 'trigger', onEvent: async (_, { organisationId }) => void told.push(organisationId) });
});
afterAll(() => database.drop());
beforeEach(async () => {
  const em = database.orm.em.fork();
  for (const table of ['domain_event', 'event_subscription', 'webhook_delivery', 'trigger', 'bulk_job'])
    await em.execute(`delete from ${table}`);
  [noisy, quiet] = [newId('org'), newId('org')];
  for (const id of [noisy, quiet]) em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  told.length = 0;
});

const emit = (organisationId: string, count = 1): Promise<void> =>
  database.orm.em.fork().transactional((em) => {
    const data = { credential_id: 'c', name: 'n', type: 't', expired_at: '2026-11-22T10:30:00.000Z' };
    const event = { organisationId, type: 'credential.expired' as const, data };
    return events.emit(em, ...Array.from({ length: count }, () => event));
  });

test('events: one of an organisation is told with the first of another that has many', async () => {
  for (const organisationId of [noisy, quiet])
    await database.orm.em
      .fork()
      .transactional((em) =>
        events.listen(em, { organisationId, kind: 'trigger', id: 'trg', types: ['credential.expired'] }),
      );
  await emit(noisy, 60);
  await emit(quiet);
  const dispatch = new EventDispatch(database.orm, events, loops, new RecordedBatches());
  await dispatch.round(never);
  await dispatch.idle();
  expect(told.indexOf(quiet)).toBeGreaterThanOrEqual(0);
  expect(told.length).toBeLessThan(30);
});

describe('deliveries', () => {
  class SlowFor extends OutgoingHttp {
    readonly sent: string[] = [];
    readonly answer = Promise.withResolvers<void>();

    async send({ url }: OutgoingRequest): Promise<OutgoingResponse> {
      this.sent.push(currentOrganisation());
      if (url.hostname.startsWith('slow')) await this.answer.promise;
      return { status: 204, headers: {}, body: new Uint8Array(), duration: 1 };
    }
  }

  test('receivers of one organisation that do not answer leave room for those of another', async () => {
    const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
    const settings = { retrySeconds: [5], disableAfterDays: 5 };
    const webhook = async (organisationId: string, host: string): Promise<unknown> =>
      new WebhookService(database.orm.em.fork(), events, sealer, new AddressPolicy([])).create(
        { organisationId, scopes: ['credentials:read'] },
        { name: 'Shop', url: `https://${host}.example/`, events: ['credential.expired'] },
      );
    for (let n = 0; n < 10; n++) await webhook(noisy, `slow${n}`);
    await webhook(quiet, 'quick');
    await emit(noisy, 6);
    const http = new SlowFor();
    const autoDisable = new WebhookAutoDisable(database.orm, events, settings);
    const sender = new DeliverySender(database.orm, loops, http, sealer, settings, autoDisable, new RecordedBatches());
    while (await sender.round(never));
    expect(http.sent).toEqual(Array(16).fill(noisy));
    await emit(quiet);
    while (await sender.round(never));
    expect(http.sent.filter((id) => id === quiet)).toHaveLength(1);
    http.answer.resolve();
    await sender.idle();
    while ((await sender.round(never)) || http.sent.length < 61) await sender.idle();
    await sender.idle();
  });
});

test('schedules: one of an organisation starts with the first of another that has many', async () => {
  const em = database.orm.em.fork();
  const config = {
    kind: 'schedule',
    cron: null,
    interval: '1h',
    timezone: 'UTC',
    startsAt: null,
    endsAt: null,
  } as const;
  const schedule = (organisationId: string, minutes: number): void => {
    const trigger = Trigger.create(
      { organisationId, workflowId: newId('wf'), enabled: true },
      {
        name: 'Hourly',
        description: null,
        input: null,
        config: { ...config, overlap: 'allow', catchUpSeconds: 86_400 },
      },
      new Date(Date.now() - (60 + minutes) * 60_000),
    );
    em.persist(trigger);
  };
  for (let n = 0; n < 110; n++) schedule(noisy, 30);
  schedule(quiet, 1);
  await em.flush();
  const started: string[] = [];
  const firing = {
    inputOf: async () => ({}),
    start: async (_: unknown, { organisationId }: Trigger) => {
      started.push(organisationId);
      return { id: newId('exec') };
    },
  } as unknown as TriggerFiring;
  const due = new DueSchedules(database.orm, firing);
  expect(await due.run(never)).toBe(true);
  expect(started.indexOf(quiet)).toBeGreaterThanOrEqual(0);
  expect(started.indexOf(quiet)).toBeLessThan(10);
  while (await due.run(never));
  expect(started).toHaveLength(111);
});

test('bulk jobs: organisations take turns, however many jobs one of them has', async () => {
  const em = database.orm.em.fork();
  const startedBy = { type: 'api_key', id: newId('key') } as const;
  const order: string[] = [];
  const job = (organisationId: string): void => {
    const created = BulkJob.create({ organisationId, action: 'cancel', retryFrom: null, startedBy });
    created.total = 30;
    em.persist(created);
    for (let position = 0; position < 30; position++)
      em.create(BulkJobItem, {
        jobId: created.id,
        position,
        organisationId,
        executionId: newId('exec'),
        status: 'pending',
        newExecutionId: null,
        errorCode: null,
        errorMessage: null,
        completedAt: null,
      });
  };
  for (let n = 0; n < 5; n++) job(noisy);
  job(quiet);
  await em.flush();
  const control = {
    cancelIn: async (_: unknown, organisationId: string) => (order.push(organisationId), []),
    announce: () => undefined,
  };
  const worker = new BulkJobWorker(database.orm, control as never, {} as never);
  for (let batch = 0; batch < 6; batch++) await worker.work();
  expect(order.filter((id) => id === quiet)).toHaveLength(30);
  while (await worker.work());
  expect(order).toHaveLength(180);
});
