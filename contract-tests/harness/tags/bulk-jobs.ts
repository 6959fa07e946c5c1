import { bulkJob, execution, FAILING, SLOW } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

const none = ['exec_00000000000000000000000000'];

export const bulkJobs: TagRequests = {
  async good(harness) {
    const path = { bulk_job_id: await bulkJob(harness) };
    return {
      bulkCancelExecutions: { json: { execution_ids: none } },
      bulkRetryExecutions: { json: { execution_ids: none } },
      listBulkJobs: {},
      getBulkJob: { path },
      listBulkJobItems: { path },
      cancelBulkJob: { path },
    };
  },
  writes: ['bulk_job', 'bulk_job_item'],
  idempotent: {
    bulkCancelExecutions: async (harness) => ({
      first: { json: { execution_ids: [await execution(harness, SLOW)] } },
      other: { execution_ids: none },
    }),
    bulkRetryExecutions: async (harness) => ({
      first: { json: { execution_ids: [await execution(harness, FAILING)] } },
      other: { execution_ids: none },
    }),
  },
};
