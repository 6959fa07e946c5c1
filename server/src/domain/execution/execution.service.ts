import { type FilterQuery, LockMode, TransactionPropagation } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { type Caller, principalOf } from '../caller.ts';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { isId } from '../id.ts';
import { Evaluator, fieldPath, type WorkflowDefinition } from '../language/index.ts';
import type { LogLevel } from '../nodes/index.ts';
import { DefinitionStore } from './definition-store.ts';
import { Engine } from './engine.ts';
import { ExecutionMetrics } from './execution-metrics.ts';
import { ExecutionLog } from './execution-log.entity.ts';
import { Execution, type ExecutionStatus } from './execution.entity.ts';
import { graphBody, type GraphInput } from './interpreter/graph-runner.ts';
import { LiveChannel } from './live-channel.ts';
import { PublishedWorkflows } from './published-workflows.ts';
import { type Position, positionOf, type Slice, type SliceRequest, toSlice } from './slice.ts';
import { checkStorable } from './storable.ts';
import { Step, type StepStatus } from './step.entity.ts';

/** What is executed, with what, for whom. */
export interface ExecutionStart {
  readonly caller: Caller;
  readonly workflowId: string;
  readonly input: Record<string, Json>;
  readonly metadata?: Record<string, Json>;
  /** What expressions see as `trigger`. */
  readonly trigger?: Json;
}

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

const nodeIdPattern = /^[a-z][a-z0-9_]{0,63}$/;
/** How often a waiter looks for himself, should the news of the end get lost. */
const lookInterval = 2_000;

