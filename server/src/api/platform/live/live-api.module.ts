import { Module } from '@nestjs/common';
import { ExecutionModule } from '../../../domain/execution/execution.module.ts';
import { StreamTicketModule } from '../../../domain/stream-ticket/stream-ticket.module.ts';
import { LiveController } from './live.controller.ts';
import { LiveGateway } from './live.gateway.ts';

@Module({
  imports: [ExecutionModule, StreamTicketModule],
  controllers: [LiveController],
  providers: [LiveGateway],
})
export class LiveApiModule {}
