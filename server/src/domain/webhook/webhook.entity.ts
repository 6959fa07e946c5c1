import { defineEntity, p } from '@mikro-orm/core';
import type { EventType } from '../event/event-type.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { User } from '../user/user.entity.ts';

const WebhookSchema = defineEntity({
  name: 'Webhook',
  tableName: 'webhook',
  indexes: [{ properties: ['organisation', 'createdAt', 'id'], name: 'webhook_organisation_created' }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    createdBy: () => p.manyToOne(User).nullable().deleteRule('set null'),
    name: p.text(),
    description: p.text().nullable(),
    url: p.text(),
    events: p.array().columnType('text[]').$type<EventType[]>(),
    /** Names of the headers sent along; their values are sealed. */
    headerNames: p.array().columnType('text[]'),
    sealedHeaders: p.text().nullable(),
    sealedSecret: p.text(),
    /** The secret of before the last rotation; it signs too until `previousSecretExpiresAt`. */
    sealedPreviousSecret: p.text().nullable(),
    previousSecretExpiresAt: p.datetime(3).nullable(),
    rotatedAt: p.datetime(3).nullable(),
    enabled: p.boolean(),
    /** Why it is disabled, when it is. */
    disabledReason: p.enum(['manual', 'failures', 'gone']).nullable(),
    disabledAt: p.datetime(3).nullable(),
    /** Since when no delivery has succeeded; null after a success. */
    failingSince: p.datetime(3).nullable(),
    lastDeliveryAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** Where an organisation wants to be told of events. */
export class Webhook extends WebhookSchema.class {}
WebhookSchema.setClass(Webhook);
