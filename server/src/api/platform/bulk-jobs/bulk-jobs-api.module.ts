import { Module } from '@nestjs/common';
import { BulkJobModule } from '../../../domain/bulk-job/bulk-job.module.ts';
import { BulkJobsController } from './bulk-jobs.controller.ts';

@Module({ imports: [BulkJobModule], controllers: [BulkJobsController] })
export class BulkJobsApiModule {}
