import { Module } from '@nestjs/common';
import { ExecutionModule } from '../../../domain/execution/execution.module.ts';
import { WorkflowModule } from '../../../domain/workflow/workflow.module.ts';
import { OpenConnectionsModule } from '../live/open-connections.module.ts';
import { ExecutionsController } from './executions.controller.ts';

@Module({ imports: [ExecutionModule, WorkflowModule, OpenConnectionsModule], controllers: [ExecutionsController] })
export class ExecutionsApiModule {}
