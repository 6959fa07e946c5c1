import { defineEntity, p } from '@mikro-orm/core';

const WebhookAttemptSchema = defineEntity({
  name: 'WebhookAttempt',
  tableName: 'webhook_attempt',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    webhookId: p.text(),
    deliveryId: p.text(),
    /** From 1. */
    number: p.integer(),
    startedAt: p.datetime(3),
    durationMs: p.integer(),
    /** Null without an answer. */
    responseStatus: p.integer().nullable(),
    /** The beginning of the answer, as text. */
    responseBody: p.text().nullable(),
    /** Why it failed; null for a success. */
    error: p.text().nullable(),
  },
  uniques: [{ properties: ['deliveryId', 'number'], name: 'webhook_attempt_number' }],
  indexes: [{ properties: ['webhookId'], name: 'webhook_attempt_webhook' }],
});

/** One try at a delivery, and what came of it. */
export class WebhookAttempt extends WebhookAttemptSchema.class {}
WebhookAttemptSchema.setClass(WebhookAttempt);
