import { Module } from '@nestjs/common';
import { KvExpiry } from './kv-expiry.ts';
import { KvService } from './kv.service.ts';
import { KvSteps } from './kv-steps.ts';
import { StorageModule } from '../storage/storage.module.ts';

/** Needs the global modules that provide Sealer and WorkerLoops. */
@Module({ imports: [StorageModule], providers: [KvService, KvSteps, KvExpiry], exports: [KvService, KvSteps] })
export class KvModule {}
