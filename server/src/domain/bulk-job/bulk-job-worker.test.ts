import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../test/app.ts';
import { ExecutionBench, organisationId, startedBy } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { dieAt } from '../../../test/die-at.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { ServerProcess } from '../../../test/server-process.ts';
import { Execution } from '../execution/execution.entity.ts';
import { Logger } from '@nestjs/common';
import { ResourceNotFoundError } from '../domain-error.ts';
import { EngineUnavailableError } from '../execution/execution.errors.ts';
import { BulkJobItem } from './bulk-job-item.entity.ts';
import { BulkJobWorker } from './bulk-job-worker.ts';
import { type BulkSelection, BulkJobService } from './bulk-job.service.ts';
import type { BulkJob } from './bulk-job.entity.ts';
import { until } from '../../../test/until.ts';

const caller = { organisationId, apiKeyId: startedBy.id, scopes: [] };

describe('in one process', () => {
  let bench: ExecutionBench;
  beforeAll(async () => {
    bench = await ExecutionBench.start(testNodeTypes);
  });
  afterAll(() => bench.stop());

  const worker = (control = bench.control, executions = bench.service): BulkJobWorker =>
    new BulkJobWorker(bench.database.orm, control, executions);
  const jobs = (): BulkJobService => new BulkJobService(bench.database.orm.em.fork(), new RecordedLoops(), bench.quota);
  const look = (job: BulkJob): Promise<BulkJob> => jobs().get(organisationId, job.id);

  async function failed(count: number): Promise<string[]> {
    const workflowId = bench.publish(sketch({ a: { type: 'work', params: { fail: 'no' } } }, []));
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push((await bench.beginOf(workflowId)).id);
    for (const id of ids) await bench.ended(id);
    return ids;
  }

  const retriesOf = (ids: string[]): Promise<number> =>
    bench.database.orm.em.fork().count(Execution, { retryOf: { $in: ids } });

  test('two processes at one job retry each execution once', async () => {
    const ids = await failed(35);
    const job = await jobs().retry(caller, { executionIds: ids }, 'start');
    const work = async (): Promise<void> => {
      const mine = worker();
      while ((await look(job)).status !== 'completed') await mine.work();
    };
    await Promise.all([work(), work()]);
    expect(await look(job)).toMatchObject({ total: 35, succeeded: 35, failed: 0 });
    expect(await retriesOf(ids)).toBe(35);
  });

  const lostConnection = (): Error => Object.assign(new Error('terminating connection'), { code: '57P01' });
  test.each([
    [
      'the engine stops',
      (): Error => new EngineUnavailableError('The process stops.'),
      { code: 'service_unavailable' },
    ],
    ['the database goes away', lostConnection, { code: '57P01' }],
  ])('a batch in which %s leaves nothing done, and is done later', async (_, fault, thrown) => {
    const ids = await failed(5);
    const job = await jobs().retry(caller, { executionIds: ids }, 'start');
    let left = 3;
    const stopping = {
      retry: (retry: Parameters<typeof bench.service.retry>[0]) => {
        if (left-- === 0) throw fault();
        return bench.service.retry(retry);
      },
    } as typeof bench.service;
    await expect(worker(bench.control, stopping).work()).rejects.toMatchObject(thrown);
    expect(await look(job)).toMatchObject({ status: 'pending', succeeded: 0, failed: 0 });
    expect(await retriesOf(ids)).toBe(0);
    while (await worker().work());
    expect(await look(job)).toMatchObject({ status: 'completed', succeeded: 5 });
    expect(await retriesOf(ids)).toBe(5);
  });

  test('a process that dies before a batch is written down leaves nothing done, and nothing is done twice', async () => {
    const ids = await failed(3);
    const job = await jobs().retry(caller, { executionIds: ids }, 'start');
    const death = dieAt('bulk-job.treated');
    await expect(worker().work()).rejects.toThrow('Broken off');
    expect(death.reached()).toBe(true);
    expect(await retriesOf(ids)).toBe(0);
    while (await worker().work());
    expect(await look(job)).toMatchObject({ status: 'completed', succeeded: 3 });
    expect(await retriesOf(ids)).toBe(3);
  });

  test('a job that is cancelled in the middle: what was done stays done, the rest is left alone', async () => {
    const ids = await failed(15);
    const job = await jobs().retry(caller, { executionIds: ids }, 'start');
    expect(await worker().work()).toBe(true);
    const cancelled = await jobs().cancelJob(organisationId, job.id);
    expect(cancelled).toMatchObject({ status: 'cancelled', total: 15, succeeded: 10, failed: 0, skipped: 5 });
    while (await worker().work());
    expect(await look(job)).toMatchObject({ status: 'cancelled', succeeded: 10, skipped: 5 });
    expect(await retriesOf(ids)).toBe(10);
    expect(await jobs().cancelJob(organisationId, job.id)).toMatchObject({ completedAt: cancelled.completedAt });
  });

  test('cancelled while it is worked off: each execution is either done or skipped', async () => {
    const ids = await failed(25);
    const job = await jobs().retry(caller, { executionIds: ids }, 'start');
    const work = async (): Promise<void> => {
      while (await worker().work());
    };
    // Where it comes too late, everything is done.
    const cancelling = jobs()
      .cancelJob(organisationId, job.id)
      .catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'bulk_job_already_finished' });
      });
    await Promise.all([work(), cancelling, work()]);
    const { succeeded, skipped, status } = await look(job);
    expect([status, succeeded + skipped]).toEqual([skipped > 0 ? 'cancelled' : 'completed', 25]);
    expect(await retriesOf(ids)).toBe(succeeded);
    const items = await bench.database.orm.em.fork().find(BulkJobItem, { jobId: job.id });
    expect(items.filter((item) => item.status === 'skipped')).toHaveLength(skipped);
    expect(items.filter((item) => item.status === 'succeeded')).toHaveLength(succeeded);
  });

  test('an item whose end cannot be written fails alone, and keeps neither its job nor the others waiting', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const ids = await failed(5);
    const poisoned = ids[2]!;
    const job = await jobs().retry(caller, { executionIds: ids }, 'start');
    const other = await jobs().cancel(caller, { executionIds: ['exec_1'] });
    const faulty = {
      retry: (retry: Parameters<typeof bench.service.retry>[0]) => {
        // PostgreSQL takes no NUL, neither in an error.
        if (retry.executionId === poisoned) throw new ResourceNotFoundError('workflow', '\0');
        return bench.service.retry(retry);
      },
    } as typeof bench.service;
    for (let turns = 0; turns < 4; turns++) await worker(bench.control, faulty).work();
    log.mockRestore();
    expect((await look(other)).status).toBe('completed');
    expect(await look(job)).toMatchObject({ status: 'completed', succeeded: 4, failed: 1 });
    expect(await retriesOf(ids)).toBe(4);
    const item = await bench.database.orm.em
      .fork()
      .findOneOrFail(BulkJobItem, { jobId: job.id, executionId: poisoned });
    expect(item).toMatchObject({ status: 'failed', errorCode: 'internal_error' });
  });

  test('a job whose batches cannot be done now lets the others come first', async () => {
    const ids = await failed(1);
    const job = await jobs().retry(caller, { executionIds: ids }, 'start');
    const other = await jobs().cancel(caller, { executionIds: ['exec_1'] });
    const locked = {
      retry: () => Promise.reject(Object.assign(new Error('A lock is not to be had.'), { code: '55P03' })),
    } as unknown as typeof bench.service;
    await expect(worker(bench.control, locked).work()).rejects.toThrow('A lock');
    await worker(bench.control, locked).work();
    expect([(await look(other)).status, (await look(job)).status]).toEqual(['completed', 'pending']);
    while (await worker().work());
    expect((await look(job)).status).toBe('completed');
  });

  test('what is completed or not ours is not cancelled', async () => {
    const job = await jobs().cancel(caller, { executionIds: ['exec_1'] });
    await expect(jobs().cancelJob('org_other', job.id)).rejects.toMatchObject({ code: 'resource_not_found' });
    while (await worker().work());
    await expect(jobs().cancelJob(organisationId, job.id)).rejects.toMatchObject({ code: 'bulk_job_already_finished' });
  });

  test('jobs take turns, so that a long one keeps none waiting', async () => {
    const selection = (count: number): BulkSelection => ({
      executionIds: Array.from({ length: count }, (_, index) => `exec_${index}`),
    });
    const [long, short] = [await jobs().cancel(caller, selection(30)), await jobs().cancel(caller, selection(5))];
    await worker().work();
    await worker().work();
    expect([(await look(long)).status, (await look(short)).status]).toEqual(['running', 'completed']);
    while (await worker().work());
    expect(await look(long)).toMatchObject({ status: 'completed', failed: 30 });
    const items = await bench.database.orm.em.fork().find(BulkJobItem, { jobId: long.id });
    expect(new Set(items.map(({ errorCode }) => errorCode))).toEqual(new Set(['resource_not_found']));
  });
});

