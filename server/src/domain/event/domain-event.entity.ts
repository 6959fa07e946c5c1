import { defineEntity, type Opt, p } from '@mikro-orm/core';
import type { Json } from '../domain-error.ts';
import type { EventType } from './event-type.ts';

const DomainEventSchema = defineEntity({
  name: 'DomainEvent',
  tableName: 'domain_event',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    type: p.text().$type<EventType>(),
    data: p.json<{ readonly [key: string]: Json }>(),
    /** Bytes that it stores. */
    size: p.integer().generated('(300 + octet_length((data)::text)) stored').$type<Opt<number>>().lazy(),
    createdAt: p.datetime(3),
    /** Set while subscribers of this server are still to be told, to when they are. */
    dispatchAt: p.datetime(3).nullable(),
    /** The ids of those that are still to be told; null for all. */
    dispatchTo: p.array().columnType('text[]').nullable(),
    /** How often telling them went wrong. */
    dispatchFailures: p.smallint().default(0),
  },
  indexes: [
    { properties: ['organisationId'], name: 'domain_event_organisation' },
    {
      properties: ['organisationId', 'dispatchAt', 'id'],
      name: 'domain_event_dispatch',
      where: '"dispatch_at" is not null',
    },
    { properties: ['createdAt'], name: 'domain_event_created' },
  ],
});

/** Something that happened and that somebody listens to; written in the transaction that made it happen. */
export class DomainEvent extends DomainEventSchema.class {}
DomainEventSchema.setClass(DomainEvent);

/** An event as its subscribers see it. */
export type HappenedEvent = Pick<DomainEvent, 'id' | 'organisationId' | 'data' | 'createdAt'> & {
  readonly type: EventType;
};
