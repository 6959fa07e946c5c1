import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { PoolClient } from 'pg';
import { advisoryLocks } from '../advisory-locks.ts';
import { runPrepared } from '../prepared-query.ts';
import { WorkerLoops } from '../worker-loops.ts';
import type { StoredBytes } from './storage-kinds.ts';
import { StorageMetrics } from './storage-metrics.ts';
import { countFull, dueForRecount, recount, settle, usageByKind } from './storage-statements.ts';

const settleEveryMs = 1_000;
const recountEveryMs = 30_000;
/** Changes of one statement at most. */
const batchSize = 10_000;

/**
 * What organisations store. Triggers write each change of it in the transaction that makes it, so that the sums are right
 * whatever process dies when; here the changes are added up. A recount a day finds what triggers could not see, such as
 * rows that an operator has put in with triggers off.
 */
@Injectable()
export class StorageAccounts implements OnModuleInit {
  readonly #log = new Logger(StorageAccounts.name);

  constructor(
    private readonly orm: MikroORM,
    private readonly loops: WorkerLoops,
    private readonly metrics: StorageMetrics,
  ) {}

  onModuleInit(): void {
    this.loops.add('storage', { everyMs: settleEveryMs, isVital: true, run: () => this.settle() });
    this.loops.add('storage recount', { everyMs: recountEveryMs, run: () => this.recountNext() });
  }

  /** Bytes by kind, with all that is committed. */
  async of(organisationId: string): Promise<StoredBytes> {
    const [bytes] = await runPrepared<StoredBytes>(this.orm.em, usageByKind, [organisationId]);
    return bytes!;
  }

  /** Adds changes to the sums; true when there are more. */
  async settle(): Promise<boolean> {
    try {
      const settled = await this.#alone(advisoryLocks.storageSettle, async (client) => {
        const { rows } = await client.query<{ settled: number }>(settle, [batchSize]);
        return rows[0]!.settled;
      });
      return settled === batchSize;
    } catch (error) {
      this.metrics.settlingFailed();
      throw error;
    }
  }

  /** Recounts one organisation, if one is due; true when it did. */
  async recountNext(): Promise<boolean> {
    const next = await this.#alone(advisoryLocks.storageRecount, async (client) => {
      const { rows } = await client.query<{ id: string }>(dueForRecount);
      if (rows[0]) await this.#recount(client, rows[0].id);
      return rows[0]?.id;
    });
    if (next === undefined) await this.#countFull();
    return next !== undefined;
  }

  /** Corrects the sums of an organisation; nothing while another process recounts. True when they were wrong. */
  async recount(organisationId: string): Promise<boolean> {
    return (
      (await this.#alone(advisoryLocks.storageRecount, (client) => this.#recount(client, organisationId))) ?? false
    );
  }

  async #recount(client: PoolClient, organisationId: string): Promise<boolean> {
    const { rows } = await client.query<{ corrections: number }>(recount, [organisationId]);
    if (rows[0]!.corrections === 0) return false;
    this.metrics.corrected();
    this.#log.warn(
      { organisation: organisationId },
      'The sums of what an organisation stores were wrong; they are corrected',
    );
    return true;
  }

  async #countFull(): Promise<void> {
    const pool = await this.orm.em.getConnection().getNativeClient();
    const { rows } = await pool.query<{ full: number }>(countFull);
    this.metrics.full(rows[0]!.full);
  }

  /** Undefined when another process is at it. */
  async #alone<T>(lock: number, work: (client: PoolClient) => Promise<T>): Promise<T | undefined> {
    const pool = await this.orm.em.getConnection().getNativeClient();
    const client = await pool.connect();
    let fault: Error | undefined;
    try {
      await client.query('begin');
      const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [lock]);
      const result = rows[0]!.taken ? await work(client) : undefined;
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((lost: Error) => (fault = lost));
      throw error;
    } finally {
      client.release(fault);
    }
  }
}
