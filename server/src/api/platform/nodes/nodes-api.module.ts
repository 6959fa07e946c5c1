import { Module } from '@nestjs/common';
import { NodesModule } from '../../../domain/nodes/nodes.module.ts';
import { WorkflowModule } from '../../../domain/workflow/workflow.module.ts';
import { NodesController } from './nodes.controller.ts';

@Module({ imports: [NodesModule, WorkflowModule], controllers: [NodesController] })
export class NodesApiModule {}
