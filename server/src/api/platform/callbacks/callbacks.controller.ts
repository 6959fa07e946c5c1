import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Json } from '../../../domain/domain-error.ts';
import { CallbackService } from '../../../domain/execution/callback.service.ts';

@Controller()
export class CallbacksController implements contract.CallbacksController {
  constructor(private readonly callbacks: CallbackService) {}

  @contract.SendCallback()
  async sendCallback({ path, body = {} }: contract.SendCallback.Request): Promise<contract.SendCallback.Response> {
    const receivedAt = await this.callbacks.receive(path.callback_token, body as Json);
    return contract.SendCallback.respond(200, { data: { received_at: receivedAt.toISOString() } });
  }
}
