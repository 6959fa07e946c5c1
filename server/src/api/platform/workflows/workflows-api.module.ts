import { Module } from '@nestjs/common';
import { ExecutionModule } from '../../../domain/execution/execution.module.ts';
import { WorkflowModule } from '../../../domain/workflow/workflow.module.ts';
import { WorkflowsController } from './workflows.controller.ts';

@Module({ imports: [ExecutionModule, WorkflowModule], controllers: [WorkflowsController] })
export class WorkflowsApiModule {}
