import type { ApiCaller, CallOptions } from '../contract-harness.ts';
import { apiKeys } from './api-keys.ts';
import { approvals } from './approvals.ts';
import { callbacks } from './callbacks.ts';
import { auth } from './auth.ts';
import { credentials } from './credentials.ts';
import { channels } from './channels.ts';
import { bulkJobs } from './bulk-jobs.ts';
import { executions } from './executions.ts';
import { forms } from './forms.ts';
import { groups } from './groups.ts';
import { health } from './health.ts';
import { kv } from './kv.ts';
import { nodes } from './nodes.ts';
import { live } from './live.ts';
import { schedules } from './schedules.ts';
import { secrets } from './secrets.ts';
import type { TagRequests } from './tag-requests.ts';
import { triggers } from './triggers.ts';
import { usage } from './usage.ts';
import { webhooks } from './webhooks.ts';
import { workflows } from './workflows.ts';

/** How to call every operation of the contract, by tag. */
export const tags: readonly TagRequests[] = [
  auth,
  apiKeys,
  workflows,
  nodes,
  executions,
  approvals,
  callbacks,
  bulkJobs,
  channels,
  forms,
  groups,
  schedules,
  triggers,
  webhooks,
  health,
  live,
  secrets,
  credentials,
  kv,
  usage,
];

/** One good request per operation of the contract. */
export async function goodRequests(harness: ApiCaller): Promise<Record<string, CallOptions>> {
  const requests: Record<string, CallOptions> = {};
  for (const tag of tags) Object.assign(requests, await tag.good(harness));
  return requests;
}

export const idempotentRequests = Object.assign({}, ...tags.map((tag) => tag.idempotent)) as NonNullable<
  TagRequests['idempotent']
>;

export const sharedOperations: readonly string[] = tags.flatMap((tag) => tag.shared ?? []);

export const writtenTables: readonly string[] = tags.flatMap((tag) => tag.writes ?? []);

export const surroundings = Object.assign({}, ...tags.map((tag) => tag.around)) as NonNullable<TagRequests['around']>;
