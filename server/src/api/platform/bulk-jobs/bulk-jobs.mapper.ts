import type * as contract from '#generated/platform/index.ts';
import type { BulkJobItem } from '../../../domain/bulk-job/bulk-job-item.entity.ts';
import type { BulkJob } from '../../../domain/bulk-job/bulk-job.entity.ts';
import type { BulkSelection } from '../../../domain/bulk-job/bulk-job.service.ts';
import { fromTime, toTime } from '../time.ts';

export function toBulkSelection({
  execution_ids: executionIds,
  filter,
}: contract.BulkCancelRequest | contract.BulkRetryRequest): BulkSelection {
  if (!filter) return { executionIds };
  const { workflow_id: workflowId, status: statuses, from, to } = filter;
  const times = { from: fromTime(from, 'filter.from', 'body'), to: fromTime(to, 'filter.to', 'body') };
  return { executionIds, filter: { workflowId, statuses, ...times } };
}

export function toBulkJob(job: BulkJob): contract.BulkJob {
  const { total, succeeded, failed, skipped } = job;
  const done = succeeded + failed;
  return {
    id: job.id,
    action: job.action,
    retry_from: job.retryFrom ?? null,
    status: job.status,
    progress: total === 0 ? 100 : Math.floor((100 * done) / total),
    counts: { total, pending: total - done - skipped, succeeded, failed, skipped },
    started_by: job.startedBy,
    created_at: job.createdAt.toISOString(),
    started_at: toTime(job.startedAt),
    completed_at: toTime(job.completedAt),
  };
}

export function toBulkJobItem(item: BulkJobItem): contract.BulkJobItem {
  const { errorCode, errorMessage } = item;
  return {
    execution_id: item.executionId,
    status: item.status,
    new_execution_id: item.newExecutionId ?? null,
    error: errorCode ? { code: errorCode, message: errorMessage ?? '' } : null,
    completed_at: toTime(item.completedAt),
  };
}
