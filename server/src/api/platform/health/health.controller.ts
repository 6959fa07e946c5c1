import { Controller } from '@nestjs/common';
import * as contract from '#generated/platform/index.ts';
import { HealthService } from '../../../platform/health/health.service.ts';
import { toHealth } from './health.mapper.ts';

@Controller()
export class HealthController implements contract.HealthController {
  constructor(private readonly health: HealthService) {}

  @contract.GetHealth()
  async getHealth(_request: contract.GetHealth.Request): Promise<contract.GetHealth.Response> {
    return contract.GetHealth.respond(200, { data: toHealth(await this.health.check()) });
  }

  @contract.GetLiveness()
  async getLiveness(_request: contract.GetLiveness.Request): Promise<contract.GetLiveness.Response> {
    return contract.GetLiveness.respond(200, { data: { status: 'ok' } });
  }

  @contract.GetReadiness()
  async getReadiness(_request: contract.GetReadiness.Request): Promise<contract.GetReadiness.Response> {
    await this.health.assertReady();
    return contract.GetReadiness.respond(200, { data: { status: 'ok' } });
  }
}
