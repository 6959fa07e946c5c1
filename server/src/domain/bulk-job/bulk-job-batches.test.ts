import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import type { Caller } from '../caller.ts';
import { ResourceNotFoundError } from '../domain-error.ts';
import type { ExecutionControl } from '../execution/execution-control.ts';
import type { Execution } from '../execution/execution.entity.ts';
import type { ExecutionRetry, ExecutionService } from '../execution/execution.service.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import type { StorageQuota } from '../storage/storage-quota.ts';
import { BulkJobItem } from './bulk-job-item.entity.ts';
import { BulkJobWorker } from './bulk-job-worker.ts';
import { BulkJob } from './bulk-job.entity.ts';
import { BulkJobService } from './bulk-job.service.ts';

let database: TestDatabase;
let caller: Caller;
/** What was cancelled and retried, in order, and what was announced after it. */
let done: string[];
let announced: string[];
let retries: ExecutionRetry[];
let fault: (executionId: string) => unknown;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  [done, announced, retries] = [[], [], []];
  fault = () => undefined;
  await database.orm.em.fork().nativeDelete(BulkJob, {});
  caller = await organisation();
});

async function organisation(): Promise<Caller> {
  const organisationId = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id: organisationId, name: 'Acme', plan: 'free' });
  await em.flush();
  return { organisationId, apiKeyId: 'key_1', scopes: [] };
}

function treat(executionId: string): void {
  const error = fault(executionId);
  if (error !== undefined) throw error;
  done.push(executionId);
}

const control = {
  cancelIn: async (_: EntityManager, __: string, id: string) => {
    treat(id);
    return [{ id }, { id: `${id} called` }] as Execution[];
  },
  announce: (executions: readonly Execution[]) => announced.push(...executions.map(({ id }) => id)),
} as unknown as ExecutionControl;
const executions = {
  retry: async (retry: ExecutionRetry) => {
    treat(retry.executionId);
    retries.push(retry);
    return { id: `${retry.executionId} again` } as Execution;
  },
} as unknown as ExecutionService;

const worker = (): BulkJobWorker => new BulkJobWorker(database.orm, control, executions);
const quota = { assertRoom: async () => undefined } as unknown as StorageQuota;
const jobs = (): BulkJobService => new BulkJobService(database.orm.em.fork(), new RecordedLoops(), quota);
const ids = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `exec_${String(at).padStart(2, '0')}`);
const cancelled = (count: number, by = caller): Promise<BulkJob> => jobs().cancel(by, { executionIds: ids(count) });
const look = ({ id, organisationId }: BulkJob): Promise<BulkJob> => jobs().get(organisationId, id);
const itemsOf = async ({ id, organisationId }: BulkJob): Promise<readonly BulkJobItem[]> =>
  (await jobs().items(organisationId, id, { page: 1, perPage: 100 })).items;

test('a batch has ten items, in order; what it has cancelled is announced', async () => {
  const job = await cancelled(11);
  expect([await worker().work(), done]).toEqual([true, ids(10)]);
  expect(await look(job)).toMatchObject({ status: 'running', succeeded: 10, completedAt: null });
  expect(announced).toEqual(ids(10).flatMap((id) => [id, `${id} called`]));
  expect([await worker().work(), await worker().work()]).toEqual([true, false]);
  expect(await look(job)).toMatchObject({ status: 'completed', succeeded: 11, completedAt: expect.any(Date) });
  expect(done).toEqual(ids(11));
  for (const item of await itemsOf(job))
    expect(item).toMatchObject({
      status: 'succeeded',
      newExecutionId: null,
      errorCode: null,
      completedAt: expect.any(Date),
    });
});

test('a retry is by whoever began the job, from where they said', async () => {
  const job = await jobs().retry(caller, { executionIds: ids(1) }, 'start');
  await worker().work();
  const { organisationId } = caller;
  const startedBy = { type: 'api_key', id: 'key_1' };
  expect(retries).toEqual([
    { organisationId, executionId: 'exec_00', startedBy, from: 'start', em: expect.anything() },
  ]);
  expect((await itemsOf(job))[0]).toMatchObject({ status: 'succeeded', newExecutionId: 'exec_00 again' });
  expect(announced).toEqual([]);
  const old = await jobs().retry(caller, { executionIds: ids(1) }, 'start');
  await database.orm.em.fork().nativeUpdate(BulkJob, { id: old.id }, { retryFrom: null });
  await worker().work();
  expect(retries[1]).toMatchObject({ from: 'failure' });
});

