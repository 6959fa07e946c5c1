import { defineEntity, p } from '@mikro-orm/core';

/** What one process has open; it counts until `until` (Unix milliseconds) unless the process says so again. */
export interface OpenByProcess {
  readonly open: number;
  readonly until: number;
}

const LiveConnectionCountSchema = defineEntity({
  name: 'LiveConnectionCount',
  properties: {
    organisationId: p.text().primary(),
    /** By id of the process. */
    processes: p.json<Record<string, OpenByProcess>>(),
    /** What was decided about the last connection; the upsert returns it. */
    allowed: p.boolean(),
  },
});

/** How many live connections an organisation has open to which process. Unlogged: what is lost is written again in seconds. */
export class LiveConnectionCount extends LiveConnectionCountSchema.class {}

LiveConnectionCountSchema.setClass(LiveConnectionCount);
