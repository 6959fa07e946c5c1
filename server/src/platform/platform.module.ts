import { MikroOrmModule } from '@mikro-orm/nestjs';
import { MikroORM } from '@mikro-orm/postgresql';
import { Module, type DynamicModule } from '@nestjs/common';
import { BatchMetrics } from '../domain/batch-metrics.ts';
import type { Pool } from 'pg';
import { OrganisationPlans } from '../domain/organisation/organisation-plans.ts';
import { PublicUrl } from '../domain/public-url.ts';
import { ReadinessChecks } from '../domain/readiness-checks.ts';
import { StorageMetrics } from '../domain/storage/storage-metrics.ts';
import { EventChainSettings } from '../domain/trigger/event-chain-settings.ts';
import { Config } from './config/config.ts';
import { ormOptions } from './database/orm.ts';
import { shareConnections } from './database/shared-connections.ts';
import { WriteRefusals } from './database/write-refusals.ts';
import { Lifecycle } from './lifecycle/lifecycle.ts';
import type { Logger } from './logging/logger.ts';
import { Metrics } from './telemetry/metrics.ts';
import { storageMetricsOf } from './telemetry/storage-metrics.ts';

/** What one server process is made with before Nest exists. */
export interface PlatformParts {
  config: Config;
  logger: Logger;
  metrics: Metrics;
  lifecycle: Lifecycle;
}

/** The technical services that every other module may inject: configuration, metrics, life cycle, database. */
@Module({})
export class PlatformModule {
  static forRoot({ config, logger, metrics, lifecycle }: PlatformParts): DynamicModule {
    const { DATABASE_URL: url = '', DATABASE_POOL_SIZE, EVENT_CHAIN_EXECUTIONS: mostExecutions } = config.settings;
    // The other half is the engine's, which needs two more: one that holds its lock, one that hears live events.
    const poolSize = Math.max(2, Math.floor(DATABASE_POOL_SIZE / 2) - 2);
    const log = (message: string): void => logger.warn({ component: 'Database' }, message);
    const checks = new ReadinessChecks();
    const refusals = new WriteRefusals();
    checks.add('database_writes', () => refusals.problem());
    const onPool = (pool: Pool): void => {
      metrics.watchPool(pool);
      shareConnections(pool);
      refusals.watch(pool);
    };
    const provided = [
      { provide: Config, useValue: config },
      { provide: Metrics, useValue: metrics },
      { provide: StorageMetrics, useValue: storageMetricsOf(metrics) },
      { provide: BatchMetrics, useValue: metrics },
      { provide: Lifecycle, useValue: lifecycle },
      { provide: PublicUrl, useValue: { of: (path) => config.publicUrl() + path } satisfies PublicUrl },
      { provide: EventChainSettings, useValue: { mostExecutions } satisfies EventChainSettings },
      { provide: ReadinessChecks, useValue: checks },
      { provide: WriteRefusals, useValue: refusals },
      { provide: OrganisationPlans, useFactory: (orm: MikroORM) => new OrganisationPlans(orm), inject: [MikroORM] },
    ];
    // The runtime opens the request's EntityManager itself, after authentication: the middleware would cost every request more.
    const options = {
      ...ormOptions({ url, poolSize, log, onPool }),
      registerRequestContext: false,
    };
    return {
      module: PlatformModule,
      global: true,
      imports: [MikroOrmModule.forRoot(options) as DynamicModule],
      providers: provided,
      exports: provided.map(({ provide }) => provide),
    };
  }
}
