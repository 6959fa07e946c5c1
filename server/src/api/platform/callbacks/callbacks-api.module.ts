import { Module } from '@nestjs/common';
import { ExecutionModule } from '../../../domain/execution/execution.module.ts';
import { CallbacksController } from './callbacks.controller.ts';

@Module({ imports: [ExecutionModule], controllers: [CallbacksController] })
export class CallbacksApiModule {}
