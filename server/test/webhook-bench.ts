import { createTestDatabase, type TestDatabase } from './database.ts';
import { RecordedBatches } from './recorded-batches.ts';
import { RecordedLoops } from './recorded-loops.ts';
import { MasterKeySealer } from '../src/platform/crypto/master-key-sealer.ts';
import { AddressPolicy } from '../src/platform/outgoing/address-policy.ts';
import type { Caller } from '../src/domain/caller.ts';
import type { Json } from '../src/domain/domain-error.ts';
import { DomainEvents } from '../src/domain/event/domain-events.ts';
import type { EventType } from '../src/domain/event/event-type.ts';
import { newId } from '../src/domain/id.ts';
import { OutgoingHttp, type OutgoingRequest, type OutgoingResponse } from '../src/domain/nodes/index.ts';
import { Organisation } from '../src/domain/organisation/organisation.entity.ts';
import { scopes } from '../src/domain/scope.ts';
import { StorageQuota } from '../src/domain/storage/storage-quota.ts';
import { DeliverySender } from '../src/domain/webhook/delivery-sender.ts';
import { DeliveryService } from '../src/domain/webhook/delivery.service.ts';
import { WebhookAutoDisable } from '../src/domain/webhook/webhook-auto-disable.ts';
import { WebhookDelivery } from '../src/domain/webhook/webhook-delivery.entity.ts';
import type { WebhookSettings } from '../src/domain/webhook/webhook-settings.ts';
import { Webhook } from '../src/domain/webhook/webhook.entity.ts';
import { type NewWebhook, WebhookService } from '../src/domain/webhook/webhook.service.ts';

type Answer = Partial<Omit<OutgoingResponse, 'body'>> & { body?: string };

/** A receiver that answers as it is told. */
export class FakeHttp extends OutgoingHttp {
  readonly sent: OutgoingRequest[] = [];
  answer: (request: OutgoingRequest) => Answer | Promise<Answer> = () => ({ status: 204 });

  async send(request: OutgoingRequest): Promise<OutgoingResponse> {
    this.sent.push(request);
    const { status = 200, headers = {}, body = '' } = await this.answer(request);
    return { status, headers, body: Buffer.from(body), duration: 1 };
  }
}

/** Webhooks over a database of their own, without anything that runs by itself. */
export class WebhookBench {
  readonly sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
  readonly loops = new RecordedLoops();
  readonly events: DomainEvents;

  private constructor(
    readonly database: TestDatabase,
    readonly settings: WebhookSettings,
  ) {
    this.events = new DomainEvents(database.orm, this.loops);
  }

  static async start(
    settings: WebhookSettings = { retrySeconds: [5, 300, 1_800], disableAfterDays: 5 },
  ): Promise<WebhookBench> {
    return new WebhookBench(await createTestDatabase(), settings);
  }

  stop(): Promise<void> {
    return this.database.drop();
  }

  get em(): ReturnType<TestDatabase['orm']['em']['fork']> {
    return this.database.orm.em.fork();
  }

  /** An organisation, as a caller who may do everything. */
  async organisation(): Promise<Caller> {
    const organisationId = newId('org');
    const { em } = this;
    em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'pro' });
    await em.flush();
    return { organisationId, scopes };
  }

  get webhooks(): WebhookService {
    return new WebhookService(this.em, this.events, this.sealer, new AddressPolicy([]));
  }

  get deliveries(): DeliveryService {
    return new DeliveryService(this.em, this.events, new StorageQuota(this.database.orm));
  }

  sender(http: OutgoingHttp): DeliverySender {
    const autoDisable = new WebhookAutoDisable(this.database.orm, this.events, this.settings);
    const batches = new RecordedBatches();
    return new DeliverySender(this.database.orm, this.loops, http, this.sealer, this.settings, autoDisable, batches);
  }

  async webhook(caller: Caller, given: Partial<NewWebhook> = {}): Promise<Webhook> {
    const fields = { name: 'Shop', url: 'https://shop.example/', events: ['credential.expired'] as const, ...given };
    return (await this.webhooks.create(caller, fields)).webhook;
  }

  emit({ organisationId }: Caller, count = 1, type: EventType = 'credential.expired'): Promise<void> {
    const data: Record<string, Json> = {
      credential_id: 'c',
      name: 'n',
      type: 't',
      expired_at: '2026-11-22T10:30:00.000Z',
    };
    return this.em.transactional((em) =>
      this.events.emit(em, ...Array.from({ length: count }, () => ({ organisationId, type, data: data as never }))),
    );
  }

  /** All deliveries of the organisation, the first first. */
  stored({ organisationId }: Caller): Promise<WebhookDelivery[]> {
    return this.em.find(WebhookDelivery, { organisationId }, { orderBy: { id: 'asc' } });
  }

  /** Makes what waits for another attempt due now. */
  async makeDue({ organisationId }: Caller): Promise<void> {
    const waiting = { organisationId, nextAttemptAt: { $ne: null } };
    await this.em.nativeUpdate(WebhookDelivery, waiting, { nextAttemptAt: new Date(0) });
  }

  found({ id }: Webhook): Promise<Webhook> {
    return this.em.findOneOrFail(Webhook, { id });
  }

  async set({ id }: Webhook, fields: Partial<Webhook>): Promise<void> {
    await this.em.nativeUpdate(Webhook, { id }, fields as never);
  }
}

/** Begins to send all that is due and there is room for. */
export async function rounds(sender: DeliverySender, signal = new AbortController().signal): Promise<void> {
  while (await sender.round(signal));
}

/** Sends all that is due, to the end. */
export async function sendAll(sender: DeliverySender): Promise<void> {
  await rounds(sender);
  await sender.idle();
}
