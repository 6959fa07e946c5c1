import type * as contract from '#generated/platform/index.ts';
import {
  activeApiKeys,
  concurrentExecutions,
  executionBytes,
  executionRetentionDays,
  liveConnections,
  nodeBytes,
  requestQuotas,
  resourceLimits,
  storageQuotas,
} from '../../../domain/organisation/plan.ts';
import type { OrganisationUsage } from '../../../domain/usage/usage.service.ts';
import type { RequestsUsed } from '../../../platform/rate-limit/requests-used.ts';

export function toUsage(usage: OrganisationUsage, requests: RequestsUsed, openConnections: number): contract.Usage {
  const { plan, storage, executions, resources } = usage;
  const { perMinute, perDay } = requestQuotas[plan];
  const limits = resourceLimits[plan];
  const counted = Object.entries(resources).map(([name, used]) => [
    name,
    { used, limit: limits[name as keyof typeof resources] },
  ]);
  return {
    plan,
    storage: {
      used_bytes: Object.values(storage).reduce((sum, bytes) => sum + atLeastNone(bytes), 0),
      limit_bytes: storageQuotas[plan],
      by_kind: Object.fromEntries(
        Object.entries(storage).map(([kind, bytes]) => [kind, atLeastNone(bytes)]),
      ) as contract.StorageByKind,
    },
    requests: {
      minute: { used: requests.inMinute, limit: perMinute, resets_at: requests.minuteEnds.toISOString() },
      day: { used: requests.inDay, limit: perDay, resets_at: requests.dayEnds.toISOString() },
    },
    executions: {
      ...executions,
      concurrency_limit: concurrentExecutions[plan],
      retention_days: executionRetentionDays[plan],
      node_bytes: nodeBytes[plan],
      execution_bytes: executionBytes[plan],
    },
    live_connections: { used: openConnections, limit: liveConnections[plan] },
    api_keys: { used: usage.activeApiKeys, limit: activeApiKeys[plan] },
    resources: Object.fromEntries(counted) as unknown as contract.ResourceUsage,
    versions_per_workflow: limits.workflow_versions,
  };
}

/** Sums that an operator has made wrong may be negative until the next recount. */
function atLeastNone(bytes: number): number {
  return Math.max(0, bytes);
}