interface Answer {
  id: string;
  counts: Record<string, number>;
}

describe('with worker processes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flowpact-bulk-'));
  const workers: ServerProcess[] = [];
  let api: TestServer;
  beforeAll(async () => {
    api = await startTestServer({ settings: { FLOWPACT_ROLE: 'api' } });
  });
  afterAll(async () => {
    for (const worker of workers) await worker.end();
    await api.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${api.url}/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-api-key': api.admin.apiKey, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return ((await response.json()) as { data: Answer }).data;
  }

  async function startWorker(): Promise<ServerProcess> {
    const worker = new ServerProcess({
      DATABASE_URL: api.database.url,
      FLOWPACT_ROLE: 'worker',
      FLOWPACT_DATA_DIR: folder,
    });
    workers.push(worker);
    await worker.ready();
    return worker;
  }

  async function untilCounts(job: string, enough: (counts: Record<string, number>) => boolean): Promise<void> {
    await until(async () => enough((await ask(`/bulk-jobs/${job}`)).counts), { within: 60_000 });
  }

  test('kill -9 in the middle of a job: another process completes it, and nothing is done twice', async () => {
    const nodes = [{ id: 'nap', type: 'delay', params: { duration: '1h' } }];
    const workflow = await ask('/workflows', { name: 'Nap', definition: { nodes, edges: [] } });
    await ask(`/workflows/${workflow.id}/publish`, {});
    const count = 150;
    for (let i = 0; i < count; i++) await ask(`/workflows/${workflow.id}/execute`, {});
    const job = await ask('/executions/bulk-cancel', { filter: { workflow_id: workflow.id } });
    const first = await startWorker();
    await untilCounts(job.id, ({ succeeded }) => succeeded! > 0);
    first.signal('SIGKILL');
    await first.exited;
    await startWorker();
    await untilCounts(job.id, ({ pending }) => pending === 0);
    expect(await ask(`/bulk-jobs/${job.id}`)).toMatchObject({
      status: 'completed',
      counts: { total: count, succeeded: count, failed: 0 },
    });
    const ends = await api.sql(
      `select count(*)::int as ends, count(distinct execution_id)::int as executions from execution_event
        where type = 'execution:cancelled'`,
    );
    expect(ends).toEqual([{ ends: count, executions: count }]);
  });
});
