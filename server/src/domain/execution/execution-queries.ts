import type { FilterQuery } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { isId } from '../id.ts';
import type { LogLevel } from '../nodes/index.ts';
import { ExecutionLog } from './execution-log.entity.ts';
import {
  Execution,
  type ExecutionResponse,
  type ExecutionStatus,
  type Failure,
  type failureParts,
  isTerminal,
  type StoredFailure,
} from './execution.entity.ts';
import { type PreparedQuery, runPrepared } from '../prepared-query.ts';
import { LiveChannel } from './live-channel.ts';
import { newerThan, olderThan, positionOf, type Slice, type SliceRequest, toSlice } from '../slice.ts';
import { type StoredValue, valueOf } from '../stored-json.ts';
import { Step, type StepStatus } from './step.entity.ts';

export interface ExecutionQuery extends SliceRequest {
  readonly workflowId?: string;
  readonly statuses?: readonly ExecutionStatus[];
  /** Accepted then or later. */
  readonly from?: Date;
  /** Accepted before. */
  readonly to?: Date;
}

export interface StepQuery {
  readonly statuses?: readonly StepStatus[];
  /** From 1. */
  readonly page: number;
  readonly perPage: number;
}

export interface LogQuery extends SliceRequest {
  readonly levels?: readonly LogLevel[];
  readonly nodeId?: string;
}

/** Paths of nodes, such as `each[3].fetch`; asking the database for other text could fail (a NUL ends the connection). */
const nodePathPattern = /^[a-z0-9_@[\].]{1,1000}$/;
/** An execution without its values. */
export type ExecutionSummary = Omit<
  Execution,
  | 'input'
  | 'output'
  | 'metadata'
  | 'trigger'
  | 'response'
  | 'error'
  | 'inputText'
  | 'outputText'
  | keyof typeof failureParts
> & { readonly error: StoredFailure | null };
/** An execution whose values are handed on as they are stored. */
export type ExecutionRecord = ExecutionSummary &
  Pick<Execution, 'metadata'> & { readonly input: StoredValue; readonly output: StoredValue | null };
/** A step of the same kind. */
export type StepRecord = Omit<
  Step,
  'input' | 'output' | 'variables' | 'error' | 'inputText' | 'outputText' | keyof typeof failureParts
> & {
  readonly input: StoredValue | null;
  readonly output: StoredValue | null;
  readonly error: StoredFailure | null;
};
/** A line of a log of the same kind. */
export type LogRecord = Omit<ExecutionLog, 'data' | 'dataText'> & { readonly data: StoredValue | null };

/** What a `respond` node answered, with the JSON of the body. */
export type ResponseText = Omit<ExecutionResponse, 'body'> & { readonly body: string };

/** How an execution stands, for who waits for what it says; its values are JSON text, which may have megabytes. */
export interface ExecutionAnswer {
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly ended: boolean;
  readonly output: string | null;
  readonly error: Pick<Failure, 'code' | 'message'> | null;
  readonly response: ResponseText | null;
}

interface AnswerRow {
  status: ExecutionStatus;
  output: string | null;
  code: string | null;
  message: string;
  head: Omit<ExecutionResponse, 'body'> | null;
  body: string;
}

const selectAnswer: PreparedQuery = {
  name: 'flowpact_execution_answer',
  text: `
  select status, output::text as output, error->>'code' as code, error->>'message' as message,
    response - 'body' as head, (response->'body')::text as body
  from execution where id = $1 and organisation_id = $2`,
};

// Nothing is compared when they are not managed: that would write their values as JSON once more.
const asStored = {
  populate: ['inputText', 'outputText', 'hasOutput', 'errorHead', 'errorDetails'],
  exclude: ['input', 'output', 'trigger', 'response', 'error'],
  disableIdentityMap: true,
} as const;
const summariesAsStored = {
  populate: ['errorHead', 'errorDetails'],
  exclude: ['input', 'output', 'metadata', 'trigger', 'response', 'error'],
  disableIdentityMap: true,
} as const;
const stepsAsStored = {
  populate: ['inputText', 'hasInput', 'outputText', 'hasOutput', 'errorHead', 'errorDetails'],
  exclude: ['input', 'output', 'variables', 'error'],
  disableIdentityMap: true,
} as const;
const logsAsStored = { populate: ['dataText', 'hasData'], exclude: ['data'], disableIdentityMap: true } as const;

