import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import type { Caller } from '../../../domain/caller.ts';
import { UsageService } from '../../../domain/usage/usage.service.ts';
import { CurrentCaller } from '../../../platform/auth/current-caller.ts';
import { LiveSlots } from '../../../platform/rate-limit/live-slots.ts';
import { PostgresRateLimiter } from '../../../platform/rate-limit/postgres-rate-limiter.ts';
import { toUsage } from './usage.mapper.ts';

@Controller()
export class UsageController implements contract.UsageController {
  constructor(
    private readonly usage: UsageService,
    private readonly limiter: PostgresRateLimiter,
    private readonly live: LiveSlots,
  ) {}

  @contract.GetUsage()
  async getUsage(
    _: contract.GetUsage.Request,
    @CurrentCaller() { organisationId }: Caller,
  ): Promise<contract.GetUsage.Response> {
    const [usage, requests, liveConnections] = await Promise.all([
      this.usage.of(organisationId),
      this.limiter.usedBy(organisationId),
      this.live.openOf(organisationId),
    ]);
    return contract.GetUsage.respond(200, { data: toUsage(usage, requests, liveConnections) });
  }
}
