import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import type { Caller } from '../caller.ts';
import type { ExecutionStatus } from '../execution/execution.entity.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { resourceLimits } from '../organisation/plan.ts';
import type { StorageQuota } from '../storage/storage-quota.ts';
import { BulkJobItem } from './bulk-job-item.entity.ts';
import { BulkJobWorker } from './bulk-job-worker.ts';
import { BulkJob } from './bulk-job.entity.ts';
import { bulkJobLoop, type BulkFilter, type BulkSelection, BulkJobService } from './bulk-job.service.ts';

let database: TestDatabase;
let caller: Caller;
const loops = new RecordedLoops();
const room = { isFull: false };

const quota = {
  assertRoom: async () => {
    if (room.isFull) throw new Error('no room');
  },
} as unknown as StorageQuota;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  room.isFull = false;
  loops.woken.length = 0;
  caller = await organisation();
});

async function organisation(): Promise<Caller> {
  const organisationId = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'free' });
  await em.flush();
  return { organisationId, apiKeyId: 'key_1', scopes: [] };
}

const jobs = (): BulkJobService => new BulkJobService(database.orm.em.fork(), loops, quota);
const day = 86_400_000;
const noon = Date.parse('2026-11-30T12:00:00Z');

/** Rows of executions that nobody has run, as their ids. */
async function executions(
  status: ExecutionStatus,
  more: { workflowId?: string; at?: number; count?: number } = {},
): Promise<string[]> {
  const { workflowId = newId('wf'), at = noon, count = 1 } = more;
  const ids = Array.from({ length: count }, () => newId('exec'));
  for (const id of ids)
    await database.orm.em.fork().execute(
      `insert into execution (id, organisation_id, workflow_id, workflow_version, definition_hash, status, input, metadata, "trigger",
         started_by_type, started_by_id, created_at)
       values (?, ?, ?, 1, 'x', ?, '{}', '{}', '{}', 'api_key', 'key_1', ?)`,
      [id, caller.organisationId, workflowId, status, new Date(at)],
    );
  return ids;
}

const itemsOf = async ({ id }: BulkJob): Promise<string[]> => {
  const items = await database.orm.em.fork().find(BulkJobItem, { jobId: id }, { orderBy: { position: 'asc' } });
  return items.map(({ executionId }) => executionId);
};

/** What cancelling with the filter selects. */
const selected = async (filter: BulkFilter): Promise<string[]> => itemsOf(await jobs().cancel(caller, { filter }));

