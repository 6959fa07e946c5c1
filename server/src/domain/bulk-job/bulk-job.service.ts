import { type FilterQuery, LockMode } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../caller.ts';
import { ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import type { ExecutionStatus } from '../execution/execution.entity.ts';
import { retryableStatuses, type RetryFrom, starterOf } from '../execution/execution.service.ts';
import { olderThan, positionOf, type Slice, type SliceRequest, toSlice } from '../slice.ts';
import { checkStorable } from '../storable.ts';
import { isId } from '../id.ts';
import { resourceLimits } from '../organisation/plan.ts';
import { takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { StorageQuota } from '../storage/storage-quota.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { type BulkItemStatus, BulkJobItem } from './bulk-job-item.entity.ts';
import { type BulkAction, BulkJob } from './bulk-job.entity.ts';

/** Which executions: these, or all that satisfy what is given. */
export interface BulkSelection {
  readonly executionIds?: readonly string[];
  readonly filter?: BulkFilter;
}

export interface BulkFilter {
  readonly workflowId?: string;
  readonly statuses?: readonly ExecutionStatus[];
  /** Accepted then or later. */
  readonly from?: Date;
  /** Accepted before. */
  readonly to?: Date;
}

/** Name of the loop that works jobs off. */
export const bulkJobLoop = 'bulk-jobs';
/** Executions of one job at most. */
const maxItems = 100_000;
/** States in which an execution can have it done to it. */
const statusesOf: Record<BulkAction, readonly ExecutionStatus[]> = {
  cancel: ['pending', 'running', 'waiting', 'paused'],
  retry: retryableStatuses,
};

/** Things done to many executions of an organisation. Another organisation's id is a ResourceNotFoundError. */
@Injectable()
export class BulkJobService {
  constructor(
    private readonly em: EntityManager,
    private readonly loops: WorkerLoops,
    private readonly quota: StorageQuota,
  ) {}

  cancel(caller: Caller, selection: BulkSelection, limit = maxItems): Promise<BulkJob> {
    return this.#create(caller, 'cancel', selection, null, limit);
  }

  retry(caller: Caller, selection: BulkSelection, from: RetryFrom, limit = maxItems): Promise<BulkJob> {
    return this.#create(caller, 'retry', selection, from, limit);
  }

  /**
   * Ends the job: what its worker is at is done first, and the items left are skipped. Nothing when it is cancelled
   * already. Throws ResourceNotFoundError, and BulkJobAlreadyFinishedError when it is completed.
   */
  async cancelJob(organisationId: string, id: string): Promise<BulkJob> {
    return this.em.transactional(async (em) => {
      // The worker holds the row while it is at a batch, so that no item is both skipped and done.
      const job = await find(em, organisationId, id, LockMode.PESSIMISTIC_WRITE);
      job.cancel(new Date());
      await em.nativeUpdate(BulkJobItem, { jobId: id, organisationId, status: 'pending' }, { status: 'skipped' });
      return job;
    });
  }

  /** Newest first. Throws ValidationFailedError for a cursor that is none. */
  async list(organisationId: string, request: SliceRequest): Promise<Slice<BulkJob>> {
    const { page = 1, perPage } = request;
    const position = positionOf(request);
    const where: FilterQuery<BulkJob> = { organisationId };
    const found = await this.em.find(BulkJob, position ? { $and: [where, olderThan(position)] } : where, {
      orderBy: { createdAt: 'desc', id: 'desc' },
      limit: perPage + 1,
      offset: position ? 0 : (page - 1) * perPage,
    });
    return toSlice(found, request, position ? undefined : await this.em.count(BulkJob, where));
  }

  async get(organisationId: string, id: string): Promise<BulkJob> {
    return find(this.em, organisationId, id);
  }

  /** In the order in which they are worked off. */
  async items(
    organisationId: string,
    id: string,
    query: PageRequest & { readonly statuses?: readonly BulkItemStatus[] },
  ): Promise<Page<BulkJobItem>> {
    const job = await this.get(organisationId, id);
    const { statuses } = query;
    const where = { jobId: job.id, organisationId, ...(statuses && { status: { $in: [...statuses] } }) };
    const [items, total] = await this.em.findAndCount(BulkJobItem, where, {
      orderBy: { position: 'asc' },
      ...rangeOf(query),
    });
    return { items, total };
  }

  /**
   * What a filter selects is decided now. Throws ValidationFailedError unless either ids or a filter are given, when too many
   * jobs are under way, and for
   * more executions than a job takes; StorageQuotaExceededError for a retry.
   */
  async #create(
    caller: Caller,
    action: BulkAction,
    { executionIds, filter }: BulkSelection,
    retryFrom: RetryFrom | null,
    limit: number,
  ): Promise<BulkJob> {
    if ((executionIds === undefined) === (filter === undefined))
      throw refused(['execution_ids', 'filter'], 'give one of execution_ids and filter');
    checkStorable('execution_ids', executionIds ?? null);
    const { organisationId } = caller;
    const job = await this.em.transactional(async (em) => {
      // Cancelling makes room before long.
      if (action === 'retry') await this.quota.assertRoom(organisationId, em);
      await makeRoom(em, organisationId);
      const created = BulkJob.create({ organisationId, action, retryFrom, startedBy: starterOf(caller) });
      created.total = executionIds
        ? await addGiven(em, created, executionIds)
        : await addFiltered(em, created, { ...filter!, possible: statusesOf[action], limit });
      if (created.total > limit)
        throw refused([executionIds ? 'execution_ids' : 'filter'], `selects more than ${limit} executions`);
      if (created.total === 0) created.advance(0, 0, new Date());
      em.persist(created);
      return created;
    });
    this.loops.wake(bulkJobLoop);
    return job;
  }
}

async function find(
  em: EntityManager,
  organisationId: string,
  id: string,
  lockMode?: LockMode.PESSIMISTIC_WRITE,
): Promise<BulkJob> {
  const options = { refresh: true, ...(lockMode && { lockMode }) };
  const job = isId('job', id) && (await em.findOne(BulkJob, { id, organisationId }, options));
  if (!job) throw new ResourceNotFoundError('bulk_job', id);
  return job;
}

const insertItems = `insert into bulk_job_item (job_id, position, organisation_id, execution_id, status)`;

async function addGiven(em: EntityManager, job: BulkJob, executionIds: readonly string[]): Promise<number> {
  const ids = [...new Set(executionIds)].sort();
  await em.execute(
    `${insertItems} select ?, place, ?, id, 'pending' from jsonb_array_elements_text(?::jsonb) with ordinality given(id, place)`,
    [job.id, job.organisationId, JSON.stringify(ids)],
  );
  return ids.length;
}

interface Bounds {
  readonly possible: readonly ExecutionStatus[];
  readonly limit: number;
}

async function addFiltered(
  em: EntityManager,
  job: BulkJob,
  { workflowId, statuses, from, to, possible, limit }: BulkFilter & Bounds,
): Promise<number> {
  if (workflowId !== undefined && !isId('wf', workflowId)) return 0;
  const wanted = possible.filter((status) => !statuses || statuses.includes(status));
  const conditions: [string, unknown][] = [['organisation_id = ?', job.organisationId]];
  conditions.push(['status = any(?)', `{${wanted.join(',')}}`]);
  if (workflowId !== undefined) conditions.push(['workflow_id = ?', workflowId]);
  if (from) conditions.push(['created_at >= ?', from]);
  if (to) conditions.push(['created_at < ?', to]);
  const [row] = await em.execute<{ count: number }[]>(
    `with added as (
       ${insertItems}
       select ?, row_number() over (order by id), organisation_id, id, 'pending' from (
         select id, organisation_id from execution where ${conditions.map(([sql]) => sql).join(' and ')}
          limit ${limit + 1}
       ) selected
       returning 1
     ) select count(*)::int as count from added`,
    [job.id, ...conditions.map(([, value]) => value)],
  );
  return row!.count;
}

function refused(fields: readonly string[], message: string): ValidationFailedError {
  return new ValidationFailedError(
    `The selection is not valid: ${message}.`,
    fields.map((field) => ({ field, message, location: 'body' as const })),
  );
}

/** The oldest job that has ended makes room. Throws ValidationFailedError when there is none. */
async function makeRoom(em: EntityManager, organisationId: string): Promise<void> {
  const limit = resourceLimits[await takeTurns(em, organisationId)].bulk_jobs;
  const count = await em.count(BulkJob, { organisationId });
  if (count < limit) return;
  const ended = await em.find(
    BulkJob,
    { organisationId, completedAt: { $ne: null } },
    { fields: ['id'], orderBy: { completedAt: 'asc', id: 'asc' }, limit: count - limit + 1 },
  );
  const ids = ended.map(({ id }) => id);
  await em.nativeDelete(BulkJobItem, { jobId: { $in: ids } });
  await em.nativeDelete(BulkJob, { id: { $in: ids } });
  if (count - ids.length < limit) return;
  const message = `an organisation has at most ${limit} bulk jobs on its plan; wait until one has ended, or cancel one`;
  throw new ValidationFailedError('There are too many bulk jobs.', [{ field: '', message, location: 'body' }]);
}
