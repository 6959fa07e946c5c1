import type { MikroORM } from '@mikro-orm/postgresql';
import { failpoint } from '../../failpoints.ts';
import { isPassing } from '../../passing-error.ts';
import { inOrganisation } from '../../tenancy/current-organisation.ts';
import type { Json } from '../../domain-error.ts';
import type { Evaluator } from '../../language/index.ts';
import type { NodeRegistry } from '../../nodes/node-registry.ts';
import type { StorageQuota } from '../../storage/storage-quota.ts';
import type { PublicUrl } from '../../public-url.ts';
import type { DefinitionStore } from '../definition-store.ts';
import type { ChildExecutions } from '../child-executions.ts';
import { type Engine, RunAbandonedError, type RunContext } from '../engine.ts';
import type { ExecutionRecorder } from '../execution-recorder.ts';
import type { LiveChannel } from '../live-channel.ts';
import type { ExecutionWaits } from '../execution-waits.ts';
import { Execution, type Failure } from '../execution.entity.ts';
import { Chronicle, toFailure } from './chronicle.ts';
import { readKeptSteps } from '../kept-steps.ts';
import { ExecutionHold } from './execution-hold.ts';
import { GraphRun } from './graph-run.ts';
import type { Hold } from './graph-run-options.ts';
import { toErrorRecord } from './outcome.ts';
import { childSignal, type OutsideWorld } from './program.ts';
import { type SizeBounds, SizeLimits } from './size-limits.ts';
import type { SuspensionTimes } from './rest.ts';

/**
 * The one body that runs every workflow. Its order of engine calls is part of what is stored: a change of that order is
 * `graph@2`, and this one stays for the runs that began with it.
 */
export const graphBody = 'graph@1';

/** Where the callback URLs of `wait.event` nodes lead; a token follows. */
export const callbackPath = '/v1/callbacks/';

/** What an execution is submitted with; all of it is immutable. */
export type GraphInput = {
  organisationId: string;
  workflowId: string;
  workflowVersion: number;
  definitionHash: string;
  input: Json;
  trigger: Json;
  /** When it was accepted, RFC 3339. */
  acceptedAt: string;
  /** The execution that started it and may wait for its end. */
  parentExecutionId?: string;
  /** Absent in executions that were accepted when there were no bounds. */
  sizes?: SizeBounds;
  /** Whether steps were taken over from the execution that it is another try at. */
  keepsSteps?: boolean;
};

/** Where the runner gets what it needs. */
export interface GraphRunnerOptions {
  readonly orm: MikroORM;
  readonly definitions: DefinitionStore;
  readonly recorder: ExecutionRecorder;
  readonly live: LiveChannel;
  readonly evaluator: Evaluator;
  readonly nodeTypes: NodeRegistry;
  readonly engine: Engine;
  readonly waits: Pick<ExecutionWaits, 'expire'>;
  readonly children: ChildExecutions;
  readonly publicUrl: PublicUrl;
  readonly quota?: Pick<StorageQuota, 'excess'>;
  readonly suspensionTimes?: SuspensionTimes;
  /** Receives what is wrong with the platform rather than with a workflow. */
  readonly fault: (message: string, error: unknown) => void;
}

/** Runs executions: finds the definition, lets the graph run, and tells how it ended. */
export class GraphRunner {
  readonly #options: GraphRunnerOptions;

  constructor(options: GraphRunnerOptions) {
    this.#options = options;
  }

  /** The body registered as `graph@1`. */
  run(context: RunContext, given: Json): Promise<void> {
    const input = given as GraphInput;
    return inOrganisation(input.organisationId, () => this.#run(context, input));
  }

  async #run(context: RunContext, input: GraphInput): Promise<void> {
    const { orm, live, recorder } = this.#options;
    const executionId = context.runId;
    const { startedAt, paused } = await this.#stateOf(context);
    const chronicle = new Chronicle(recorder, executionId, startedAt);
    const hold = new ExecutionHold(orm, live, executionId, paused);
    try {
      await hold.beforeBegin(context);
      await this.#execute(context, input, chronicle, hold);
    } catch (error) {
      if (error instanceof RunAbandonedError) throw error;
      if (isPassing(error)) throw new RunAbandonedError(executionId, { cause: error });
      this.#options.fault(`Execution ${executionId} ended by a fault of the platform.`, error);
      chronicle.failed(internalError());
    } finally {
      hold.stop();
      // Also what an abandoned run has told: the process that goes on tells it again, but users see it sooner.
      await chronicle.stored();
      recorder.forget(executionId);
    }
    // After its end is stored, and before the engine takes the run for ended: a crash in between tells it again.
    const { parentExecutionId: parent } = input;
    if (!parent) return;
    failpoint('child.ended');
    await this.#options.engine.signal(parent, childSignal(executionId), { at: new Date().toISOString() });
    failpoint('child.reported');
  }

