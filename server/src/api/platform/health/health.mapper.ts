import * as contract from '#generated/platform/index.ts';
import type { Health } from '../../../platform/health/health.service.ts';
import { version } from '../../../platform/health/version.ts';

export function toHealth({ status, uptimeSeconds, components }: Health): contract.Health {
  return {
    status,
    version,
    uptime_seconds: uptimeSeconds,
    components: components.map(({ latencyMs, ...component }) => ({ ...component, latency_ms: latencyMs })),
  };
}
