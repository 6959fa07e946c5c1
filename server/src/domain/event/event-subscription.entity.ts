import { defineEntity, p } from '@mikro-orm/core';
import type { EventType } from './event-type.ts';

/** Who can listen: webhooks get a delivery, the others are told by this server. */
export const listenerKinds = ['webhook', 'trigger'] as const;
/** One of `listenerKinds`. */
export type ListenerKind = (typeof listenerKinds)[number];

const EventSubscriptionSchema = defineEntity({
  name: 'EventSubscription',
  tableName: 'event_subscription',
  properties: {
    organisationId: p.text().primary(),
    eventType: p.text().$type<EventType>().primary(),
    listenerKind: p.enum(listenerKinds).primary(),
    listenerId: p.text().primary(),
  },
  indexes: [{ properties: ['listenerId'], name: 'event_subscription_listener' }],
});

/** That somebody listens to a type of event. What nobody listens to is not even written. */
export class EventSubscription extends EventSubscriptionSchema.class {}
EventSubscriptionSchema.setClass(EventSubscription);
