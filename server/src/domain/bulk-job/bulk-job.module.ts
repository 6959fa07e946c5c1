import { Module } from '@nestjs/common';
import { ExecutionModule } from '../execution/execution.module.ts';
import { WorkerLoops } from '../worker-loops.ts';
import { BulkJobWorker } from './bulk-job-worker.ts';
import { bulkJobLoop, BulkJobService } from './bulk-job.service.ts';
import { StorageModule } from '../storage/storage.module.ts';

const interval = 1_000;
const removalInterval = 600_000;

/** Needs the global WorkerLoops, in which jobs are worked off. */
@Module({
  imports: [StorageModule, ExecutionModule],
  providers: [BulkJobService, BulkJobWorker],
  exports: [BulkJobService],
})
export class BulkJobModule {
  constructor(loops: WorkerLoops, worker: BulkJobWorker) {
    loops.add(bulkJobLoop, { everyMs: interval, isVital: true, run: () => worker.work() });
    loops.add('old bulk jobs', { everyMs: removalInterval, run: () => worker.removeOld() });
  }
}
