import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { bulkJob, execution, SLOW } from '../harness/resources.ts';

// No process here works jobs off, so they wait for as long as a test wants.
const harness = useContractHarness({ settings: { FLOWPACT_ROLE: 'api' } });

const unknown = ['exec_00000000000000000000000000', 'exec_00000000000000000000000001'];

describe('cancelBulkJob', () => {
  test('200: what is left stays as it is and is skipped; repeating it changes nothing', async () => {
    const fp = harness().sdk();
    const untouched = await execution(harness(), SLOW);
    const { id } = await fp.bulkJobs.cancel({ execution_ids: [untouched, ...unknown] });
    const cancelled = await fp.bulkJobs.cancelJob(id);
    expect(cancelled).toMatchObject({
      id,
      status: 'cancelled',
      progress: 0,
      counts: { total: 3, pending: 0, succeeded: 0, failed: 0, skipped: 3 },
      started_at: null,
      completed_at: expect.any(String),
    });
    expect(await fp.bulkJobs.cancelJob(id)).toEqual(cancelled);
    expect(await fp.bulkJobs.get(id)).toEqual(cancelled);
    expect((await fp.executions.get(untouched)).status).not.toBe('cancelled');
    const path = { bulk_job_id: id };
    const { body } = await harness().call('listBulkJobItems', { path, query: { status: 'skipped' } });
    expect(body.data).toHaveLength(3);
    expect(body.data[0]).toMatchObject({ status: 'skipped', error: null, completed_at: null });
  });

  test('409: a job that is completed', async () => {
    const { body } = await harness().call('bulkCancelExecutions', {
      json: { filter: { workflow_id: 'wf_of_nobody' } },
    });
    const path = { bulk_job_id: body.data.id };
    const refused = await harness().refused('cancelBulkJob', { path }, 409, 'bulk_job_already_finished');
    expect(refused.body.error.details).toEqual({ id: body.data.id, status: 'completed' });
    expect((await harness().call('getBulkJob', { path })).body.data).toEqual(body.data);
  });

  test('403: who may only read', async () => {
    const path = { bulk_job_id: await bulkJob(harness()) };
    const { body } = await harness().call('createApiKey', { json: { name: 'Reader', scopes: ['executions:read'] } });
    await harness().refused('cancelBulkJob', { path, apiKey: body.data.secret }, 403, 'insufficient_scope');
  });
});
