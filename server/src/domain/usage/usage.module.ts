import { Module } from '@nestjs/common';
import { StorageModule } from '../storage/storage.module.ts';
import { UsageService } from './usage.service.ts';

@Module({ imports: [StorageModule], providers: [UsageService], exports: [UsageService] })
export class UsageModule {}
