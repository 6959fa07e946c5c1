import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import { BulkJobService } from '../../../domain/bulk-job/bulk-job.service.ts';
import type { Caller } from '../../../domain/caller.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toCursorPagination } from '../executions/executions.mapper.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toBulkJob, toBulkJobItem, toBulkSelection } from './bulk-jobs.mapper.ts';

@Controller()
export class BulkJobsController implements contract.BulkJobsController {
  constructor(private readonly jobs: BulkJobService) {}

  @contract.BulkCancelExecutions()
  async bulkCancelExecutions(
    { body }: contract.BulkCancelExecutions.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.BulkCancelExecutions.Response> {
    const job = await this.jobs.cancel(caller, toBulkSelection(body));
    return contract.BulkCancelExecutions.respond(
      202,
      { data: toBulkJob(job) },
      { Location: `/v1/bulk-jobs/${job.id}` },
    );
  }

  @contract.BulkRetryExecutions()
  async bulkRetryExecutions(
    { body }: contract.BulkRetryExecutions.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.BulkRetryExecutions.Response> {
    const job = await this.jobs.retry(caller, toBulkSelection(body), body.from ?? 'failure');
    return contract.BulkRetryExecutions.respond(202, { data: toBulkJob(job) }, { Location: `/v1/bulk-jobs/${job.id}` });
  }

  @contract.ListBulkJobs()
  async listBulkJobs(
    { query }: contract.ListBulkJobs.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListBulkJobs.Response> {
    const { page, per_page: perPage, cursor } = query;
    const slice = await this.jobs.list(organisationId, { page, perPage, cursor });
    const pagination = toCursorPagination(slice, perPage);
    return contract.ListBulkJobs.respond(200, { data: slice.items.map(toBulkJob), pagination });
  }

  @contract.GetBulkJob()
  async getBulkJob(
    { path }: contract.GetBulkJob.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetBulkJob.Response> {
    const job = await this.jobs.get(organisationId, path.bulk_job_id);
    return contract.GetBulkJob.respond(200, { data: toBulkJob(job) });
  }

  @contract.CancelBulkJob()
  async cancelBulkJob(
    { path }: contract.CancelBulkJob.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.CancelBulkJob.Response> {
    const job = await this.jobs.cancelJob(organisationId, path.bulk_job_id);
    return contract.CancelBulkJob.respond(200, { data: toBulkJob(job) });
  }

  @contract.ListBulkJobItems()
  async listBulkJobItems(
    { path, query }: contract.ListBulkJobItems.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.ListBulkJobItems.Response> {
    const { status: statuses, page, per_page: perPage } = query;
    const { items, total } = await this.jobs.items(organisationId, path.bulk_job_id, { statuses, page, perPage });
    const pagination = toPagePagination(page, perPage, total);
    return contract.ListBulkJobItems.respond(200, { data: items.map(toBulkJobItem), pagination });
  }
}