describe('an item', () => {
  test('that is refused fails alone, with its reason, and announces nothing', async () => {
    const job = await cancelled(3);
    fault = (id) => (id === 'exec_01' ? new ResourceNotFoundError('execution', id) : undefined);
    await worker().work();
    expect(await look(job)).toMatchObject({ status: 'completed', succeeded: 2, failed: 1 });
    expect((await itemsOf(job)).map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['succeeded', null],
      ['failed', 'resource_not_found'],
      ['succeeded', null],
    ]);
    expect(announced).toHaveLength(4);
    expect((await itemsOf(job))[1]).toMatchObject({ newExecutionId: null, completedAt: expect.any(Date) });
  });

  test('that fails by a fault of the platform says so, without what only we may know', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const job = await cancelled(2);
    fault = (id) => (id === 'exec_00' ? new TypeError('x is not a function') : undefined);
    await worker().work();
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
    const message = 'It failed for a reason that lies with the platform.';
    expect((await itemsOf(job))[0]).toMatchObject({ errorCode: 'internal_error', errorMessage: message });
    expect(done).toEqual(['exec_01']);
  });

  test('at which the database goes away is left with the others to a later turn, after the jobs of others', async () => {
    const job = await cancelled(2);
    const lost = Object.assign(new Error('terminating connection'), { code: '57P01' });
    fault = (id) => (id === 'exec_01' ? lost : undefined);
    await expect(worker().work()).rejects.toBe(lost);
    expect((await itemsOf(job)).map(({ status }) => status)).toEqual(['pending', 'pending']);
    expect(announced).toEqual([]);
    expect(await look(job)).toMatchObject({ status: 'pending', startedAt: null, workedAt: expect.any(Date) });
  });
});

test('organisations take turns, and of one the job that had its turn longest ago comes first', async () => {
  const other = await organisation();
  const [first, second] = [await cancelled(30), await cancelled(30)];
  const theirs = await cancelled(30, other);
  const progress = async (): Promise<number[]> =>
    (await Promise.all([first, second, theirs].map(look))).map(({ succeeded }) => succeeded / 10);
  for (let turn = 0; turn < 4; turn++) await worker().work();
  expect(await progress()).toEqual([1, 1, 2]);
});

test('what is no job, or of another organisation, is not there', async () => {
  const job = await cancelled(1);
  const stranger = await organisation();
  const missing = { code: 'resource_not_found', details: { resource: 'bulk_job' } };
  for (const [organisationId, id] of [
    [stranger.organisationId, job.id],
    [caller.organisationId, 'x\0'],
  ] as const) {
    await expect(jobs().get(organisationId, id)).rejects.toMatchObject(missing);
    await expect(jobs().cancelJob(organisationId, id)).rejects.toMatchObject(missing);
  }
});

test('a job that was looked at before is cancelled as it is now', async () => {
  const job = await cancelled(1);
  const own = jobs();
  const workedAt = async (at: Date | null): Promise<unknown> => {
    await database.orm.em.fork().nativeUpdate(BulkJob, { id: job.id }, { workedAt: at });
    return (await own.get(caller.organisationId, job.id)).workedAt;
  };
  expect([await workedAt(new Date(0)), await workedAt(null)]).toEqual([new Date(0), null]);
  await worker().work();
  await expect(own.cancelJob(caller.organisationId, job.id)).rejects.toMatchObject({
    code: 'bulk_job_already_finished',
  });
});

test('jobs are listed newest first, in slices, and their items in order, in pages', async () => {
  const made = [await cancelled(1), await cancelled(2), await cancelled(3)];
  const list = async (query: object) => {
    const { items, nextCursor, page } = await jobs().list(caller.organisationId, { perPage: 2, ...query });
    return { totals: items.map(({ total }) => total), nextCursor, page };
  };
  const first = await list({});
  expect(first).toMatchObject({ totals: [3, 2], page: { number: 1, total: 3 } });
  expect(await list({ cursor: first.nextCursor })).toEqual({ totals: [1], nextCursor: null, page: undefined });
  expect(await list({ page: 2 })).toMatchObject({ totals: [1], nextCursor: null });
  await expect(list({ page: 1, cursor: first.nextCursor })).rejects.toMatchObject({ code: 'validation_error' });
  const { items, total } = await jobs().items(caller.organisationId, made[2]!.id, { page: 2, perPage: 2 });
  expect([items.map(({ executionId }) => executionId), total]).toEqual([['exec_02'], 3]);
});