  async #execute(context: RunContext, input: GraphInput, chronicle: Chronicle, hold: Hold): Promise<void> {
    const { orm, definitions, recorder, evaluator, nodeTypes, publicUrl, fault } = this.#options;
    const graph = await definitions.graph(input.organisationId, input.definitionHash);
    const kept = input.keepsSteps ? await readKeptSteps(orm, context.runId) : undefined;
    chronicle.started(input.workflowId, input.workflowVersion);
    const run = new GraphRun({
      context,
      graph,
      scope: {
        input: input.input,
        steps: {},
        variables: { ...graph.definition.variables },
        trigger: input.trigger,
        execution: { id: context.runId, workflow_id: input.workflowId, started_at: input.acceptedAt },
      },
      evaluator,
      nodeTypes,
      chronicle,
      callbackUrl: publicUrl.of(callbackPath),
      sizes: new SizeLimits(input.sizes),
      owner: { organisationId: input.organisationId, workflowId: input.workflowId },
      world: this.#worldOf(context.runId),
      kept,
      hold,
      suspensionTimes: this.#options.suspensionTimes,
      room: () => (recorder.hasRoom(context.runId) ? undefined : recorder.room(context.runId, context.signal)),
      excess: () => this.#excess(input.organisationId),
      isEnded: () => recorder.isClosed(context.runId),
      fault: (error, path) =>
        fault(`Node ${path} of execution ${context.runId} failed by a fault of the platform.`, error),
    });
    const ending = await run.run();
    if (!ending) return;
    if ('failure' in ending) chronicle.failed(ending.failure);
    else chronicle.completed(ending.output);
  }

  /** A run is left to go on in a moment where the database cannot be used now: the nodes that ask for these things did nothing wrong. */
  #worldOf(runId: string): OutsideWorld {
    const { recorder, waits, children } = this.#options;
    const abandoned = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        throw isPassing(error) ? new RunAbandonedError(runId, { cause: error }) : error;
      }
    };
    return {
      executionId: runId,
      // The wait may have been told of only just now.
      expire: (signal) =>
        abandoned(async () => {
          await recorder.stored(runId);
          const expired = await waits.expire(runId, signal);
          failpoint('wait.expired');
          return expired;
        }),
      start: (call, key) =>
        abandoned(async () => {
          const childId = await children.start(runId, call, key);
          failpoint('child.started');
          return childId;
        }),
      result: (childId) => abandoned(() => children.result(runId, childId)),
      cancel: (childId) => abandoned(() => children.cancel(runId, childId)),
    };
  }

  #excess(organisationId: string): Failure | undefined {
    const error = this.#options.quota?.excess(organisationId);
    return (
      error && { code: error.code, message: error.message, node_id: null, details: error.details as Failure['details'] }
    );
  }

  /** When the execution began, and whether it is held, for a run that is not at its beginning. */
  async #stateOf({ resumed, runId }: RunContext): Promise<{ startedAt: Date; paused: boolean }> {
    const where = { id: runId };
    const fields = ['startedAt', 'status'] as const;
    const execution = resumed ? await this.#options.orm.em.fork().findOne(Execution, where, { fields }) : null;
    return { startedAt: execution?.startedAt ?? new Date(), paused: execution?.status === 'paused' };
  }
}

function internalError(): Failure {
  const record = toErrorRecord(undefined);
  return toFailure({ ...record, message: 'The execution ended for a reason that lies with the platform.' }, null);
}
