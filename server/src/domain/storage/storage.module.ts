import { Module } from '@nestjs/common';
import { StorageAccounts } from './storage-accounts.ts';
import { StorageQuota } from './storage-quota.ts';

/** Needs the global modules that provide StorageMetrics and WorkerLoops. */
@Module({ providers: [StorageAccounts, StorageQuota], exports: [StorageAccounts, StorageQuota] })
export class StorageModule {}
