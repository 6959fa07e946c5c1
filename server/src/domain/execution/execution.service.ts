import { TransactionPropagation } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../caller.ts';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { isId } from '../id.ts';
import {
  type EvaluationTurn,
  Evaluator,
  fieldPath,
  requestMaxWaitMs,
  transactionMaxWaitMs,
  type WorkflowDefinition,
} from '../language/index.ts';
import { type Acceptance, Acceptances } from './acceptance.ts';
import { DefinitionSnapshot } from './definition-snapshot.entity.ts';
import { DefinitionStore } from './definition-store.ts';
import { Engine } from './engine.ts';
import { ExecutionMetrics } from './execution-metrics.ts';
import {
  Execution,
  type ExecutionStarter,
  type ExecutionStatus,
  type NewExecution,
  withoutResult,
} from './execution.entity.ts';
import { keepSteps } from './kept-steps.ts';
import { type ExecutableVersion, PublishedWorkflows } from './published-workflows.ts';
import { OrganisationPlans } from '../organisation/organisation-plans.ts';
import { StorageQuota } from '../storage/storage-quota.ts';
import { checkStorable } from '../storable.ts';

/** What is executed, with what, for whom. */
export interface ExecutionStart {
  readonly organisationId: string;
  readonly startedBy: ExecutionStarter;
  readonly workflowId: string;
  readonly input: Record<string, Json>;
  readonly metadata?: Record<string, Json>;
  /** What expressions see as `trigger`. */
  readonly trigger?: Json;
  /** Names the execution where the same start may be asked for twice: what is there already is answered. */
  readonly id?: string;
  /** The execution whose node starts this one. */
  readonly parentExecutionId?: string;
  /** Reads and writes go through it, in its transaction if it has one; where no request is served it must be given. */
  readonly em?: EntityManager;
}

/** What is run again, and what differs from the first time. */
export interface ExecutionReplay {
  readonly organisationId: string;
  readonly executionId: string;
  readonly startedBy: ExecutionStarter;
  readonly input?: Record<string, Json>;
  readonly metadata?: Record<string, Json>;
  /** A published version of the workflow. */
  readonly version?: number;
  /** As in ExecutionStart. */
  readonly em?: EntityManager;
}

/** What is kept of the execution that is retried: what was completed before the failure, or nothing. */
export type RetryFrom = 'failure' | 'start';

/** States from which an execution can be retried. */
export const retryableStatuses = ['failed', 'cancelled'] as const satisfies readonly ExecutionStatus[];

/** What is tried again. */
export interface ExecutionRetry {
  readonly organisationId: string;
  readonly executionId: string;
  readonly startedBy: ExecutionStarter;
  readonly from: RetryFrom;
  /** As in ExecutionStart. */
  readonly em?: EntityManager;
}

/** Accepts executions. */
@Injectable()
export class ExecutionService {
  readonly #acceptances: Acceptances;

  constructor(
    private readonly em: EntityManager,
    engine: Engine,
    private readonly workflows: PublishedWorkflows,
    definitions: DefinitionStore,
    private readonly evaluator: Evaluator,
    private readonly metrics: ExecutionMetrics,
    plans: OrganisationPlans,
    private readonly quota: StorageQuota,
  ) {
    this.#acceptances = new Acceptances(em, engine, definitions, plans);
  }

  /**
   * Accepts an execution of the published version. It is stored together with its run: either both are there or neither,
   * and it starts when the transaction around, if any, has committed, and the workflow's `settings.concurrency` leaves
   * room. Throws ValidationFailedError when the input does not satisfy the workflow's `input_schema`,
   * SandboxUnavailableError when it cannot be checked now, StorageQuotaExceededError, and what
   * PublishedWorkflows.getPublished throws.
   */
  async start(start: ExecutionStart): Promise<Execution> {
    const { organisationId, workflowId, em = this.em } = start;
    const { input, metadata = {}, trigger = { type: 'api' }, startedBy, id, parentExecutionId } = start;
    checkStorable('input', input);
    checkStorable('metadata', metadata);
    const known = id === undefined ? null : await em.findOne(Execution, { id, organisationId }, withoutResult);
    if (known) return known as unknown as Execution;
    const executable = await this.workflows.getPublished(organisationId, workflowId, { em });
    // An execution waits for its turn, as for its nodes; somebody who calls is told when that takes long.
    const maxWaitMs = startedBy.type === 'execution' ? undefined : maxWaitMsIn(em);
    await this.#checkInput(executable.definition, input, { organisationId, maxWaitMs });
    const given = { organisationId, workflowId, input, metadata, trigger, startedBy, id, parentExecutionId };
    return this.#accept(em, executable, given);
  }