describe('what a filter selects', () => {
  test('is what can have it done to it, of this organisation', async () => {
    const states: ExecutionStatus[] = ['pending', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'];
    const ids = new Map<string, ExecutionStatus>();
    for (const status of states) ids.set((await executions(status))[0]!, status);
    const ours = caller;
    caller = await organisation();
    await executions('running');
    caller = ours;
    const statusesOf = async (job: Promise<BulkJob>): Promise<unknown[]> =>
      (await itemsOf(await job)).map((id) => ids.get(id)).sort();
    expect(await statusesOf(jobs().cancel(caller, { filter: {} }))).toEqual([
      'paused',
      'pending',
      'running',
      'waiting',
    ]);
    const some = { filter: { statuses: ['running', 'completed'] } } as const;
    expect(await statusesOf(jobs().cancel(caller, some))).toEqual(['running']);
    const retried = await statusesOf(jobs().retry(caller, { filter: {} }, 'start'));
    expect(retried).toContain('failed');
    expect(retried).not.toContain('running');
  });

  test('is of one workflow, from a time on and before another', async () => {
    const workflowId = newId('wf');
    const [first] = await executions('running', { at: noon, workflowId });
    const [second] = await executions('running', { at: noon + 1_000 });
    expect(await selected({ workflowId })).toEqual([first]);
    expect(await selected({ workflowId: 'x\0' })).toEqual([]);
    expect(await selected({ from: new Date(noon) })).toEqual([first, second]);
    expect(await selected({ from: new Date(noon + 1) })).toEqual([second]);
    expect(await selected({ to: new Date(noon + 1_000) })).toEqual([first]);
    expect(await selected({ to: new Date(noon + 1_001) })).toEqual([first, second]);
  });

  test('is as much as a job takes, and no more', async () => {
    await executions('running', { count: 3 });
    expect(await jobs().cancel(caller, { filter: {} }, 3)).toMatchObject({ total: 3, status: 'pending' });
    const tooMany = { code: 'validation_error', details: { errors: [{ field: 'filter', location: 'body' }] } };
    await expect(jobs().cancel(caller, { filter: {} }, 2)).rejects.toMatchObject(tooMany);
    await executions('failed', { count: 2 });
    await expect(jobs().retry(caller, { filter: {} }, 'start', 1)).rejects.toMatchObject(tooMany);
    expect(await database.orm.em.fork().count(BulkJob, { organisationId: caller.organisationId })).toBe(1);
  });
});

describe('a job', () => {
  test('has each execution that it is given once, in one order, and is worked off from now on', async () => {
    const job = await jobs().cancel(caller, { executionIds: ['exec_b', 'exec_a', 'exec_b'] });
    expect([job.total, await itemsOf(job), loops.woken]).toEqual([2, ['exec_a', 'exec_b'], [bulkJobLoop]]);
    expect(job).toMatchObject({ action: 'cancel', retryFrom: null, startedBy: { type: 'api_key', id: 'key_1' } });
  });

  test('without anything to do has ended', async () => {
    const job = await jobs().cancel(caller, { filter: {} });
    expect(job).toMatchObject({ total: 0, status: 'completed', completedAt: expect.any(Date) });
  });

  test.each<[given: BulkSelection]>([[{}], [{ executionIds: ['exec_a'], filter: {} }]])(
    'of %j is refused: it takes one of both',
    async (given) => {
      const fields = [{ field: 'execution_ids' }, { field: 'filter' }];
      await expect(jobs().cancel(caller, given)).rejects.toMatchObject({ details: { errors: fields } });
    },
  );

  test('that retries needs room, and one that cancels makes some', async () => {
    room.isFull = true;
    const ids = { executionIds: ['exec_a'] };
    await expect(jobs().retry(caller, ids, 'failure')).rejects.toThrow('no room');
    expect((await jobs().cancel(caller, ids)).total).toBe(1);
  });

  test('that was cancelled skips what is left, once, and another organisation cannot', async () => {
    const { id } = await jobs().cancel(caller, { executionIds: ['exec_a', 'exec_b'] });
    const stranger = await organisation();
    await expect(jobs().cancelJob(stranger.organisationId, id)).rejects.toMatchObject({ code: 'resource_not_found' });
    await expect(jobs().items(stranger.organisationId, id, { page: 1, perPage: 9 })).rejects.toMatchObject({
      code: 'resource_not_found',
    });
    const cancelled = await jobs().cancelJob(caller.organisationId, id);
    expect(cancelled).toMatchObject({ status: 'cancelled', skipped: 2, completedAt: expect.any(Date) });
    expect((await jobs().cancelJob(caller.organisationId, id)).completedAt).toEqual(cancelled.completedAt);
    const items = async (statuses?: readonly ('skipped' | 'pending')[]): Promise<number> =>
      (await jobs().items(caller.organisationId, id, { page: 1, perPage: 9, ...(statuses && { statuses }) })).total;
    expect([await items(), await items(['skipped']), await items(['pending'])]).toEqual([2, 2, 0]);
  });

  test('beyond the last of the plan takes the place of the one that has ended first; where all are under way it is refused', async () => {
    const limit = resourceLimits.free.bulk_jobs;
    const { em } = database.orm;
    await em.fork().execute(
      `insert into bulk_job (id, organisation_id, action, status, total, succeeded, failed, skipped, started_by_type, started_by_id, created_at)
       select 'job_' || ? || n, ?, 'cancel', 'pending', 1, 0, 0, 0, 'api_key', 'key_1', now() from generate_series(1, ?) n`,
      [caller.organisationId, caller.organisationId, limit - 1],
    );
    const last = await jobs().cancel(caller, { executionIds: ['exec_a'] });
    const tooMany = { code: 'validation_error', message: 'There are too many bulk jobs.' };
    await expect(jobs().cancel(caller, { executionIds: ['exec_a'] })).rejects.toMatchObject(tooMany);
    await jobs().cancelJob(caller.organisationId, last.id);
    const next = await jobs().cancel(caller, { executionIds: ['exec_b'] });
    await expect(jobs().get(caller.organisationId, last.id)).rejects.toMatchObject({ code: 'resource_not_found' });
    expect([await itemsOf(last), await itemsOf(next)]).toEqual([[], ['exec_b']]);
  });

  test('is kept for 90 days after its end, with its items', async () => {
    const worker = new BulkJobWorker(database.orm, undefined as never, undefined as never);
    const ended = await jobs().cancel(caller, { executionIds: ['exec_a'] });
    const open = await jobs().cancel(caller, { executionIds: ['exec_a'] });
    const { completedAt } = await jobs().cancelJob(caller.organisationId, ended.id);
    const left = async (now: number): Promise<number> => {
      await worker.removeOld(new Date(now));
      return (await jobs().list(caller.organisationId, { perPage: 9 })).page!.total;
    };
    const end = completedAt!.getTime() + 90 * day;
    expect([await left(end), await left(end + 1), await left(end + day)]).toEqual([2, 1, 1]);
    expect([await itemsOf(ended), await itemsOf(open)]).toEqual([[], ['exec_a']]);
  });
});
