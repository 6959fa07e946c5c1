import { LockMode } from '@mikro-orm/core';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { DomainError } from '../domain-error.ts';
import { failpoint } from '../failpoints.ts';
import { ExecutionControl } from '../execution/execution-control.ts';
import type { Execution } from '../execution/execution.entity.ts';
import { EngineUnavailableError } from '../execution/execution.errors.ts';
import { ExecutionService } from '../execution/execution.service.ts';
import { isPassing } from '../passing-error.ts';
import { BulkJobItem } from './bulk-job-item.entity.ts';
import { BulkJob } from './bulk-job.entity.ts';

/** Items of one transaction: it locks their executions, for which whatever they write meanwhile waits. */
const batchSize = 10;
/** How long a job is kept after its end, in milliseconds: 90 days. */
const keptFor = 90 * 86_400_000;

/**
 * Works bulk jobs off, a few items at a time. Each batch is one transaction with what is done and what is written down
 * about it, so a process that dies leaves no item done and not counted, and none done twice.
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
    const cancelled: Execution[] = [];
    const worked = await this.orm.em.fork().transactional(async (em) => {
      const job = await this.#next(em);
      if (!job) return false;
      const pending = { jobId: job.id, organisationId: job.organisationId, status: 'pending' as const };
      const items = await em.find(BulkJobItem, pending, { orderBy: { position: 'asc' }, limit: batchSize });
      for (const item of items) cancelled.push(...(await this.#treat(em, job, item)));
      const failed = items.filter(({ status }) => status === 'failed').length;
      failpoint('bulk-job.treated');
      job.advance(items.length - failed, failed, new Date());
      return true;
    });
    this.control.announce(cancelled);
    return worked;
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

  #next(em: EntityManager): Promise<BulkJob | null> {
    return em.findOne(
      BulkJob,
      { completedAt: null },
      { orderBy: [{ workedAt: 'asc nulls first' }, { id: 'asc' }], lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
    );
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
      const { code, message } = this.#refusal(error, job);
      Object.assign(item, { status: 'failed', newExecutionId: null, errorCode: code, errorMessage: message });
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

  #refusal(error: unknown, job: BulkJob): { code: string; message: string } {
    if (error instanceof EngineUnavailableError) throw error;
    if (error instanceof DomainError) return error;
    if (isPassing(error)) throw error;
    this.#log.error({ err: error, jobId: job.id }, 'An item of a bulk job failed by a fault of the platform.');
    return { code: 'internal_error', message: 'It failed for a reason that lies with the platform.' };
  }
}
