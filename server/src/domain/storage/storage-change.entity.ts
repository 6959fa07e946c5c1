import { defineEntity, p } from '@mikro-orm/core';
import { storageColumns } from './storage-kinds.ts';

const StorageChangeSchema = defineEntity({
  name: 'StorageChange',
  tableName: 'storage_change',
  properties: {
    organisationId: p.text().primary(),
    /** From the sequence `storage_change_id`. */
    id: p.bigint('number').primary().autoincrement(false),
    ...storageColumns,
  },
});

/**
 * Bytes that one statement has added or removed, written by the triggers of the tables that are counted, in the transaction
 * of that statement. Many can be written at once, which would have to wait for each other for one row of `StorageUsage`.
 */
export class StorageChange extends StorageChangeSchema.class {}
StorageChangeSchema.setClass(StorageChange);
