import { defineEntity, p } from '@mikro-orm/core';
import type { EventType } from '../event/event-type.ts';

/** `retrying` was tried and is tried again; `succeeded` and `failed` are its end, until somebody asks for it once more. */
export const deliveryStatuses = ['pending', 'retrying', 'succeeded', 'failed'] as const;
/** One of `deliveryStatuses`. */
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** What a test sends; no event of the platform. */
export const testEventType = 'webhook.test';
/** What a delivery can carry. */
export type DeliveredType = EventType | typeof testEventType;

const WebhookDeliverySchema = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_delivery',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    // No foreign key: a webhook that is deleted must not keep an execution from being recorded.
    webhookId: p.text(),
    eventId: p.text(),
    eventType: p.text().$type<DeliveredType>(),
    /** Whether an event made it or a test. */
    origin: p.enum(['event', 'test']),
    status: p.enum(deliveryStatuses),
    attemptCount: p.integer(),
    /** Attempts of before it was sent again by hand; the schedule of retries counts from there. */
    attemptsBefore: p.integer().default(0),
    /** When it is due; while somebody is at it, when others may take it over. Null at its end. */
    nextAttemptAt: p.datetime(3).nullable(),
    lastAttemptAt: p.datetime(3).nullable(),
    completedAt: p.datetime(3).nullable(),
    /** Of the last attempt. */
    responseStatus: p.integer().nullable(),
    /** Of the last attempt. */
    error: p.text().nullable(),
    createdAt: p.datetime(3),
  },
  indexes: [
    {
      properties: ['organisationId', 'nextAttemptAt'],
      name: 'webhook_delivery_due',
      where: '"next_attempt_at" is not null',
    },
    { properties: ['webhookId', 'createdAt', 'id'], name: 'webhook_delivery_webhook_created' },
    { properties: ['createdAt'], name: 'webhook_delivery_created' },
    { properties: ['organisationId'], name: 'webhook_delivery_organisation' },
  ],
});

/** One event on its way to one webhook. */
export class WebhookDelivery extends WebhookDeliverySchema.class {
  /** Makes it due now with all its retries, unless it is due within `lease` milliseconds, when somebody may be at it. */
  resend(now: Date, lease: number): void {
    if (this.nextAttemptAt && this.nextAttemptAt.getTime() <= now.getTime() + lease) return;
    this.status = this.attemptCount === 0 ? 'pending' : 'retrying';
    this.attemptsBefore = this.attemptCount;
    this.nextAttemptAt = now;
    this.completedAt = null;
  }
}
WebhookDeliverySchema.setClass(WebhookDelivery);
