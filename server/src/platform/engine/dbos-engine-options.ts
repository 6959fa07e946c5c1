import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { BatchMetrics } from '../../domain/batch-metrics.ts';

/** How one process takes part in the engine. */
export interface DbosEngineOptions {
  orm: MikroORM;
  /** The database of the application; the engine keeps its tables in the schema `dbos` of it. */
  url: string;
  /** False in a process that accepts runs and leaves them to the others. */
  works?: boolean;
  /** Runs in progress in this process at most; more wait in the queue for any process. */
  concurrency?: number;
  /** Told of the pool of connections once it is made. */
  onPool?: (pool: Pool) => void;
  /** Connections of the engine at most. */
  poolSize?: number;
  /** How long the engine remembers runs that have ended, in milliseconds. */
  retention?: number;
  /** Milliseconds that steps in progress get when the engine stops. */
  grace?: number;
  /** Milliseconds without a sign of life after which a process counts as dead; one that is killed does so at once. */
  standstill?: number;
  /** Runs of a tenant that may be active at once, over all processes; undefined for one without a limit. */
  limitOf?: (tenant: string) => Promise<number | undefined>;
  /** Hears what other processes say on these channels. */
  channels?: Readonly<Record<string, (payload: string) => void>>;
  log?: EngineLog;
  batches?: BatchMetrics;
}

export interface EngineLog {
  debug(message: string): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
}
