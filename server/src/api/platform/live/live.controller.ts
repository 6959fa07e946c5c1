import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { StreamTicketService } from '../../../domain/stream-ticket/stream-ticket.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { toStreamTicket } from './live.mapper.ts';

@Controller()
export class LiveController implements contract.LiveController {
  constructor(private readonly tickets: StreamTicketService) {}

  @contract.CreateStreamTicket()
  async createStreamTicket(
    { body }: contract.CreateStreamTicket.Request,
    @CurrentCaller() caller: Caller,
  ): Promise<contract.CreateStreamTicket.Response> {
    const { execution_id: executionId, after } = body;
    const issued = await this.tickets.issue(caller, { executionId: executionId ?? undefined, after });
    return contract.CreateStreamTicket.respond(200, { data: toStreamTicket(issued) });
  }
}
