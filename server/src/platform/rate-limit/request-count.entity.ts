import { defineEntity, p } from '@mikro-orm/core';

const RequestCountSchema = defineEntity({
  name: 'RequestCount',
  properties: {
    /** Whose requests: `org_...`, `ip:<address>`, `ip:<address>:org_...`, `refused:...` likewise, or `public:org_...`. */
    subject: p.text().primary(),
    minuteStart: p.datetime(3),
    minuteCount: p.integer(),
    /** Requests of the minute by rate-limit class of the contract. */
    classCounts: p.json<Record<string, number>>(),
    dayStart: p.datetime(3).index(),
    dayCount: p.integer(),
    /** Requests of those keys of an organisation that have limits of their own, in this minute and day, by id of the key. */
    keyMinuteCounts: p.json<Record<string, number>>().default('{}'),
    keyDayCounts: p.json<Record<string, number>>().default('{}'),
    /** What was decided about the last request; the upsert returns it. */
    allowed: p.boolean(),
  },
});

/** The table behind the rate limits. It is unlogged: a crash of PostgreSQL empties it, which only gives requests back. */
export class RequestCount extends RequestCountSchema.class {}

RequestCountSchema.setClass(RequestCount);
