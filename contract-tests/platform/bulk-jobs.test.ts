import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { execution, FAILING, publishedWorkflow, QUICK, SLOW } from '../harness/resources.ts';
import { until } from '../../server/test/until.ts';

const harness = useContractHarness();

interface Job {
  id: string;
  status: string;
  counts: Record<string, number>;
}

function completed(id: string): Promise<Job> {
  return until(async () => {
    const job: Job = await harness().sdk().bulkJobs.get(id);
    return job.status === 'completed' && job;
  });
}

async function startMany(workflow_id: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { body } = await harness().call('executeWorkflow', { path: { workflow_id }, json: { input: { n: 1 } } });
    ids.push(body.data.id);
  }
  return ids.toSorted();
}

describe('bulkCancelExecutions', () => {
  test('202: by ids; what cannot be cancelled is told with its reason', async () => {
    const fp = harness().sdk();
    const running = await execution(harness(), SLOW);
    const ended = await execution(harness(), QUICK);
    const ids = [running, ended, 'exec_00000000000000000000000000'];
    const accepted = await fp.bulkJobs.cancel({ execution_ids: ids });
    expect(accepted).toMatchObject({ action: 'cancel', retry_from: null, started_by: { type: 'api_key' } });
    const job = await completed(accepted.id);
    expect(job).toMatchObject({ progress: 100, counts: { total: 3, pending: 0, succeeded: 1, failed: 2 } });
    expect(await fp.executions.get(running)).toMatchObject({ status: 'cancelled' });
    const path = { bulk_job_id: job.id };
    const failed = await harness().call('listBulkJobItems', { path, query: { status: 'failed' } });
    const codes = failed.body.data.map((item: { execution_id: string; error: { code: string } }) => [
      item.execution_id,
      item.error.code,
    ]);
    expect(codes).toEqual([
      ['exec_00000000000000000000000000', 'resource_not_found'],
      [ended, 'execution_already_finished'],
    ]);
  });

  test('202: by filter, many of one workflow and nothing else', async () => {
    const fp = harness().sdk();
    const other = await execution(harness(), SLOW);
    const workflow_id = await publishedWorkflow(harness(), SLOW);
    const ids = await startMany(workflow_id, 25);
    const { id } = await fp.bulkJobs.cancel({ filter: { workflow_id } });
    expect(await completed(id)).toMatchObject({ counts: { total: 25, succeeded: 25, failed: 0 } });
    const items: string[] = [];
    for await (const item of fp.bulkJobs.listItems(id, { per_page: 10 })) items.push(item.execution_id);
    expect(items).toEqual(ids);
    expect(await fp.executions.get(other)).not.toMatchObject({ status: 'cancelled' });
    await fp.executions.cancel(other);
  });

  test('202: a filter that selects nothing is a job that is done', async () => {
    const job = await harness()
      .sdk()
      .bulkJobs.cancel({ filter: { workflow_id: 'wf_of_nobody' } });
    expect(job).toMatchObject({ status: 'completed', progress: 100, counts: { total: 0 } });
  });

  test('400: neither ids nor filter, both, an empty filter', async () => {
    const refused = (json: unknown) =>
      harness()
        .refused('bulkCancelExecutions', { json }, 400, 'validation_error')
        .then(({ body }) => body.error.details);
    await refused({});
    await refused({ filter: {} });
    const both = await refused({ execution_ids: ['a'], filter: { workflow_id: 'b' } });
    expect(both.errors.map(({ field }: { field: string }) => field)).toEqual(['filter']);
    for (const id of ['\0', '\ud800']) {
      const { errors } = await refused({ execution_ids: ['exec_1', id] });
      expect(errors[0].field).toBe('execution_ids');
    }
  });
});

describe('bulkRetryExecutions', () => {
  test('202: starts a new execution for each that failed; a paused workflow is a reason', async () => {
    const fp = harness().sdk();
    const workflow_id = await publishedWorkflow(harness(), FAILING);
    const [failed] = await startMany(workflow_id, 1);
    await fp.executions.waitForCompletion(failed!);
    const { id } = await fp.bulkJobs.retry({
      filter: { workflow_id, status: ['failed'] },
      from: 'start',
    });
    expect(await completed(id)).toMatchObject({ retry_from: 'start', counts: { total: 1, succeeded: 1 } });
    const items = await harness().call('listBulkJobItems', { path: { bulk_job_id: id } });
    const again = items.body.data[0].new_execution_id as string;
    expect(await fp.executions.waitForCompletion(again)).toMatchObject({ status: 'failed', retry_of: failed });
    await fp.workflows.update(workflow_id, { status: 'paused' });
    const paused = await fp.bulkJobs.retry({ execution_ids: [failed!, again] });
    await completed(paused.id);
    const refused = await harness().call('listBulkJobItems', { path: { bulk_job_id: paused.id } });
    expect(refused.body.data).toEqual(
      [failed, again].toSorted().map((execution_id) => ({
        execution_id,
        status: 'failed',
        new_execution_id: null,
        error: { code: 'workflow_paused', message: expect.any(String) },
        completed_at: expect.any(String),
      })),
    );
  });
});

describe('listBulkJobs', () => {
  test('200: newest first, by page and by cursor', async () => {
    const fp = harness().sdk();
    const walked: string[] = [];
    for await (const { id } of fp.bulkJobs.list({ per_page: 2 })) walked.push(id);
    expect(walked).toEqual(walked.toSorted().toReversed());
    const page = await harness().call('listBulkJobs', { query: { page: 2, per_page: 2 } });
    expect(page.body.data.map(({ id }: { id: string }) => id)).toEqual(walked.slice(2, 4));
  });
});
