import { defineEntity, p } from '@mikro-orm/core';
import { Organisation } from '../organisation/organisation.entity.ts';
import { storageColumns } from './storage-kinds.ts';

const StorageUsageSchema = defineEntity({
  name: 'StorageUsage',
  tableName: 'storage_usage',
  properties: {
    organisation: () => p.oneToOne(Organisation).primary().deleteRule('cascade').ref(),
    ...storageColumns,
    /** When the sums were last compared with the rows that they are of; null: never. */
    recountedAt: p.datetime(3).nullable(),
  },
});

/** Bytes that an organisation stores; what is in its `StorageChange`s comes on top. */
export class StorageUsage extends StorageUsageSchema.class {}
StorageUsageSchema.setClass(StorageUsage);
