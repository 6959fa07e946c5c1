import { defineEntity, p } from '@mikro-orm/core';
import type { Json } from '../domain-error.ts';

export const eventTypes = [
  'execution:started',
  'execution:progress',
  'execution:waiting',
  'execution:paused',
  'execution:resumed',
  'execution:completed',
  'execution:failed',
  'execution:cancelled',
  'node:started',
  'node:completed',
  'node:failed',
] as const;
export type ExecutionEventType = (typeof eventTypes)[number];

const ExecutionEventSchema = defineEntity({
  name: 'ExecutionEvent',
  tableName: 'execution_event',
  properties: {
    executionId: p.text().primary(),
    /** Counts from 1 in each execution, in the order in which events became visible; a number may be left out. */
    sequence: p.integer().primary().autoincrement(false),
    id: p.text(),
    organisationId: p.text(),
    /** What the event is about, once per execution, so that a run which is resumed says nothing twice. */
    key: p.text(),
    type: p.enum(eventTypes),
    data: p.json<Record<string, Json>>(),
    createdAt: p.datetime(3),
  },
  uniques: [{ properties: ['executionId', 'key'], name: 'execution_event_key' }],
});

/** One entry of the ordered log from which live streams are served. */
export class ExecutionEvent extends ExecutionEventSchema.class {}
ExecutionEventSchema.setClass(ExecutionEvent);

/** After such an event the log of the execution is closed. */
export function isTerminalEvent(type: ExecutionEventType): boolean {
  return type === 'execution:completed' || type === 'execution:failed' || type === 'execution:cancelled';
}