interface WithFailure {
  readonly id: string;
  readonly errorHead?: Omit<Failure, 'details'> | null;
  readonly errorDetails?: string | null;
}

/** How often a waiter looks for himself, should the news of the end get lost. */
const lookInterval = 2_000;

/** Reads executions of an organisation. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class ExecutionQueries {
  constructor(
    private readonly em: EntityManager,
    private readonly live: LiveChannel,
  ) {}

  async get(organisationId: string, id: string): Promise<ExecutionRecord> {
    const execution = isId('exec', id) && (await this.em.findOne(Execution, { id, organisationId }, asStored));
    if (!execution) throw new ResourceNotFoundError('execution', id);
    const { inputText, outputText, hasOutput } = execution;
    return Object.assign(this.#withFailure(execution, 'execution'), {
      input: valueOf(this.em, inputText, { table: 'execution', json: 'input', id: id }),
      output: hasOutput ? valueOf(this.em, outputText, { table: 'execution', json: 'output', id: id }) : null,
    }) as unknown as ExecutionRecord;
  }

  /** Newest first. Throws ValidationFailedError for a cursor that is none. */
  async list(organisationId: string, query: ExecutionQuery): Promise<Slice<ExecutionSummary>> {
    const { workflowId, statuses, from, to, perPage } = query;
    const position = positionOf(query);
    if (workflowId !== undefined && !isId('wf', workflowId)) return toSlice([], query, position ? undefined : 0);
    const where: FilterQuery<Execution> = {
      organisationId,
      ...(workflowId !== undefined && { workflowId }),
      ...(statuses && { status: { $in: [...statuses] } }),
      ...((from ?? to) && { createdAt: { ...(from && { $gte: from }), ...(to && { $lt: to }) } }),
    };
    const items = await this.em.find(Execution, position ? { $and: [where, olderThan(position)] } : where, {
      orderBy: { createdAt: 'desc', id: 'desc' },
      limit: perPage + 1,
      offset: position ? 0 : offsetOf(query),
      ...summariesAsStored,
    });
    const total = position ? undefined : await this.em.count(Execution, where);
    const summaries = items.map((item) => this.#withFailure(item, 'execution'));
    return toSlice(summaries as unknown as ExecutionSummary[], query, total);
  }

  /** In the order in which they began. */
  async steps(organisationId: string, id: string, query: StepQuery): Promise<{ items: StepRecord[]; total: number }> {
    const { statuses, page, perPage } = query;
    await this.#exists(organisationId, id);
    const where = { executionId: id, organisationId, ...(statuses && { status: { $in: [...statuses] } }) };
    const total = await this.em.count(Step, where);
    const items = await this.em.find(Step, where, {
      orderBy: { createdAt: 'asc', id: 'asc' },
      limit: perPage,
      offset: (page - 1) * perPage,
      ...stepsAsStored,
    });
    const records = items.map((step) =>
      Object.assign(this.#withFailure(step, 'step'), {
        input: step.hasInput ? valueOf(this.em, step.inputText, { table: 'step', json: 'input', id: step.id }) : null,
        output: step.hasOutput
          ? valueOf(this.em, step.outputText, { table: 'step', json: 'output', id: step.id })
          : null,
      }),
    );
    return { items: records as unknown as StepRecord[], total };
  }

  /** Oldest first. Throws ValidationFailedError for a cursor that is none. */
  async logs(organisationId: string, id: string, query: LogQuery): Promise<Slice<LogRecord>> {
    const { levels, nodeId, perPage } = query;
    const position = positionOf(query);
    await this.#exists(organisationId, id);
    if (nodeId !== undefined && !nodePathPattern.test(nodeId)) return toSlice([], query, position ? undefined : 0);
    const where: FilterQuery<ExecutionLog> = {
      executionId: id,
      organisationId,
      ...(levels && { level: { $in: [...levels] } }),
      ...(nodeId !== undefined && { nodeId }),
    };
    const items = await this.em.find(ExecutionLog, position ? { $and: [where, newerThan(position)] } : where, {
      orderBy: { createdAt: 'asc', id: 'asc' },
      limit: perPage + 1,
      offset: position ? 0 : offsetOf(query),
      ...logsAsStored,
    });
    const records = items.map((line) =>
      Object.assign(line, {
        data: line.hasData
          ? valueOf(this.em, line.dataText, { table: 'execution_log', json: 'data', id: line.id })
          : null,
      }),
    ) as unknown as LogRecord[];
    return toSlice(records, query, position ? undefined : await this.em.count(ExecutionLog, where));
  }

  /** The execution once it has ended, or as it is after `milliseconds`, whichever comes first; its values are read in one go. */
  async waitFor(organisationId: string, id: string, milliseconds: number, signal?: AbortSignal): Promise<Execution> {
    await this.#waitForEnd(organisationId, id, milliseconds, signal);
    const execution = await this.em.fork().findOne(Execution, { id, organisationId });
    if (!execution) throw new ResourceNotFoundError('execution', id);
    return execution;
  }

  /** The same for values of any size. */
  async waitForRecord(
    organisationId: string,
    id: string,
    milliseconds: number,
    signal?: AbortSignal,
  ): Promise<ExecutionRecord> {
    await this.#waitForEnd(organisationId, id, milliseconds, signal);
    return this.get(organisationId, id);
  }

  /** What it says to who started it once it has ended, or after `milliseconds`. */
  async waitForAnswer(
    organisationId: string,
    id: string,
    milliseconds: number,
    signal?: AbortSignal,
  ): Promise<ExecutionAnswer> {
    await this.#waitForEnd(organisationId, id, milliseconds, signal);
    const [row] = await runPrepared<AnswerRow>(this.em, selectAnswer, [id, organisationId]);
    if (!row) throw new ResourceNotFoundError('execution', id);
    const { status, output, code, message, head, body } = row;
    return {
      id,
      status,
      ended: isTerminal(status),
      output,
      error: code === null ? null : { code, message },
      response: head && { ...head, body },
    };
  }

  #withFailure<Row extends WithFailure>(row: Row, table: 'execution' | 'step'): Row & { error: StoredFailure | null } {
    const { errorHead: head, errorDetails } = row;
    const details = (): StoredValue => valueOf(this.em, errorDetails, { table, json: `error->'details'`, id: row.id });
    return Object.assign(row, { error: head ? { ...head, details: details() } : null });
  }

  async #waitForEnd(organisationId: string, id: string, milliseconds: number, signal?: AbortSignal): Promise<void> {
    const deadline = Date.now() + milliseconds;
    let wake = Promise.withResolvers<void>();
    // News of anything but the end are of no interest, and missed news may have been of the end.
    const unsubscribe = this.live.subscribe(id, (ended) => ended !== false && wake.resolve());
    try {
      for (;;) {
        const seen = await this.em.fork().findOne(Execution, { id, organisationId }, { fields: ['status'] });
        if (!seen) throw new ResourceNotFoundError('execution', id);
        const left = deadline - Date.now();
        if (isTerminal(seen.status) || left <= 0 || signal?.aborted) return;
        await settled(wake.promise, Math.min(left, lookInterval));
        wake = Promise.withResolvers<void>();
      }
    } finally {
      unsubscribe();
    }
  }

  async #exists(organisationId: string, id: string): Promise<void> {
    const count = isId('exec', id) && (await this.em.count(Execution, { id, organisationId }));
    if (!count) throw new ResourceNotFoundError('execution', id);
  }
}

function offsetOf({ page = 1, perPage }: SliceRequest): number {
  return (page - 1) * perPage;
}

async function settled(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}
