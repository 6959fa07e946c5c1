import { Module } from '@nestjs/common';
import { ExecutionModule } from '../../../domain/execution/execution.module.ts';
import { StreamTicketModule } from '../../../domain/stream-ticket/stream-ticket.module.ts';
import { LiveController } from './live.controller.ts';
import { LiveGateway } from './live.gateway.ts';
import { OpenConnectionsModule } from './open-connections.module.ts';

@Module({
  imports: [ExecutionModule, StreamTicketModule, OpenConnectionsModule],
  controllers: [LiveController],
  providers: [LiveGateway],
})
export class LiveApiModule {}
