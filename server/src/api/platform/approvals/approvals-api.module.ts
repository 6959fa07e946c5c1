import { Module } from '@nestjs/common';
import { ExecutionModule } from '../../../domain/execution/execution.module.ts';
import { ApprovalsController } from './approvals.controller.ts';

@Module({ imports: [ExecutionModule], controllers: [ApprovalsController] })
export class ApprovalsApiModule {}
