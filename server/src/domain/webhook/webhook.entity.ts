import { defineEntity, p } from '@mikro-orm/core';
import type { EventType } from '../event/event-type.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { sealed } from '../sealer.ts';
import { User } from '../user/user.entity.ts';
import { WebhookDisabledError } from './webhook.errors.ts';

/** By hand; because nothing has got through for days; because the receiver said that it is gone. */
export const disabledReasons = ['manual', 'failures', 'gone'] as const;
/** One of `disabledReasons`. */
export type DisabledReason = (typeof disabledReasons)[number];

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
    headerNames: p.array().columnType('text[]'),
    /** JSON object of the headers that are sent along, if there are any. */
    headers: sealed().nullable(),
    secret: sealed(),
    /** The secret of before the last rotation; it signs too until `previousSecretExpiresAt`. */
    previousSecret: sealed().nullable(),
    previousSecretExpiresAt: p.datetime(3).nullable(),
    rotatedAt: p.datetime(3).nullable(),
    enabled: p.boolean(),
    disabledReason: p.enum(disabledReasons).nullable(),
    disabledAt: p.datetime(3).nullable(),
    /** Since when every attempt has failed; null after a success. */
    failingSince: p.datetime(3).nullable(),
    lastDeliveryAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3),
    updatedAt: p.datetime(3),
  },
});

/** What people set about a webhook. */
export interface WebhookFields {
  name: string;
  description: string | null;
  url: string;
  events: EventType[];
}

/** Where an organisation wants to be told of events. */
export class Webhook extends WebhookSchema.class {
  static create(
    of: { organisation: Organisation; createdBy: User | null },
    fields: WebhookFields,
    now = new Date(),
  ): Webhook {
    return Object.assign(new Webhook(), {
      ...of,
      ...fields,
      id: newId('wh'),
      headerNames: [],
      headers: null,
      previousSecret: null,
      previousSecretExpiresAt: null,
      rotatedAt: null,
      enabled: true,
      disabledReason: null,
      disabledAt: null,
      failingSince: null,
      lastDeliveryAt: null,
      createdAt: now,
      updatedAt: now,
    });
  }

  /** Under which name its sealed values are known. */
  static context(id: string, what: 'secret' | 'headers'): string {
    return `webhook:${id}:${what}`;
  }

  /** What it listens to now: nothing while it is disabled. */
  get listensTo(): readonly EventType[] {
    return this.enabled ? this.events : [];
  }

  /** A new chance, as if nothing had failed. */
  enable(): void {
    Object.assign(this, { enabled: true, disabledReason: null, disabledAt: null, failingSince: null });
  }

  disable(reason: DisabledReason, now = new Date()): void {
    Object.assign(this, { enabled: false, disabledReason: reason, disabledAt: now });
  }

  /** The secret of now goes on signing beside the new one until `overlapEnd`. */
  rotate(secret: Buffer, overlapEnd: Date, now: Date): void {
    const overlaps = overlapEnd > now;
    this.previousSecret = overlaps ? this.secret : null;
    this.previousSecretExpiresAt = overlaps ? overlapEnd : null;
    this.secret = secret;
    this.rotatedAt = now;
    this.updatedAt = now;
  }

  /** Throws WebhookDisabledError. */
  assertEnabled(): void {
    if (!this.enabled) throw new WebhookDisabledError(this.id);
  }
}
WebhookSchema.setClass(Webhook);
