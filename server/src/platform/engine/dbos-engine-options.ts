import type { DBOS } from '@dbos-inc/dbos-sdk';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { BatchMetrics } from '../../domain/batch-metrics.ts';
import { memoryBound } from './memory-shares.ts';

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
  /** Bytes that runs hold in this process at most, give or take what is under way; a part of V8's heap unless told. */
  memoryBytes?: number;
}

/** The options with those that have a value where none is given. */
export type EngineSettings = Required<Omit<DbosEngineOptions, 'limitOf' | 'batches'>> &
  Pick<DbosEngineOptions, 'limitOf' | 'batches'>;

/** What holds where nothing is said. */
export function withDefaults(options: DbosEngineOptions): EngineSettings {
  return {
    works: true,
    concurrency: 100,
    poolSize: 20,
    retention: 600_000,
    grace: 15_000,
    standstill: 10_000,
    log: quiet,
    channels: {},
    onPool: () => undefined,
    memoryBytes: memoryBound(),
    ...options,
  };
}

export interface EngineLog {
  debug(message: string): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
}

const quiet: EngineLog = { debug: () => undefined, warn: () => undefined, error: () => undefined };

/** What DBOS logs, in the log of the engine. */
export function dbosLogger(log: EngineLog): NonNullable<Parameters<typeof DBOS.setConfig>[0]['logger']> {
  return {
    info: (entry) => log.debug(String(entry)),
    debug: () => undefined,
    // A run that goes on elsewhere is the normal end of a hand-over.
    warn: (entry) => (String(entry).includes('no longer owned') ? log.debug(String(entry)) : log.warn(String(entry))),
    error: (entry, metadata) => log.error(String(entry), metadata?.error),
  };
}
