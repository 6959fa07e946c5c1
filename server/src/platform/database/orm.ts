import { Migrator } from '@mikro-orm/migrations';
import { defineConfig, MikroORM, type Options } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { entities } from '../../domain/entities.ts';
import { Driver } from './driver.ts';
import { migrations } from './migrations/index.ts';
import { platformEntities } from './platform-entities.ts';

/** How one process talks to the database. */
export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database`, with `?sslmode=` where wanted. */
  url: string;
  /** Connections at most; 10 unless told. */
  poolSize?: number;
  /** Milliseconds after which a transaction in which nothing happens is ended by PostgreSQL; 30,000 unless told. */
  standstill?: number;
  /** Receives what the ORM reports: lost connections, slow or failed queries. */
  log?: (message: string) => void;
  /** Receives the connection pool, for metrics. */
  onPool?: (pool: Pool) => void;
}

/** The one configuration of MikroORM, shared by the server, the tests and the migrations. */
export function ormOptions({
  url,
  poolSize = 10,
  standstill = 30_000,
  log = () => undefined,
  onPool,
}: DatabaseOptions): Options {
  return defineConfig({
    driver: Driver,
    clientUrl: url,
    entities: [...entities, ...platformEntities],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    migrations: {
      migrationsList: migrations,
      tableName: 'migration',
      snapshot: false,
      transactional: true,
      allOrNothing: true,
    },
    // The engine keeps its tables in a schema of its own and migrates them itself; triggers are made by migrations alone.
    schemaGenerator: { ignoreSchema: ['dbos'], ignoreTriggers: true },
    ensureDatabase: false,
    pool: { min: 0, max: poolSize, idleTimeoutMillis: 30_000 },
    driverOptions: {
      connectionTimeoutMillis: 10_000,
      application_name: 'flowpact',
      // A process that stands still in mid-transaction must not hold its locks against all others.
      idle_in_transaction_session_timeout: standstill,
      onPoolCreated: onPool,
    },
    logger: log,
    colors: false,
  });
}

/** An ORM outside Nest: in tests, scripts and before the application exists. The caller closes it. */
export function createOrm(options: DatabaseOptions): Promise<MikroORM> {
  return MikroORM.init(ormOptions(options));
}
