import { defineEntity, p } from '@mikro-orm/core';

const EventChainSchema = defineEntity({
  name: 'EventChain',
  tableName: 'event_chain',
  properties: {
    /** The execution or the event that everything else in the chain follows from. */
    originId: p.text().primary(),
    organisationId: p.text(),
    /** Executions that event triggers have started in it. */
    started: p.integer(),
    usedAt: p.datetime(3),
  },
  indexes: [{ properties: ['usedAt'], name: 'event_chain_used' }],
});

/** What event triggers have started that follows from one cause, however many steps away. */
export class EventChain extends EventChainSchema.class {}
EventChainSchema.setClass(EventChain);
