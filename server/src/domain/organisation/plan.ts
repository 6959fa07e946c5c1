/** What an organisation has booked; it decides how much of everything the organisation may use. */
export const plans = ['free', 'starter', 'pro', 'business'] as const;

/** One of `plans`; the cheapest first. */
export type Plan = (typeof plans)[number];

/** Requests in a minute and in a day (UTC). */
export interface RequestQuota {
  readonly perMinute: number;
  readonly perDay: number;
}

/** What each plan allows to the organisation: to all its keys, users, inbound URLs and channels together. */
export const requestQuotas: Readonly<Record<Plan, RequestQuota>> = {
  free: { perMinute: 60, perDay: 1_000 },
  starter: { perMinute: 120, perDay: 10_000 },
  pro: { perMinute: 300, perDay: 50_000 },
  business: { perMinute: 600, perDay: 200_000 },
};

/** API keys of an organisation that are active at once. */
export const activeApiKeys: Readonly<Record<Plan, number>> = { free: 10, starter: 50, pro: 200, business: 1_000 };

/** WebSockets and event streams that the keys and users of an organisation may have open at once, over all server processes. */
export const liveConnections: Readonly<Record<Plan, number>> = { free: 10, starter: 50, pro: 250, business: 1_000 };

/** Executions of an organisation that are at work at once, over all server processes; the others wait for a place. */
export const concurrentExecutions: Readonly<Record<Plan, number>> = {
  free: 10,
  starter: 50,
  pro: 200,
  business: 1_000,
};

/** Days for which executions are kept after their end. */
export const executionRetentionDays: Readonly<Record<Plan, number>> = { free: 7, starter: 30, pro: 90, business: 365 };

const gibibyte = 1024 ** 3;

/** Bytes that an organisation may store: what is beyond is refused when it is new. */
export const storageQuotas: Readonly<Record<Plan, number>> = {
  free: gibibyte,
  starter: 10 * gibibyte,
  pro: 100 * gibibyte,
  business: 1_024 * gibibyte,
};

/** How far what was begun before may go beyond the quota, as a multiple of it: then executions that are under way end. */
export const storageCeiling = 1.1;

/** What one organisation has of the sandbox of one server process. */
export interface SandboxShare {
  /** Programs of `code` nodes that are under way at once, where there are as many processors; the others wait for a turn. */
  readonly programs: number;
  /** Expressions, checks and YAML that wait for a turn; further ones that a request waits for are refused. */
  readonly waiting: number;
}

/** The sandbox as it is shared among organisations. */
export const sandboxShares: Readonly<Record<Plan, SandboxShare>> = {
  free: { programs: 2, waiting: 50 },
  starter: { programs: 2, waiting: 100 },
  pro: { programs: 4, waiting: 250 },
  business: { programs: 8, waiting: 500 },
};

const MiB = 1_048_576;

/** Bytes of what one node is given, and of what it makes: about as much as their JSON has (see `sizeOf`). */
export const nodeBytes: Readonly<Record<Plan, number>> = {
  free: 2 * MiB,
  starter: 4 * MiB,
  pro: 8 * MiB,
  business: 8 * MiB,
};

/** Bytes that one execution keeps: what its nodes are given and make, in every attempt, and its log lines. */
export const executionBytes: Readonly<Record<Plan, number>> = {
  free: 32 * MiB,
  starter: 64 * MiB,
  pro: 128 * MiB,
  business: 256 * MiB,
};

/** Calls of an organisation to other servers that are under way at once from one server process, mail too; further ones wait. */
export const outgoingCalls: Readonly<Record<Plan, number>> = { free: 10, starter: 25, pro: 50, business: 100 };

/** What organisations have a limited number of. */
export const limitedResources = [
  'workflows',
  'workflow_versions',
  'triggers',
  'forms',
  'channels',
  'bulk_jobs',
  'groups',
  'webhooks',
  'secrets',
  'credentials',
  'kv_entries',
] as const;

/** One of `limitedResources`. */
export type LimitedResource = (typeof limitedResources)[number];

/** The same on every plan. */
const common = { groups: 500, webhooks: 200, secrets: 1_000, credentials: 1_000, kv_entries: 10_000 };

/**
 * How many of each an organisation has at most; triggers count schedules, and versions are those of one workflow. Of
 * versions and bulk jobs the oldest make room, the others are refused.
 */
export const resourceLimits: Readonly<Record<Plan, Readonly<Record<LimitedResource, number>>>> = {
  free: { workflows: 100, workflow_versions: 50, triggers: 100, forms: 50, channels: 20, bulk_jobs: 20, ...common },
  starter: {
    workflows: 500,
    workflow_versions: 100,
    triggers: 500,
    forms: 200,
    channels: 50,
    bulk_jobs: 50,
    ...common,
  },
  pro: {
    workflows: 2_000,
    workflow_versions: 200,
    triggers: 2_000,
    forms: 1_000,
    channels: 200,
    bulk_jobs: 100,
    ...common,
  },
  business: {
    workflows: 10_000,
    workflow_versions: 500,
    triggers: 10_000,
    forms: 5_000,
    channels: 1_000,
    bulk_jobs: 500,
    ...common,
  },
};
