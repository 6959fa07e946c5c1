import { defineEntity, p } from '@mikro-orm/core';
import type { Json } from '../domain-error.ts';
import { shortText } from '../stored-json.ts';
import { type Failure, failureParts } from './execution.entity.ts';

export const stepStatuses = ['pending', 'running', 'waiting', 'completed', 'failed', 'skipped', 'cancelled'] as const;
export type StepStatus = (typeof stepStatuses)[number];

const StepSchema = defineEntity({
  name: 'Step',
  tableName: 'step',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    executionId: p.text(),
    nodeId: p.text(),
    nodeType: p.text(),
    nodeName: p.text().nullable(),
    status: p.enum(stepStatuses),
    /** Number of the latest attempt, from 1; 0 for a node that was skipped. */
    attempt: p.integer(),
    /** Parameters of the node with their expressions evaluated. */
    input: p.json<Json>().nullable(),
    output: p.json<Json>().nullable(),
    /** The JSON of both unless it is large, for those who only hand it on. */
    inputText: p.text().nullable().formula(shortText('input')).lazy(),
    hasInput: p.boolean().formula('input is not null').lazy(),
    outputText: p.text().nullable().formula(shortText('output')).lazy(),
    hasOutput: p.boolean().formula('output is not null').lazy(),
    error: p.json<Failure>().nullable(),
    ...failureParts,
    /** The port by which the node was left. */
    port: p.text().nullable(),
    /** What it added to `variables`; `true` when that is its output, which is not stored twice. */
    variables: p.json<Json>().nullable(),
    /** Taken over from the execution that this one retries: it did not run again, and never changes. */
    reused: p.boolean().default(false),
    /** When a waiting step goes on. */
    waitUntil: p.datetime(3).nullable(),
    /** Bytes that it stores. */
    size: p.integer().default(0).lazy(),
    /** What the last write has added to `size`: the recorder reads it back, since a conflict tells nothing of the row before. */
    sizeChange: p.integer().default(0).lazy(),
    createdAt: p.datetime(3),
    startedAt: p.datetime(3).nullable(),
    completedAt: p.datetime(3).nullable(),
  },
  uniques: [{ properties: ['executionId', 'nodeId'], name: 'step_execution_node' }],
});

/** What one node did in one execution. */
export class Step extends StepSchema.class {
  /** Milliseconds between start and end; null while it has not both. */
  get durationMs(): number | null {
    if (!this.startedAt || !this.completedAt) return null;
    return this.completedAt.getTime() - this.startedAt.getTime();
  }
}
StepSchema.setClass(Step);
