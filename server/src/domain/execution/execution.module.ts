import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Logger, Module, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { BatchMetrics } from '../batch-metrics.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { EventModule } from '../event/event.module.ts';
import { Evaluator } from '../language/index.ts';
import { NodeRegistry } from '../nodes/index.ts';
import { NodesModule } from '../nodes/nodes.module.ts';
import { PublicUrl } from '../public-url.ts';
import { StorageQuota } from '../storage/storage-quota.ts';
import { StorageModule } from '../storage/storage.module.ts';
import { ReadinessChecks } from '../readiness-checks.ts';
import { WorkflowModule } from '../workflow/workflow.module.ts';
import { WorkflowService } from '../workflow/workflow.service.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { ApprovalService } from './approval.service.ts';
import { CallbackService } from './callback.service.ts';
import { CalledExecutions } from './called-executions.ts';
import { ChildExecutions } from './child-executions.ts';
import { DefinitionStore, sweepInterval } from './definition-store.ts';
import { Engine } from './engine.ts';
import { ExecutionControl } from './execution-control.ts';
import { ExecutionEvents } from './execution-events.ts';
import { ExecutionMetrics } from './execution-metrics.ts';
import { ExecutionQueries } from './execution-queries.ts';
import { ExecutionRecorder } from './execution-recorder.ts';
import { ExecutionRetention, retentionInterval } from './execution-retention.ts';
import { ExecutionWaits } from './execution-waits.ts';
import { ExecutionService } from './execution.service.ts';
import { graphBody, GraphRunner } from './interpreter/graph-runner.ts';
import { LiveChannel } from './live-channel.ts';
import { LostExecutions, lostInterval } from './lost-executions.ts';
import { PublishedWorkflows } from './published-workflows.ts';
import { reconcileInterval, WaitReconciler } from './wait-reconciler.ts';

const logger = new Logger('Executions');
const fault = (message: string, error: unknown): void => logger.error({ err: error }, message);

/** Needs the global modules that provide Engine, ExecutionMetrics, BatchMetrics, StorageMetrics, ReadinessChecks, LiveChannel, PublicUrl, WorkerLoops and Evaluator. It starts the engine with the application. */
@Module({
  imports: [EventModule, NodesModule, StorageModule, WorkflowModule],
  providers: [
    ExecutionService,
    {
      provide: ExecutionControl,
      useFactory: (
        em: EntityManager,
        engine: Engine,
        live: LiveChannel,
        metrics: ExecutionMetrics,
        events: DomainEvents,
      ) => new ExecutionControl({ em, engine, live, metrics, events }),
      inject: [EntityManager, Engine, LiveChannel, ExecutionMetrics, DomainEvents],
    },
    ExecutionQueries,
    ExecutionEvents,
    ApprovalService,
    CallbackService,
    { provide: PublishedWorkflows, useExisting: WorkflowService },
    { provide: DefinitionStore, useFactory: (orm: MikroORM) => new DefinitionStore(orm), inject: [MikroORM] },
    {
      provide: ExecutionRecorder,
      useFactory: (
        orm: MikroORM,
        live: LiveChannel,
        metrics: ExecutionMetrics,
        batches: BatchMetrics,
        events: DomainEvents,
      ) =>
        new ExecutionRecorder({
          orm,
          live,
          metrics,
          batches,
          heard: () => events.wake(),
          warn: (message, error) => logger.warn({ err: error }, message),
        }),
      inject: [MikroORM, LiveChannel, ExecutionMetrics, BatchMetrics, DomainEvents],
    },
    {
      provide: ExecutionWaits,
      useFactory: (orm: MikroORM, engine: Engine) => new ExecutionWaits(orm, engine),
      inject: [MikroORM, Engine],
    },
    {
      provide: ChildExecutions,
      useFactory: (orm: MikroORM, service: ExecutionService, control: ExecutionControl) =>
        new CalledExecutions(orm, service, control),
      inject: [MikroORM, ExecutionService, ExecutionControl],
    },
    {
      provide: GraphRunner,
      useFactory: (
        orm: MikroORM,
        definitions: DefinitionStore,
        recorder: ExecutionRecorder,
        evaluator: Evaluator,
        nodeTypes: NodeRegistry,
        engine: Engine,
        waits: ExecutionWaits,
        children: ChildExecutions,
        publicUrl: PublicUrl,
        live: LiveChannel,
        quota: StorageQuota,
      ) =>
        new GraphRunner({
          orm,
          definitions,
          recorder,
          live,
          evaluator,
          nodeTypes,
          engine,
          waits,
          children,
          publicUrl,
          quota,
          fault,
        }),
      inject: [
        MikroORM,
        DefinitionStore,
        ExecutionRecorder,
        Evaluator,
        NodeRegistry,
        Engine,
        ExecutionWaits,
        ChildExecutions,
        PublicUrl,
        LiveChannel,
        StorageQuota,
      ],
    },
    {
      provide: LostExecutions,
      useFactory: (orm: MikroORM, engine: Engine, recorder: ExecutionRecorder) =>
        new LostExecutions({ orm, engine, recorder, fault }),
      inject: [MikroORM, Engine, ExecutionRecorder],
    },
  ],
  exports: [
    ApprovalService,
    CallbackService,
    ExecutionService,
    ExecutionControl,
    ExecutionQueries,
    ExecutionEvents,
    ExecutionWaits,
  ],
})
export class ExecutionModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly engine: Engine,
    private readonly live: LiveChannel,
    private readonly runner: GraphRunner,
    private readonly recorder: ExecutionRecorder,
    lost: LostExecutions,
    definitions: DefinitionStore,
    loops: WorkerLoops,
    readiness: ReadinessChecks,
    orm: MikroORM,
  ) {
    readiness.add('execution_recorder', () => recorder.problem());
    const retention = new ExecutionRetention(orm);
    loops.add('execution retention', { everyMs: retentionInterval, run: (signal) => retention.sweep(signal) });
    loops.add('unused definitions', { everyMs: sweepInterval, run: (signal) => definitions.sweep(signal) });
    const warn = (message: string, error?: unknown): void => logger.warn({ err: error }, message);
    const reconciler = new WaitReconciler({ orm, engine, warn });
    loops.add('decided waits', { everyMs: reconcileInterval, isVital: true, run: () => reconciler.round() });
    loops.add('lost executions', { everyMs: lostInterval, run: async () => void (await lost.end()) });
  }

  async onApplicationBootstrap(): Promise<void> {
    this.engine.register(graphBody, (context, input) => this.runner.run(context, input));
    await this.live.start();
    await this.engine.start();
  }

  /** The recorder closes after the engine, whose last runs still have something to tell. */
  async onApplicationShutdown(): Promise<void> {
    await this.engine.stop();
    await this.recorder.close();
    await this.live.stop();
  }
}
