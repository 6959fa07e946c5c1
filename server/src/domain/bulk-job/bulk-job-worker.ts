import { LockMode } from '@mikro-orm/core';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { DomainError } from '../domain-error.ts';
import { failpoint } from '../failpoints.ts';
import { ExecutionControl } from '../execution/execution-control.ts';
import type { Execution } from '../execution/execution.entity.ts';
import { ExecutionService } from '../execution/execution.service.ts';
import { isPassing } from '../passing-error.ts';
import { BulkJobItem } from './bulk-job-item.entity.ts';
import { BulkJob } from './bulk-job.entity.ts';

/** Items of one transaction: it locks their executions, for which whatever they write meanwhile waits. */
const batchSize = 10;
/** How long a job is kept after its end, in milliseconds: 90 days. */
const keptFor = 90 * 86_400_000;

/** The organisation that was served longest ago is next, and of its jobs the one that was. */
const nextJob = `
select id from bulk_job job where completed_at is null
 order by (select max(worked_at) from bulk_job other where other.organisation_id = job.organisation_id) nulls first,
   worked_at nulls first, id
 limit 1 for update of job skip locked`;

/**
 * Works bulk jobs off, a few items at a time; organisations take turns. Each batch is one transaction with what is done and
 * what is written down about it, so a process that dies leaves no item done and not counted, and none done twice.
 */
@Injectable()
export class BulkJobWorker {
  readonly #log = new Logger(BulkJobWorker.name);

  constructor(
    private readonly orm: MikroORM,
    private readonly control: ExecutionControl,
    private readonly executions: ExecutionService,
  ) {}

  /** One batch of the job whose turn it is; false when there is none that another process is not at. */
  async work(): Promise<boolean> {
    const turn: Turn = { items: [] };
    try {
      return await this.#batch(turn, (em) => this.#next(em), {});
    } catch (error) {
      if (!turn.job) throw error;
      // Others come first now, whatever it is.
      await this.orm.em.fork().nativeUpdate(BulkJob, { id: turn.job.id }, { workedAt: new Date() });
      if (isPassing(error)) throw error;
      this.#log.error(
        { err: error, jobId: turn.job.id },
        'A batch of a bulk job failed; its items are done one by one.',
      );
      for (const item of turn.items) await this.#alone(turn.job.id, item.position);
      return true;
    }
  }

  /** A batch in a transaction, with what is written down about it; `turn` tells how far it came. */
  async #batch(turn: Turn, take: TakeJob, where: { position?: number }): Promise<boolean> {
    const cancelled: Execution[] = [];
    const worked = await this.orm.em.fork().transactional(async (em) => {
      const job = await take(em);
      if (!job) return false;
      turn.job = job;
      const pending = { ...where, jobId: job.id, organisationId: job.organisationId, status: 'pending' as const };
      const items = await em.find(BulkJobItem, pending, { orderBy: { position: 'asc' }, limit: batchSize });
      turn.items = items;
      for (const item of items) cancelled.push(...(await this.#treat(em, job, item)));
      const failed = items.filter(({ status }) => status === 'failed').length;
      failpoint('bulk-job.treated');
      job.advance(items.length - failed, failed, new Date());
      return true;
    });
    this.control.announce(cancelled);
    return worked;
  }

  /** An item that not even its failure can be written down of is one that failed by our fault. */
  async #alone(id: string, position: number): Promise<void> {
    const take: TakeJob = (em) =>
      em.findOne(BulkJob, { id, completedAt: null }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    try {
      await this.#batch({ items: [] }, take, { position });
    } catch (error) {
      if (isPassing(error)) throw error;
      this.#log.error({ err: error, jobId: id, position }, 'An item of a bulk job failed by a fault of the platform.');
      await this.orm.em.fork().transactional(async (em) => {
        const job = await take(em);
        const failed = { status: 'failed' as const, ...ownFault, completedAt: new Date() };
        const item = { jobId: id, position, status: 'pending' as const };
        if (job && (await em.nativeUpdate(BulkJobItem, item, failed)) === 1) job.advance(0, 1, new Date());
      });
    }
  }

  /** Removes jobs that were completed long ago. */
  async removeOld(now = new Date()): Promise<void> {
    const before = new Date(now.getTime() - keptFor);
    await this.orm.em.fork().transactional(async (em) => {
      const jobs = await em.find(BulkJob, { completedAt: { $lt: before } }, { fields: ['id'], limit: 100 });
      const ids = jobs.map(({ id }) => id);
      await em.nativeDelete(BulkJobItem, { jobId: { $in: ids } });
      await em.nativeDelete(BulkJob, { id: { $in: ids } });
    });
  }

  async #next(em: EntityManager): Promise<BulkJob | null> {
    const [next] = await em.execute<{ id: string }[]>(nextJob);
    return next ? em.findOne(BulkJob, { id: next.id }) : null;
  }

  /** A refusal is the item's; what says nothing about the item goes on to the caller. Returns what was cancelled. */
  async #treat(em: EntityManager, job: BulkJob, item: BulkJobItem): Promise<Execution[]> {
    let cancelled: Execution[] = [];
    try {
      await em.transactional(async (inner) => {
        if (job.action === 'cancel') cancelled = await this.#cancel(inner, job, item);
        else item.newExecutionId = await this.#retry(inner, job, item);
      });
      item.status = 'succeeded';
    } catch (error) {
      cancelled = [];
      Object.assign(item, { status: 'failed', newExecutionId: null, ...this.#refusal(error, job) });
    }
    item.completedAt = new Date();
    return cancelled;
  }

  #cancel(em: EntityManager, { organisationId }: BulkJob, { executionId }: BulkJobItem): Promise<Execution[]> {
    return this.control.cancelIn(em, organisationId, executionId);
  }

  async #retry(em: EntityManager, job: BulkJob, { executionId }: BulkJobItem): Promise<string> {
    const { organisationId, startedBy } = job;
    const from = job.retryFrom ?? 'failure';
    return (await this.executions.retry({ organisationId, executionId, startedBy, from, em })).id;
  }

  #refusal(error: unknown, job: BulkJob): ItemError {
    if (isPassing(error)) throw error;
    if (error instanceof DomainError) return { errorCode: error.code, errorMessage: error.message };
    this.#log.error({ err: error, jobId: job.id }, 'An item of a bulk job failed by a fault of the platform.');
    return ownFault;
  }
}

type TakeJob = (em: EntityManager) => Promise<BulkJob | null>;
type ItemError = Pick<BulkJobItem, 'errorCode' | 'errorMessage'>;

interface Turn {
  job?: BulkJob;
  items: readonly BulkJobItem[];
}

const ownFault: ItemError = {
  errorCode: 'internal_error',
  errorMessage: 'It failed for a reason that lies with the platform.',
};
