import { defineEntity, type Opt, p } from '@mikro-orm/core';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import { shortText, type StoredValue } from '../stored-json.ts';
import { bytesOfEvent } from './execution-bytes.ts';
import { ExecutionEvent, type ExecutionEventType } from './execution-event.entity.ts';
import { ExecutionAlreadyFinishedError, ExecutionStatusConflictError } from './execution.errors.ts';

export const executionStatuses = [
  'pending',
  'running',
  'waiting',
  'paused',
  'completed',
  'failed',
  'cancelled',
] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];

/** Statuses that an execution never leaves. */
export const terminalStatuses = ['completed', 'failed', 'cancelled'] as const satisfies readonly ExecutionStatus[];

/** What can start an execution. */
export const starterTypes = ['api_key', 'user', 'trigger', 'schedule', 'form', 'channel', 'execution'] as const;

/** Who or what started an execution. */
export interface ExecutionStarter {
  readonly type: (typeof starterTypes)[number];
  readonly id: string;
}

/** Why an execution or a step failed, in the words of the node or of the engine. */
export interface Failure {
  code: string;
  message: string;
  /** Null when it was no node. */
  node_id: string | null;
  details: { readonly [key: string]: Json };
}

/** A failure whose details are handed on as they are stored. */
export type StoredFailure = Omit<Failure, 'details'> & { readonly details: StoredValue };

/** The columns of a StoredFailure: all but its details, and these unless they are large. */
export const failureParts = {
  errorHead: p.json<Omit<Failure, 'details'>>().nullable().formula(`error - 'details'`).lazy(),
  errorDetails: p.text().nullable().formula(shortText(`error->'details'`)).lazy(),
};

/** What a `respond` node answered. */
export interface ExecutionResponse {
  status: number;
  headers: Record<string, string>;
  body: Json;
}

const ExecutionSchema = defineEntity({
  name: 'Execution',
  tableName: 'execution',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    workflowId: p.text(),
    workflowVersion: p.integer(),
    /** Names the immutable DefinitionSnapshot that the execution runs. */
    definitionHash: p.text(),
    status: p.enum(executionStatuses),
    /** What a paused execution was before. */
    pausedFrom: p.text().$type<ExecutionStatus>().nullable(),
    pausedAt: p.datetime(3).nullable(),
    /** Milliseconds of the pauses that are over, from its start on: its time limit stands still meanwhile. */
    pausedMs: p.bigint('number').default(0),
    /** Share of the nodes that are decided, 0 to 100. */
    progress: p.smallint().default(0),
    input: p.json<Json>(),
    output: p.json<Json>().nullable(),
    /** The JSON of both unless it is large, for those who only hand it on. */
    inputText: p.text().nullable().formula(shortText('input')).lazy(),
    outputText: p.text().nullable().formula(shortText('output')).lazy(),
    hasOutput: p.boolean().formula('output is not null').$type<Opt<boolean>>().lazy(),
    error: p.json<Failure>().nullable(),
    ...failureParts,
    response: p.json<ExecutionResponse>().nullable(),
    metadata: p.json<Record<string, Json>>(),
    trigger: p.json<Json>(),
    startedByType: p.text().$type<ExecutionStarter['type']>(),
    startedById: p.text(),
    /** The execution whose `workflow.call` started it. */
    parentExecutionId: p.text().nullable(),
    /** The execution that it is another try at. */
    retryOf: p.text().nullable(),
    /** The execution whose input or version it takes over. */
    replayOf: p.text().nullable(),
    /** Sequence of the newest event; the row lock on it keeps the log of one execution in order across processes. */
    eventSequence: p.integer().default(0),
    /** Bytes that it stores, by what they are. Whoever changes them counts them for the organisation, with `countBytes`. */
    inputBytes: p
      .integer()
      .generated(
        '((((500 + octet_length((input)::text)) + octet_length((metadata)::text)) + octet_length((trigger)::text))) stored',
      )
      .$type<Opt<number>>()
      .lazy(),
    outputBytes: p.bigint('number').default(0),
    eventBytes: p.bigint('number').default(0),
    logBytes: p.bigint('number').default(0),
    createdAt: p.datetime(3),
    startedAt: p.datetime(3).nullable(),
    completedAt: p.datetime(3).nullable(),
  },
  indexes: [
    { properties: ['organisationId', 'createdAt', 'id'], name: 'execution_organisation_created' },
    { properties: ['organisationId', 'workflowId', 'createdAt', 'id'], name: 'execution_workflow_created' },
    { properties: ['status', 'organisationId'], name: 'execution_status' },
    {
      name: 'execution_parent',
      expression:
        'create index "execution_parent" on "execution" ("parent_execution_id") where "parent_execution_id" is not null',
    },
  ],
});

