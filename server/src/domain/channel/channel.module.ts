import { Module } from '@nestjs/common';
import { ExecutionModule } from '../execution/execution.module.ts';
import { WorkflowModule } from '../workflow/workflow.module.ts';
import { ChannelCalls } from './channel-calls.ts';
import { ChannelService } from './channel.service.ts';

@Module({
  imports: [ExecutionModule, WorkflowModule],
  providers: [ChannelService, ChannelCalls],
  exports: [ChannelService, ChannelCalls],
})
export class ChannelModule {}
