import { defineEntity, p } from '@mikro-orm/core';
import type { Json } from '../domain-error.ts';
import { shortText } from '../stored-json.ts';

/** What a node waits for from outside: somebody's decision, or a call of its callback URL. */
export const waitKinds = ['approval', 'event'] as const;
export type WaitKind = (typeof waitKinds)[number];

/** `pending` is open; the others are final. `cancelled`: the execution ended first. */
export const waitStatuses = ['pending', 'approved', 'declined', 'received', 'expired', 'cancelled'] as const;
export type WaitStatus = (typeof waitStatuses)[number];

const ExecutionWaitSchema = defineEntity({
  name: 'ExecutionWait',
  tableName: 'execution_wait',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    executionId: p.text(),
    /** Path of the node that waits, such as `review` or `each[3].review`. */
    nodePath: p.text(),
    nodeName: p.text().nullable(),
    kind: p.enum(waitKinds),
    status: p.enum(waitStatuses),
    /** The signal of the run that ends the wait; one wait per execution and signal. */
    signal: p.text(),
    /** SHA-256 of the token in the callback URL. */
    tokenHash: p.text().nullable().unique('execution_wait_token'),
    /** What the payload of an event must satisfy. */
    payloadSchema: p.json<Record<string, Json>>().nullable(),
    /** What the approvers are asked, and what they decide upon. */
    message: p.text().nullable(),
    details: p.json<Json>().nullable(),
    /** Its JSON unless it is large, for those who only hand it on. */
    detailsText: p.text().nullable().formula(shortText('details')).lazy(),
    hasDetails: p.boolean().formula('details is not null').lazy(),
    createdAt: p.datetime(3),
    /** When the node goes on without an answer. */
    endsAt: p.datetime(3).nullable(),
    decidedAt: p.datetime(3).nullable(),
    /** Id of the user or key that decided. */
    decidedBy: p.text().nullable(),
    note: p.text().nullable(),
  },
  indexes: [
    {
      properties: ['organisationId', 'kind', 'status', 'createdAt', 'id'],
      name: 'execution_wait_organisation_kind',
    },
  ],
  uniques: [{ properties: ['executionId', 'signal'], name: 'execution_wait_signal' }],
});

/** A node of an execution that waits for something from outside. The row is what decides, once, how the wait ends. */
export class ExecutionWait extends ExecutionWaitSchema.class {
  /** Whether an answer still counts. */
  isOpen(at: Date): boolean {
    return this.status === 'pending' && (!this.endsAt || this.endsAt > at);
  }
}
ExecutionWaitSchema.setClass(ExecutionWait);
