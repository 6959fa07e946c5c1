import { Module } from '@nestjs/common';
import { NodesModule } from '../nodes/nodes.module.ts';
import { WorkflowService } from './workflow.service.ts';

/** Needs the Sandbox of the platform. */
@Module({ imports: [NodesModule], providers: [WorkflowService], exports: [WorkflowService] })
export class WorkflowModule {}
