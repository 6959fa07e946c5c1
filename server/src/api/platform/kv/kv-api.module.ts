import { Module } from '@nestjs/common';
import { KvModule } from '../../../domain/kv/kv.module.ts';
import { KvController } from './kv.controller.ts';

@Module({ imports: [KvModule], controllers: [KvController] })
export class KvApiModule {}
