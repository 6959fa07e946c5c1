import { QuickJsSandbox } from '../../src/platform/sandbox/quickjs-sandbox.ts';
import { DbosEngine } from '../../src/platform/engine/dbos-engine.ts';
import type { DbosEngineOptions } from '../../src/platform/engine/dbos-engine-options.ts';
import { PostgresLiveChannel } from '../../src/platform/live/postgres-live-channel.ts';
import { miscounted } from './miscounted.ts';
import { RecordedLoops } from '../recorded-loops.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { type Json, ResourceNotFoundError } from '../../src/domain/domain-error.ts';
import { DomainEvents } from '../../src/domain/event/domain-events.ts';
import { newId } from '../../src/domain/id.ts';
import { Evaluator, hashOf, type WorkflowDefinition } from '../../src/domain/language/index.ts';
import { NodeRegistry } from '../../src/domain/nodes/node-registry.ts';
import type { NodeType } from '../../src/domain/nodes/node-type.ts';
import { CalledExecutions } from '../../src/domain/execution/called-executions.ts';
import type { ChildExecutions } from '../../src/domain/execution/child-executions.ts';
import { DefinitionStore } from '../../src/domain/execution/definition-store.ts';
import { ExecutionControl } from '../../src/domain/execution/execution-control.ts';
import { ExecutionEvent } from '../../src/domain/execution/execution-event.entity.ts';
import { ExecutionEvents } from '../../src/domain/execution/execution-events.ts';
import { ExecutionLog } from '../../src/domain/execution/execution-log.entity.ts';
import type { ExecutionMetrics } from '../../src/domain/execution/execution-metrics.ts';
import { ExecutionQueries } from '../../src/domain/execution/execution-queries.ts';
import { ExecutionRecorder } from '../../src/domain/execution/execution-recorder.ts';
import { ExecutionWaits } from '../../src/domain/execution/execution-waits.ts';
import { Execution } from '../../src/domain/execution/execution.entity.ts';
import { ExecutionService, type ExecutionStart } from '../../src/domain/execution/execution.service.ts';
import {
  graphBody,
  GraphRunner,
  type GraphRunnerOptions,
} from '../../src/domain/execution/interpreter/graph-runner.ts';
import type { PublishedWorkflows } from '../../src/domain/execution/published-workflows.ts';
import { OrganisationPlans } from '../../src/domain/organisation/organisation-plans.ts';
import { Step } from '../../src/domain/execution/step.entity.ts';
import { StorageQuota } from '../../src/domain/storage/storage-quota.ts';

export const organisationId = newId('org');
export const startedBy = { type: 'api_key', id: newId('key') } as const;

/** What was counted, as `ended completed` and the like. */
export const counted: string[] = [];

export const metrics: ExecutionMetrics = {
  executionStarted: () => counted.push('started'),
  executionEnded: (status) => counted.push(`ended ${status}`),
  stepEnded: (type, status) => counted.push(`${type} ${status}`),
};

/** The whole of executions without HTTP: real database, real engine, node types of the test's own. */
export class ExecutionBench {
  readonly faults: unknown[] = [];
  /** Executions whose output a test has written itself: nobody has counted its bytes. */
  readonly writtenByHand = new Set<string>();
  readonly loops = new RecordedLoops();
  readonly domainEvents: DomainEvents;
  readonly quota: StorageQuota;
  readonly #workflows = new Map<string, WorkflowDefinition>();

  private constructor(
    readonly database: TestDatabase,
    readonly engine: DbosEngine,
    readonly live: PostgresLiveChannel,
    readonly recorder: ExecutionRecorder,
    readonly sandbox: QuickJsSandbox,
    readonly definitions: DefinitionStore,
    readonly evaluator: Evaluator,
  ) {
    this.domainEvents = new DomainEvents(database.orm, this.loops);
    this.quota = new StorageQuota(database.orm);
  }

  static async start(
    types: readonly NodeType[],
    shared?: TestDatabase,
    more: Partial<GraphRunnerOptions> = {},
    engineOptions: Partial<DbosEngineOptions> = {},
  ): Promise<ExecutionBench> {
    const database = shared ?? (await createTestDatabase());
    const { orm, url } = database;
    const engine = new DbosEngine({ orm, url, ...engineOptions });
    const live = new PostgresLiveChannel(url);
    const recorder = new ExecutionRecorder({ orm, live, metrics, heard: () => bench.domainEvents.wake() });
    const sandbox = new QuickJsSandbox();
    const definitions = new DefinitionStore(orm);
    const evaluator = new Evaluator(sandbox);
    const bench = new ExecutionBench(database, engine, live, recorder, sandbox, definitions, evaluator);
    const runner = new GraphRunner({
      orm,
      definitions,
      recorder,
      live,
      evaluator,
      nodeTypes: new NodeRegistry(types),
      engine,
      waits: bench.waits,
      children: bench.children,
      publicUrl: { of: (path) => `http://flowpact.test${path}` },
      quota: bench.quota,
      fault: (_, error) => bench.faults.push(error),
      ...more,
    });
    engine.register(graphBody, (context, input) => runner.run(context, input));
    await live.start();
    await engine.start();
    return bench;
  }

