import { Pool } from 'pg';
import type { DbosEngineOptions, EngineLog } from './dbos-engine-options.ts';

/** The connections of the engine; those that are lost are reported and made again. */
export function openEnginePool({
  url,
  poolSize,
  standstill,
  log,
}: Required<Pick<DbosEngineOptions, 'url' | 'poolSize' | 'standstill'>> & { log: EngineLog }): Pool {
  const pool = new Pool({
    connectionString: url,
    max: poolSize,
    application_name: 'flowpact_engine',
    connectionTimeoutMillis: 10_000,
    // A process that stands still in mid-transaction must not hold its runs.
    idle_in_transaction_session_timeout: standstill,
    // Plans are kept, and one that was made while a table was small must not be one that reads all of it.
    options: '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off',
  });
  pool.on('error', (error) => log.warn('A connection of the engine was lost.', error));
  // The pool listens only to connections that lie idle: one that is lost between two queries of a transaction would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
