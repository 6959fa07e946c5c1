import { Module } from '@nestjs/common';
import { ApiKeyModule } from '../api-key/api-key.module.ts';
import { SessionModule } from '../session/session.module.ts';
import { StreamTicketService } from './stream-ticket.service.ts';

/** Needs what the session module needs. */
@Module({
  imports: [ApiKeyModule, SessionModule],
  providers: [StreamTicketService],
  exports: [StreamTicketService],
})
export class StreamTicketModule {}
