import { MikroORM } from '@mikro-orm/postgresql';
import { Global, Logger, Module } from '@nestjs/common';
import { Engine } from '../../domain/execution/engine.ts';
import { ExecutionMetrics } from '../../domain/execution/execution-metrics.ts';
import { Config, isWorker } from '../config/config.ts';
import { OrganisationPlans } from '../../domain/organisation/organisation-plans.ts';
import { concurrentExecutions } from '../../domain/organisation/plan.ts';
import { shareConnections } from '../database/shared-connections.ts';
import { ReadinessChecks } from '../../domain/readiness-checks.ts';
import { WriteRefusals } from '../database/write-refusals.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { ProcessWorkerLoops } from '../worker-loops/process-worker-loops.ts';
import { wakeChannel } from '../worker-loops/wake-channel.ts';
import { DbosEngine } from './dbos-engine.ts';

const logger = new Logger('Engine');

/** Provides the engine, which the execution module starts and stops, and the counters of executions. */
@Global()
@Module({
  providers: [
    {
      provide: Engine,
      useFactory: (
        orm: MikroORM,
        config: Config,
        loops: ProcessWorkerLoops,
        plans: OrganisationPlans,
        refusals: WriteRefusals,
        metrics: Metrics,
        readiness: ReadinessChecks,
      ) => {
        const { settings } = config;
        const engine = new DbosEngine({
          orm,
          batches: metrics,
          works: isWorker(config),
          url: settings.DATABASE_URL!,
          poolSize: Math.ceil(settings.DATABASE_POOL_SIZE / 2),
          onPool: (pool) => {
            metrics.watchPool(pool, 'engine_connections');
            shareConnections(pool, 'engine');
            refusals.watch(pool);
          },
          grace: settings.SHUTDOWN_TIMEOUT * 1_000,
          limitOf: async (organisationId) => concurrentExecutions[await plans.planOf(organisationId)],
          channels: { [wakeChannel]: (name) => loops.wakeHere(name) },
          log: {
            debug: (message) => logger.debug(message),
            warn: (message, error) => logger.warn({ err: error }, message),
            error: (message, error) => logger.error({ err: error }, message),
          },
        });
        readiness.add('step_journal', () => engine.problem());
        return engine;
      },
      inject: [MikroORM, Config, ProcessWorkerLoops, OrganisationPlans, WriteRefusals, Metrics, ReadinessChecks],
    },
    { provide: ExecutionMetrics, useExisting: Metrics },
  ],
  exports: [Engine, ExecutionMetrics],
})
export class EngineModule {}
