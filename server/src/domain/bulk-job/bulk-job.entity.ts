import { defineEntity, p } from '@mikro-orm/core';
import type { ExecutionStarter } from '../execution/execution.entity.ts';
import type { RetryFrom } from '../execution/execution.service.ts';
import { newId } from '../id.ts';
import { BulkJobAlreadyFinishedError } from './bulk-job.errors.ts';

export const bulkActions = ['cancel', 'retry'] as const;
export type BulkAction = (typeof bulkActions)[number];

export const bulkJobStatuses = ['pending', 'running', 'completed', 'cancelled'] as const;

const BulkJobSchema = defineEntity({
  name: 'BulkJob',
  tableName: 'bulk_job',
  properties: {
    id: p.text().primary(),
    organisationId: p.text(),
    action: p.enum(bulkActions),
    /** Of a retry: what is run again. */
    retryFrom: p.text().$type<RetryFrom>().nullable(),
    status: p.enum(bulkJobStatuses),
    total: p.integer(),
    succeeded: p.integer(),
    failed: p.integer(),
    /** Left alone because the job was cancelled before their turn. */
    skipped: p.integer().default(0),
    startedByType: p.text().$type<ExecutionStarter['type']>(),
    startedById: p.text(),
    createdAt: p.datetime(3),
    startedAt: p.datetime(3).nullable(),
    completedAt: p.datetime(3).nullable(),
    /** When it had its last turn; jobs take turns, so that a long one keeps none waiting. */
    workedAt: p.datetime(3).nullable(),
  },
  indexes: [
    { properties: ['organisationId', 'createdAt', 'id'], name: 'bulk_job_organisation_created' },
    { properties: ['organisationId', 'workedAt'], name: 'bulk_job_organisation_worked' },
    {
      name: 'bulk_job_turn',
      expression: `create index "bulk_job_turn" on "bulk_job" ("worked_at") where "completed_at" is null`,
    },
  ],
});

/** One thing done to many executions, in the background. */
export class BulkJob extends BulkJobSchema.class {
  static create(given: {
    organisationId: string;
    action: BulkAction;
    retryFrom: RetryFrom | null;
    startedBy: ExecutionStarter;
  }): BulkJob {
    const { startedBy, ...rest } = given;
    return Object.assign(new BulkJob(), {
      ...rest,
      id: newId('job'),
      status: 'pending' as const,
      total: 0,
      succeeded: 0,
      failed: 0,
      skipped: 0,
      startedByType: startedBy.type,
      startedById: startedBy.id,
      createdAt: new Date(),
      startedAt: null,
      completedAt: null,
      workedAt: null,
    });
  }

  get startedBy(): ExecutionStarter {
    return { type: this.startedByType, id: this.startedById };
  }

  /** So many more items are done; with the last one the job is completed. */
  advance(succeeded: number, failed: number, at: Date): void {
    this.startedAt ??= at;
    this.workedAt = at;
    this.succeeded += succeeded;
    this.failed += failed;
    this.status = 'running';
    if (this.succeeded + this.failed < this.total) return;
    this.status = 'completed';
    this.completedAt = at;
  }

  /** What is left is skipped. Repeating it changes nothing; throws BulkJobAlreadyFinishedError when it is completed. */
  cancel(at: Date): void {
    if (this.status === 'cancelled') return;
    if (this.status === 'completed') throw new BulkJobAlreadyFinishedError(this.id, this.status);
    this.status = 'cancelled';
    this.skipped = this.total - this.succeeded - this.failed;
    this.completedAt = at;
  }
}
BulkJobSchema.setClass(BulkJob);