/** What an execution is born with. */
export interface NewExecution {
  organisationId: string;
  workflowId: string;
  workflowVersion: number;
  definitionHash: string;
  input: Json;
  metadata: Record<string, Json>;
  trigger: Json;
  startedBy: ExecutionStarter;
  /** A new one unless given. */
  id?: string;
  parentExecutionId?: string | null;
  retryOf?: string | null;
  replayOf?: string | null;
}

/** One run of one version of a workflow: the record for users; the engine keeps its own books. */
export class Execution extends ExecutionSchema.class {
  static create(start: NewExecution): Execution {
    const { startedBy, ...given } = start;
    return Object.assign(new Execution(), {
      parentExecutionId: null,
      pausedFrom: null,
      pausedAt: null,
      pausedMs: 0,
      retryOf: null,
      replayOf: null,
      response: null,
      ...given,
      id: given.id ?? newId('exec'),
      status: 'pending' as const,
      progress: 0,
      output: null,
      error: null,
      startedByType: startedBy.type,
      startedById: startedBy.id,
      eventSequence: 0,
      outputBytes: 0,
      eventBytes: 0,
      logBytes: 0,
      createdAt: new Date(),
      startedAt: null,
      completedAt: null,
    });
  }

  get ended(): boolean {
    return isTerminal(this.status);
  }

  /** Milliseconds between start and end; null while it has not both. */
  get durationMs(): number | null {
    if (!this.startedAt || !this.completedAt) return null;
    return this.completedAt.getTime() - this.startedAt.getTime();
  }

  /** Throws ExecutionStatusConflictError unless it is in one of the states; `what` completes "an execution ...". */
  assertStatus(allowed: readonly ExecutionStatus[], what: string): void {
    if (!allowed.includes(this.status)) throw new ExecutionStatusConflictError(this.id, this.status, what, allowed);
  }

  /** Holds it, and returns the event that says so; throws ExecutionStatusConflictError when it has ended or is held already. */
  pause(at: Date): ExecutionEvent {
    this.assertStatus(['pending', 'running', 'waiting'], 'can be paused');
    this.pausedFrom = this.status;
    this.pausedAt = at;
    this.status = 'paused';
    return nextEvent(this, `paused:${this.eventSequence + 1}`, 'execution:paused', { status: this.status }, at);
  }

  /** Lets it go on, and returns the event that says so; throws ExecutionStatusConflictError unless it is paused. */
  resume(at: Date): ExecutionEvent {
    this.assertStatus(['paused'], 'can be resumed');
    // It may have begun before its process heard of the pause.
    this.status = this.pausedFrom === 'pending' && this.startedAt ? 'running' : (this.pausedFrom ?? 'running');
    this.pausedFrom = null;
    this.pausedMs = pausedMs(this, at);
    this.pausedAt = null;
    return nextEvent(this, `resumed:${this.eventSequence + 1}`, 'execution:resumed', { status: this.status }, at);
  }

  /** Ends it as cancelled, and returns the event that says so; throws ExecutionAlreadyFinishedError when it has ended. */
  cancel(at: Date): ExecutionEvent {
    if (this.ended) throw new ExecutionAlreadyFinishedError(this.id, this.status);
    this.status = 'cancelled';
    this.completedAt = at;
    const data = { status: 'cancelled', duration_ms: this.durationMs ?? 0 };
    return nextEvent(this, 'ended', 'execution:cancelled', data, at);
  }
}
ExecutionSchema.setClass(Execution);

/** For those who do not need what an execution came to: megabytes take a tenth of a second to be read. */
export const withoutResult = { exclude: ['output', 'response', 'error'] } as const;

/** What is needed to know how long an execution was paused. */
export const pauseFields = ['startedAt', 'pausedAt', 'pausedMs'] as const;

/** For how many milliseconds it was paused since it began, up to `now`. */
export function pausedMs(
  { startedAt, pausedAt, pausedMs: before }: Pick<Execution, (typeof pauseFields)[number]>,
  now: Date,
): number {
  if (!startedAt || !pausedAt) return before;
  return before + Math.max(0, now.getTime() - Math.max(startedAt.getTime(), pausedAt.getTime()));
}

export function isTerminal(status: ExecutionStatus): boolean {
  return (terminalStatuses as readonly string[]).includes(status);
}

/** The next entry of the execution's log. Not a private method: entities of the database are made without a constructor. */
function nextEvent(
  execution: Execution,
  key: string,
  type: ExecutionEventType,
  data: Record<string, Json>,
  at: Date,
): ExecutionEvent {
  execution.eventSequence += 1;
  execution.eventBytes += bytesOfEvent({ data });
  return Object.assign(new ExecutionEvent(), {
    executionId: execution.id,
    sequence: execution.eventSequence,
    id: newId('evt'),
    organisationId: execution.organisationId,
    key,
    type,
    data,
    createdAt: at,
  });
}
