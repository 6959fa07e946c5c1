import { defineEntity, p } from '@mikro-orm/core';

export const bulkItemStatuses = ['pending', 'succeeded', 'failed', 'skipped'] as const;
export type BulkItemStatus = (typeof bulkItemStatuses)[number];

const BulkJobItemSchema = defineEntity({
  name: 'BulkJobItem',
  tableName: 'bulk_job_item',
  properties: {
    jobId: p.text().primary(),
    /** From 1, in the order of execution ids, which is the order in which locks on them are taken everywhere. */
    position: p.integer().primary().autoincrement(false),
    organisationId: p.text(),
    /** As it was asked for; need not exist. */
    executionId: p.text(),
    status: p.enum(bulkItemStatuses),
    /** Of a retry: the execution that was started. */
    newExecutionId: p.text().nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    completedAt: p.datetime(3).nullable(),
  },
  indexes: [{ properties: ['jobId', 'status', 'position'], name: 'bulk_job_item_status' }],
});

/** What became of one execution in a bulk job. */
export class BulkJobItem extends BulkJobItemSchema.class {}
BulkJobItemSchema.setClass(BulkJobItem);
