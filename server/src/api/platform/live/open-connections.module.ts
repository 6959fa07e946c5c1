import { Module } from '@nestjs/common';
import { StreamTicketModule } from '../../../domain/stream-ticket/stream-ticket.module.ts';
import { RateLimitModule } from '../../../platform/rate-limit/rate-limit.module.ts';
import { OpenConnections } from './open-connections.ts';

@Module({ imports: [StreamTicketModule, RateLimitModule], providers: [OpenConnections], exports: [OpenConnections] })
export class OpenConnectionsModule {}