  /** Throws when the bytes of an execution were not counted as they are stored: no test of executions may leave them wrong. */
  async stop(): Promise<void> {
    await this.stopEngine();
    const wrong = await miscounted(this.database.orm.em, [...this.writtenByHand]);
    await this.database.drop();
    if (wrong.length > 0) throw new Error(`Bytes are counted wrongly: ${JSON.stringify(wrong, null, 2)}`);
  }

  /** Leaves the database to a bench that is started on it. */
  async stopEngine(graceMs = 0): Promise<void> {
    await this.engine.stop(graceMs);
    await this.recorder.close();
    await this.live.stop();
    await this.sandbox.onApplicationShutdown();
  }

  get service(): ExecutionService {
    const workflows: PublishedWorkflows = {
      getPublished: async (_, id) => {
        const definition = this.#workflows.get(id);
        if (!definition) throw new ResourceNotFoundError('workflow', id);
        return { version: 1, definition, definitionHash: hashOf(definition) };
      },
    };
    const em = this.database.orm.em.fork();
    return new ExecutionService(
      em,
      this.engine,
      workflows,
      this.definitions,
      this.evaluator,
      metrics,
      this.plans,
      this.quota,
    );
  }

  get plans(): OrganisationPlans {
    return new OrganisationPlans(this.database.orm);
  }

  get waits(): ExecutionWaits {
    return new ExecutionWaits(this.database.orm, this.engine);
  }

  /** Starts what was published here. */
  get children(): ChildExecutions {
    const started = (): CalledExecutions => new CalledExecutions(this.database.orm, this.service, this.control);
    return {
      start: (...call) => started().start(...call),
      result: (...call) => started().result(...call),
      cancel: (...call) => started().cancel(...call),
    };
  }

  get queries(): ExecutionQueries {
    return new ExecutionQueries(this.database.orm.em.fork(), this.live);
  }

  get control(): ExecutionControl {
    const { engine, live, domainEvents: events } = this;
    return new ExecutionControl({ em: this.database.orm.em.fork(), engine, live, metrics, events });
  }

  get events(): ExecutionEvents {
    return new ExecutionEvents(this.database.orm.em.fork(), this.live);
  }

  async begin(definition: WorkflowDefinition, input: Record<string, Json> = {}): Promise<Execution> {
    return this.beginOf(this.publish(definition), input);
  }

  /** A workflow's id; given one, its next version. */
  publish(definition: WorkflowDefinition, workflowId = newId('wf')): string {
    this.#workflows.set(workflowId, definition);
    return workflowId;
  }

  async beginOf(
    workflowId: string,
    input: Record<string, Json> = {},
    more: Partial<ExecutionStart> = {},
  ): Promise<Execution> {
    return this.service.start({ organisationId, startedBy, workflowId, input, ...more });
  }

  async run(definition: WorkflowDefinition, input: Record<string, Json> = {}): Promise<Execution> {
    const { id } = await this.begin(definition, input);
    return this.ended(id);
  }

  async ended(id: string, within = 60_000): Promise<Execution> {
    const execution = await this.queries.waitFor(organisationId, id, within);
    if (!execution.ended) throw new Error(`Execution ${id} is still ${execution.status} after ${within} ms.`);
    return execution;
  }

  /** Status of each step by node id. */
  async steps(id: string): Promise<Record<string, string>> {
    const steps = await this.database.orm.em.fork().find(Step, { executionId: id }, { orderBy: { nodeId: 'asc' } });
    return Object.fromEntries(
      steps.map(({ nodeId, status, attempt }) => [nodeId, attempt > 1 ? `${status}@${attempt}` : status]),
    );
  }

  step(id: string, nodeId: string): Promise<Step> {
    return this.database.orm.em.fork().findOneOrFail(Step, { executionId: id, nodeId });
  }

  eventsOf(id: string): Promise<ExecutionEvent[]> {
    return this.database.orm.em.fork().find(ExecutionEvent, { executionId: id }, { orderBy: { sequence: 'asc' } });
  }

  logsOf(id: string): Promise<ExecutionLog[]> {
    return this.database.orm.em
      .fork()
      .find(ExecutionLog, { executionId: id }, { orderBy: { createdAt: 'asc', id: 'asc' } });
  }
}
