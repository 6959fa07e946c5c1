import { type FilterQuery, LockMode, raw } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type Json, ResourceNotFoundError } from '../domain-error.ts';
import { DomainEvent } from '../event/domain-event.entity.ts';
import { DomainEvents } from '../event/domain-events.ts';
import type { EventType } from '../event/event-type.ts';
import { olderThan, positionOf, type Slice, type SliceRequest, toSlice } from '../slice.ts';
import { isId, newId } from '../id.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { StorageQuota } from '../storage/storage-quota.ts';
import { leaseMs } from './delivery-sender.ts';
import { WebhookAttempt } from './webhook-attempt.entity.ts';
import { type DeliveredType, type DeliveryStatus, WebhookDelivery } from './webhook-delivery.entity.ts';
import { findWebhook } from './webhook.service.ts';

export interface DeliveryQuery extends SliceRequest {
  readonly statuses?: readonly DeliveryStatus[];
  readonly eventType?: DeliveredType;
}

/** Deliveries that were made in this time. */
export interface RecoveryRange {
  readonly since: Date;
  /** Now when absent. */
  readonly until?: Date;
}

/** What was sent to the webhooks of an organisation, and what is to be sent again. */
@Injectable()
export class DeliveryService {
  constructor(
    private readonly em: EntityManager,
    private readonly events: DomainEvents,
    private readonly quota: StorageQuota,
  ) {}

  /** Newest first. Throws ResourceNotFoundError, and ValidationFailedError for a cursor that is none. */
  async list(organisationId: string, webhookId: string, query: DeliveryQuery): Promise<Slice<WebhookDelivery>> {
    const { statuses, eventType, page = 1, perPage } = query;
    const position = positionOf(query);
    await findWebhook(this.em, organisationId, webhookId);
    const where: FilterQuery<WebhookDelivery> = {
      webhookId,
      organisationId,
      ...(statuses && { status: { $in: [...statuses] } }),
      ...(eventType && { eventType }),
    };
    const items = await this.em.find(WebhookDelivery, position ? { $and: [where, olderThan(position)] } : where, {
      orderBy: { createdAt: 'desc', id: 'desc' },
      limit: perPage + 1,
      offset: position ? 0 : (page - 1) * perPage,
      disableIdentityMap: true,
    });
    return toSlice(items, query, position ? undefined : await this.em.count(WebhookDelivery, where));
  }

  /** With the event that it carries. Throws ResourceNotFoundError. */
  async get(
    organisationId: string,
    webhookId: string,
    id: string,
  ): Promise<{ delivery: WebhookDelivery; event: DomainEvent }> {
    const delivery = await this.#find(this.em, organisationId, webhookId, id);
    const event = await this.em.findOneOrFail(DomainEvent, { id: delivery.eventId, organisationId });
    return { delivery, event };
  }

  /** In order, with the type of the event that was sent. Throws ResourceNotFoundError. */
  async attempts(
    organisationId: string,
    webhookId: string,
    id: string,
    page: PageRequest,
  ): Promise<Page<WebhookAttempt> & { eventType: DeliveredType }> {
    const { eventType } = await this.#find(this.em, organisationId, webhookId, id);
    const [items, total] = await this.em.findAndCount(
      WebhookAttempt,
      { deliveryId: id },
      { orderBy: { number: 'asc' }, ...rangeOf(page) },
    );
    return { items, total, eventType };
  }

  /** Makes a message that is sent once and soon, also to a webhook that is disabled. Throws ResourceNotFoundError, StorageQuotaExceededError. */
  async test(
    organisationId: string,
    webhookId: string,
    type: DeliveredType,
    data: Record<string, Json>,
  ): Promise<WebhookDelivery> {
    return this.em.transactional(async (em) => {
      await findWebhook(em, organisationId, webhookId);
      await this.quota.assertRoom(organisationId, em);
      const createdAt = new Date();
      const event = { id: newId('evt'), organisationId, type: type as EventType, data, createdAt, dispatchAt: null };
      const delivery = Object.assign(new WebhookDelivery(), {
        id: newId('dlv'),
        organisationId,
        webhookId,
        eventId: event.id,
        eventType: type,
        origin: 'test' as const,
        status: 'pending' as const,
        attemptCount: 0,
        nextAttemptAt: createdAt,
        createdAt,
      });
      em.create(DomainEvent, event);
      em.persist(delivery);
      await em.flush();
      this.events.wakeAfter(em);
      return delivery;
    });
  }

  /**
   * Has it sent once more, with all retries; nothing changes for one that is due or under way. Throws
   * ResourceNotFoundError, and WebhookDisabledError.
   */
  async resend(organisationId: string, webhookId: string, id: string): Promise<WebhookDelivery> {
    return this.em.transactional(async (em) => {
      (await findWebhook(em, organisationId, webhookId)).assertEnabled();
      const delivery = await this.#find(em, organisationId, webhookId, id, LockMode.PESSIMISTIC_WRITE);
      delivery.resend(new Date(), leaseMs);
      this.events.wakeAfter(em);
      return delivery;
    });
  }

  /** Has all that failed sent once more; how many that are. Throws ResourceNotFoundError, and WebhookDisabledError. */
  async recover(organisationId: string, webhookId: string, { since, until }: RecoveryRange): Promise<number> {
    return this.em.transactional(async (em) => {
      (await findWebhook(em, organisationId, webhookId)).assertEnabled();
      const failed: FilterQuery<WebhookDelivery> = {
        webhookId,
        organisationId,
        origin: 'event',
        status: 'failed',
        createdAt: { $gte: since, ...(until && { $lt: until }) },
      };
      const count = await em.nativeUpdate(WebhookDelivery, failed, {
        status: raw(`case when attempt_count = 0 then 'pending' else 'retrying' end`),
        attemptsBefore: raw('attempt_count'),
        nextAttemptAt: new Date(),
        completedAt: null,
      });
      this.events.wakeAfter(em);
      return count;
    });
  }

  async #find(
    em: EntityManager,
    organisationId: string,
    webhookId: string,
    id: string,
    lockMode?: LockMode.PESSIMISTIC_WRITE,
  ): Promise<WebhookDelivery> {
    await findWebhook(em, organisationId, webhookId);
    const where = { id, webhookId, organisationId };
    const options = { ...(lockMode && { lockMode }), refresh: true };
    const delivery = isId('dlv', id) ? await em.findOne(WebhookDelivery, where, options) : null;
    if (!delivery) throw new ResourceNotFoundError('webhook_delivery', id);
    return delivery;
  }
}
