import type { MikroORM } from '@mikro-orm/postgresql';
import type { Json } from '../../domain-error.ts';
import type { Evaluator } from '../../language/index.ts';
import type { NodeRegistry } from '../../nodes/node-registry.ts';
import type { DefinitionStore } from '../definition-store.ts';
import { RunAbandonedError, type RunContext } from '../engine.ts';
import type { ExecutionRecorder } from '../execution-recorder.ts';
import { Execution, type Failure } from '../execution.entity.ts';
import { Chronicle, toFailure } from './chronicle.ts';
import { GraphRun } from './graph-run.ts';
import { toErrorRecord } from './outcome.ts';

/**
 * The one body that runs every workflow. Its order of engine calls is part of what is stored: a change of that order is
 * `graph@2`, and this one stays for the runs that began with it.
 */
export const graphBody = 'graph@1';

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
};

/** Where the runner gets what it needs. */
export interface GraphRunnerOptions {
  readonly orm: MikroORM;
  readonly definitions: DefinitionStore;
  readonly recorder: ExecutionRecorder;
  readonly evaluator: Evaluator;
  readonly nodeTypes: NodeRegistry;
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
  async run(context: RunContext, given: Json): Promise<void> {
    const { recorder } = this.#options;
    const input = given as GraphInput;
    const executionId = context.runId;
    const chronicle = new Chronicle(recorder, executionId, await this.#startOf(context));
    try {
      await this.#execute(context, input, chronicle);
    } catch (error) {
      if (error instanceof RunAbandonedError) throw error;
      this.#options.fault(`Execution ${executionId} ended by a fault of the platform.`, error);
      chronicle.failed(internalError());
    } finally {
      // Also what an abandoned run has told: the process that goes on tells it again, but users see it sooner.
      await recorder.stored(executionId).catch(() => undefined);
      recorder.forget(executionId);
    }
  }

  async #execute(context: RunContext, input: GraphInput, chronicle: Chronicle): Promise<void> {
    const { definitions, recorder, evaluator, nodeTypes, fault } = this.#options;
    const graph = await definitions.graph(input.organisationId, input.definitionHash);
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
      isEnded: () => recorder.isClosed(context.runId),
      fault: (error, nodeId) =>
        fault(`Node ${nodeId} of execution ${context.runId} failed by a fault of the platform.`, error),
    });
    const ending = await run.run();
    if (!ending) return;
    if ('failure' in ending) chronicle.failed(ending.failure);
    else chronicle.completed(ending.output);
  }

  /** When the execution began, for a run that is not at its beginning. */
  async #startOf({ resumed, runId }: RunContext): Promise<Date> {
    if (!resumed) return new Date();
    const execution = await this.#options.orm.em.fork().findOne(Execution, { id: runId }, { fields: ['startedAt'] });
    return execution?.startedAt ?? new Date();
  }
}

function internalError(): Failure {
  const record = toErrorRecord(undefined);
  return toFailure({ ...record, message: 'The execution ended for a reason that lies with the platform.' }, null);
}