/** Executions of an organisation: started, looked at, cancelled. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class ExecutionService {
  readonly #log = new Logger(ExecutionService.name);

  constructor(
    private readonly em: EntityManager,
    private readonly engine: Engine,
    private readonly workflows: PublishedWorkflows,
    private readonly definitions: DefinitionStore,
    private readonly live: LiveChannel,
    private readonly evaluator: Evaluator,
    private readonly metrics: ExecutionMetrics,
  ) {}

  /**
   * Accepts an execution of the published version. It is stored together with its run: either both are there or neither,
   * and it starts when the transaction around, if any, has committed, and the workflow's `settings.concurrency` leaves
   * room. Throws ValidationFailedError when the input does
   * not satisfy the workflow's `input_schema`, and what PublishedWorkflows.getPublished throws.
   */
  async start({
    caller,
    workflowId,
    input,
    metadata = {},
    trigger = { type: 'api' },
  }: ExecutionStart): Promise<Execution> {
    const { organisationId } = caller;
    checkStorable('input', input);
    checkStorable('metadata', metadata);
    const { version, definition } = await this.workflows.getPublished(organisationId, workflowId);
    await this.#checkInput(definition, input);
    const accepted = await this.em.transactional(
      async (em) => {
        const execution = Execution.create({
          organisationId,
          workflowId,
          workflowVersion: version,
          definitionHash: await this.definitions.keep(organisationId, definition, em),
          input,
          metadata,
          trigger,
          startedBy: { type: caller.apiKeyId ? 'api_key' : 'user', id: principalOf(caller) },
        });
        em.persist(execution);
        await em.flush();
        const group = { id: workflowId, concurrency: definition.settings?.concurrency };
        await this.engine.submit({ runId: execution.id, body: graphBody, input: toGraphInput(execution), group }, em);
        return execution;
      },
      { propagation: TransactionPropagation.REQUIRED },
    );
    this.metrics.executionStarted();
    return accepted;
  }

  async get(organisationId: string, id: string): Promise<Execution> {
    const execution = isId('exec', id) && (await this.em.findOne(Execution, { id, organisationId }, { refresh: true }));
    if (!execution) throw new ResourceNotFoundError('execution', id);
    return execution;
  }

  /** Newest first. Throws ValidationFailedError for a cursor that is none. */
  async list(organisationId: string, query: ExecutionQuery): Promise<Slice<Execution>> {
    const { workflowId, statuses, from, to, perPage } = query;
    const position = positionOf(query);
    if (workflowId !== undefined && !isId('wf', workflowId)) return toSlice([], query, position ? undefined : 0);
    const where: FilterQuery<Execution> = {
      organisationId,
      ...(workflowId !== undefined && { workflowId }),
      ...(statuses && { status: { $in: [...statuses] } }),
      ...((from ?? to) && { createdAt: { ...(from && { $gte: from }), ...(to && { $lt: to }) } }),
    };
    const items = await this.em.find(Execution, position ? { $and: [where, before(position)] } : where, {
      orderBy: { createdAt: 'desc', id: 'desc' },
      limit: perPage + 1,
      offset: position ? 0 : offsetOf(query),
      exclude: ['input', 'output', 'metadata', 'trigger', 'response'],
      disableIdentityMap: true,
    });
    const total = position ? undefined : await this.em.count(Execution, where);
    return toSlice(items as unknown as Execution[], query, total);
  }

  /** Ends it at once; a step at work is told to stop. Throws ExecutionAlreadyFinishedError when it has ended. */
  async cancel(organisationId: string, id: string): Promise<Execution> {
    if (!isId('exec', id)) throw new ResourceNotFoundError('execution', id);
    const execution = await this.em.transactional(async (em) => {
      const lockMode = LockMode.PESSIMISTIC_WRITE;
      const found = await em.findOne(Execution, { id, organisationId }, { lockMode, refresh: true });
      if (!found) throw new ResourceNotFoundError('execution', id);
      const at = new Date();
      em.persist(found.cancel(at));
      await em.flush();
      const open = {
        executionId: id,
        organisationId,
        status: { $in: ['pending', 'running', 'waiting'] as StepStatus[] },
      };
      await em.nativeUpdate(Step, open, { status: 'cancelled', completedAt: at });
      return found;
    });
    this.live.publish(id, true);
    this.metrics.executionEnded('cancelled', (Date.now() - execution.createdAt.getTime()) / 1_000);
    // Should this not arrive, the run ends by itself at its next node: what it tells is refused.
    await this.engine.cancel(id).catch((error: unknown) => {
      this.#log.warn({ executionId: id, err: error }, 'The engine could not be told of a cancellation.');
    });
    return execution;
  }

  /** In the order in which they began. */
  async steps(organisationId: string, id: string, query: StepQuery): Promise<{ items: Step[]; total: number }> {
    const { statuses, page, perPage } = query;
    await this.#exists(organisationId, id);
    const [items, total] = await this.em.findAndCount(
      Step,
      { executionId: id, organisationId, ...(statuses && { status: { $in: [...statuses] } }) },
      { orderBy: { createdAt: 'asc', id: 'asc' }, limit: perPage, offset: (page - 1) * perPage, refresh: true },
    );
    return { items, total };
  }

  /** Oldest first. Throws ValidationFailedError for a cursor that is none. */
  async logs(organisationId: string, id: string, query: LogQuery): Promise<Slice<ExecutionLog>> {
    const { levels, nodeId, perPage } = query;
    const position = positionOf(query);
    await this.#exists(organisationId, id);
    if (nodeId !== undefined && !nodeIdPattern.test(nodeId)) return toSlice([], query, position ? undefined : 0);
    const where: FilterQuery<ExecutionLog> = {
      executionId: id,
      organisationId,
      ...(levels && { level: { $in: [...levels] } }),
      ...(nodeId !== undefined && { nodeId }),
    };
    const items = await this.em.find(ExecutionLog, position ? { $and: [where, after(position)] } : where, {
      orderBy: { createdAt: 'asc', id: 'asc' },
      limit: perPage + 1,
      offset: position ? 0 : offsetOf(query),
    });
    return toSlice(items, query, position ? undefined : await this.em.count(ExecutionLog, where));
  }

  /** The execution once it has ended, or as it is after `milliseconds`, whichever comes first. */
  async waitFor(organisationId: string, id: string, milliseconds: number, signal?: AbortSignal): Promise<Execution> {
    const deadline = Date.now() + milliseconds;
    let wake = Promise.withResolvers<void>();
    // News of anything but the end are of no interest, and missed news may have been of the end.
    const unsubscribe = this.live.subscribe(id, (ended) => ended !== false && wake.resolve());
    try {
      for (;;) {
        const em = this.em.fork();
        const execution = await em.findOne(Execution, { id, organisationId });
        if (!execution) throw new ResourceNotFoundError('execution', id);
        const left = deadline - Date.now();
        if (execution.ended || left <= 0 || signal?.aborted) return execution;
        await settled(wake.promise, Math.min(left, lookInterval));
        wake = Promise.withResolvers<void>();
      }
    } finally {
      unsubscribe();
    }
  }

  async #checkInput({ input_schema: schema }: WorkflowDefinition, input: Json): Promise<void> {
    const faults = schema ? await this.evaluator.schemaFaults(schema, input) : [];
    if (faults.length === 0) return;
    throw new ValidationFailedError(
      'The input does not satisfy the input schema of the workflow.',
      faults.map(({ keys, message }) => ({ field: fieldPath(['input', ...keys]), message, location: 'body' as const })),
    );
  }

  async #exists(organisationId: string, id: string): Promise<void> {
    const count = isId('exec', id) && (await this.em.count(Execution, { id, organisationId }));
    if (!count) throw new ResourceNotFoundError('execution', id);
  }
}

function toGraphInput(execution: Execution): GraphInput {
  return {
    organisationId: execution.organisationId,
    workflowId: execution.workflowId,
    workflowVersion: execution.workflowVersion,
    definitionHash: execution.definitionHash,
    input: execution.input,
    trigger: execution.trigger,
    acceptedAt: execution.createdAt.toISOString(),
  };
}

function before({ createdAt, id }: Position): FilterQuery<Execution> {
  return { $or: [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }] };
}

function after({ createdAt, id }: Position): FilterQuery<ExecutionLog> {
  return { $or: [{ createdAt: { $gt: createdAt } }, { createdAt, id: { $gt: id } }] };
}

function offsetOf({ page = 1, perPage }: SliceRequest): number {
  return (page - 1) * perPage;
}

async function settled(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}
