import type { EntityManager } from '@mikro-orm/postgresql';
import { maxNames } from '../json-bounds.ts';
import { bytesOf } from '../json-size.ts';
import { Lane } from '../lane.ts';
import type { DefinitionStore } from './definition-store.ts';
import type { OrganisationPlans } from '../organisation/organisation-plans.ts';
import { executionBytes, nodeBytes } from '../organisation/plan.ts';
import { eventLoop } from '../tenancy/event-loop-turns.ts';
import type { Engine, RunRequest } from './engine.ts';
import { Execution, type NewExecution } from './execution.entity.ts';
import { executionRows } from './execution-rows.ts';
import { graphBody, type GraphInput } from './interpreter/graph-runner.ts';
import type { SizeBounds } from './interpreter/size-limits.ts';
import type { ExecutableVersion } from './published-workflows.ts';

/** An execution to accept, and what it runs. */
export interface Acceptance {
  readonly executable: ExecutableVersion;
  readonly start: Omit<NewExecution, 'workflowVersion' | 'definitionHash'>;
  /** Stores the steps that the execution takes over, in the transaction that stores the execution. */
  readonly keep?: (execution: Execution, em: EntityManager) => Promise<void>;
}

/** Starts that are stored in one statement at most. */
const batchSize = 100;

/** Stores executions together with their runs: both are there or neither. */
export class Acceptances {
  readonly #engine: Engine;
  readonly #definitions: DefinitionStore;
  readonly #plans: OrganisationPlans;
  readonly #lane: Lane<Acceptance, Execution>;

  /** Starts of `startBatched` are stored in statements of their own, on the connections of `em`. */
  constructor(em: EntityManager, engine: Engine, definitions: DefinitionStore, plans: OrganisationPlans) {
    this.#engine = engine;
    this.#plans = plans;
    this.#definitions = definitions;
    const work = (items: readonly Acceptance[]): Promise<Execution[]> => this.#acceptAlone(em.fork(), items);
    this.#lane = new Lane({ name: 'acceptances', batchSize, bytesOf: bytesOfStart, calls: 2, work });
  }

  /** In a statement that starts share, which costs each of them a fraction of one. */
  async startBatched(acceptance: Acceptance): Promise<Execution> {
    const execution = await this.#lane.ask(acceptance);
    // All that were stored together would go on at once.
    await eventLoop.turn(execution.organisationId);
    return execution;
  }

  async #acceptAlone(em: EntityManager, acceptances: readonly Acceptance[]): Promise<Execution[]> {
    const accept = (own: EntityManager): Promise<Execution[]> => this.accept(own, acceptances);
    // One statement needs no transaction around it.
    const executions = acceptances.some(({ keep }) => keep) ? await em.transactional(accept) : await accept(em);
    for (const { organisationId, definitionHash } of executions)
      this.#definitions.wasKept(organisationId, definitionHash);
    return executions;
  }

  /** In the transaction of `em`; where nothing is kept, it need not be in one. */
  async accept(em: EntityManager, acceptances: readonly Acceptance[]): Promise<Execution[]> {
    const executions: Execution[] = [];
    for (const { executable, start } of acceptances) {
      const { version, definition, definitionHash } = executable;
      await this.#definitions.keep(start.organisationId, definition, em, definitionHash);
      executions.push(Execution.create({ ...start, workflowVersion: version, definitionHash }));
    }
    const runs: RunRequest[] = [];
    for (const [index, execution] of executions.entries()) {
      const { executable, keep } = acceptances[index]!;
      const { settings } = executable.definition;
      const group = { id: execution.workflowId, concurrency: settings?.concurrency };
      const { id: runId, organisationId: tenant } = execution;
      const sizes = await this.#sizesOf(tenant);
      runs.push({ runId, body: graphBody, input: toGraphInput(execution, sizes, keep !== undefined), tenant, group });
    }
    await this.#engine.submit(runs, em, await executionRows(executions));
    for (const [index, execution] of executions.entries()) await acceptances[index]!.keep?.(execution, em);
    return executions;
  }

  async #sizesOf(organisationId: string): Promise<SizeBounds> {
    const plan = await this.#plans.planOf(organisationId);
    return { node: nodeBytes[plan], execution: executionBytes[plan], names: maxNames };
  }
}

/** What it brings into the statements: its input and trigger stand in the execution, and in what its run is given. */
function bytesOfStart({ start: { input, metadata, trigger } }: Acceptance): number {
  return bytesOf(input) * 2 + bytesOf(metadata) + bytesOf(trigger) * 2;
}

function toGraphInput(execution: Execution, sizes: SizeBounds, keepsSteps: boolean): GraphInput {
  return {
    organisationId: execution.organisationId,
    workflowId: execution.workflowId,
    workflowVersion: execution.workflowVersion,
    definitionHash: execution.definitionHash,
    input: execution.input,
    trigger: execution.trigger,
    acceptedAt: execution.createdAt.toISOString(),
    sizes,
    ...(execution.parentExecutionId && { parentExecutionId: execution.parentExecutionId }),
    ...(keepsSteps && { keepsSteps }),
  };
}