  /**
   * Accepts another try at an execution: the same version, input and trigger. From `failure`, the steps that were completed
   * are taken over, and so are failures that were caught; they are not run again. Throws ResourceNotFoundError,
   * ExecutionStatusConflictError unless it has failed or was cancelled, StorageQuotaExceededError, and what
   * PublishedWorkflows.getPublished throws.
   */
  async retry({ organisationId, executionId, startedBy, from, em = this.em }: ExecutionRetry): Promise<Execution> {
    const original = await this.#find(em, organisationId, executionId);
    original.assertStatus(retryableStatuses, 'can be retried');
    const { workflowId, metadata, trigger } = original;
    const executable = await this.#versionOf(em, original);
    const input = original.input as Record<string, Json>;
    const given = { organisationId, workflowId, input, metadata, trigger, startedBy, retryOf: original.id };
    if (from === 'start') return this.#accept(em, executable, given);
    return this.#accept(em, executable, given, (execution, inner) => keepSteps(inner, original, execution));
  }

  /**
   * Accepts an execution with the input, the trigger and the version of another one, except for what is given. Throws
   * ResourceNotFoundError for the execution or the version, ValidationFailedError for an input that does not satisfy the
   * schema of the version, StorageQuotaExceededError, and what PublishedWorkflows.getPublished throws.
   */
  async replay(replay: ExecutionReplay): Promise<Execution> {
    const { organisationId, executionId, startedBy, em = this.em } = replay;
    const original = await this.#find(em, organisationId, executionId);
    const { input = original.input as Record<string, Json>, metadata = original.metadata, version } = replay;
    checkStorable('input', input);
    checkStorable('metadata', metadata);
    const { workflowId, trigger } = original;
    const executable =
      version === undefined
        ? await this.#versionOf(em, original)
        : await this.workflows.getPublished(organisationId, workflowId, { version, em });
    await this.#checkInput(executable.definition, input, { organisationId, maxWaitMs: maxWaitMsIn(em) });
    const given = { organisationId, workflowId, input, metadata, trigger, startedBy, replayOf: original.id };
    return this.#accept(em, executable, given);
  }

  /** What the execution ran; from the definition that is stored with it where the version was removed since. */
  async #versionOf(em: EntityManager, execution: Execution): Promise<ExecutableVersion> {
    const { organisationId, workflowId, workflowVersion: version, definitionHash } = execution;
    try {
      return await this.workflows.getPublished(organisationId, workflowId, { version, em });
    } catch (error) {
      const removed = error instanceof ResourceNotFoundError && error.details['resource'] === 'workflow_version';
      if (!removed) throw error;
      const { definition } = await em.findOneOrFail(DefinitionSnapshot, { organisationId, hash: definitionHash });
      return { version, definition, definitionHash };
    }
  }

  /** Without what it made, which may be large and is of no use here. */
  async #find(em: EntityManager, organisationId: string, id: string): Promise<Execution> {
    const options = { ...withoutResult, refresh: true } as const;
    const execution = isId('exec', id) && (await em.findOne(Execution, { id, organisationId }, options));
    if (!execution) throw new ResourceNotFoundError('execution', id);
    return execution as unknown as Execution;
  }

  async #accept(
    given: EntityManager,
    executable: ExecutableVersion,
    start: Omit<NewExecution, 'workflowVersion' | 'definitionHash'>,
    keep?: Acceptance['keep'],
  ): Promise<Execution> {
    await this.quota.assertRoom(start.organisationId, given);
    const acceptance = { executable, start, keep };
    // What may be there already, or belongs to a transaction around, is stored in a transaction of its own or in that one.
    const accepted =
      start.id === undefined && !given.isInTransaction()
        ? await this.#acceptances.startBatched(acceptance)
        : await given.transactional(async (em) => (await this.#acceptances.accept(em, [acceptance]))[0]!, {
            propagation: TransactionPropagation.REQUIRED,
          });
    this.metrics.executionStarted();
    return accepted;
  }

  async #checkInput({ input_schema: schema }: WorkflowDefinition, input: Json, turn: EvaluationTurn): Promise<void> {
    const faults = schema ? await this.evaluator.schemaFaults(schema, input, turn) : [];
    if (faults.length === 0) return;
    throw new ValidationFailedError(
      'The input does not satisfy the input schema of the workflow.',
      faults.map(({ keys, message }) => ({ field: fieldPath(['input', ...keys]), message, location: 'body' as const })),
    );
  }
}

function maxWaitMsIn(em: EntityManager): number {
  return em.isInTransaction() ? transactionMaxWaitMs : requestMaxWaitMs;
}

/** Who starts what is asked for through the API. */
export function starterOf({ apiKeyId, userId, organisationId }: Caller): ExecutionStarter {
  return apiKeyId ? { type: 'api_key', id: apiKeyId } : { type: 'user', id: userId ?? organisationId };
}
