/** What an organisation has booked; it decides how many requests each of its keys and users may make. */
export const plans = ['free', 'starter', 'pro', 'business'] as const;

/** One of `plans`; the cheapest first. */
export type Plan = (typeof plans)[number];

/** Requests that one key or one user may make in a minute and in a day (UTC). */
export interface RequestQuota {
  readonly perMinute: number;
  readonly perDay: number;
}

/** What each plan allows to every single key and user of the organisation. */
export const requestQuotas: Readonly<Record<Plan, RequestQuota>> = {
  free: { perMinute: 60, perDay: 1_000 },
  starter: { perMinute: 120, perDay: 10_000 },
  pro: { perMinute: 300, perDay: 50_000 },
  business: { perMinute: 600, perDay: 200_000 },
};

/** WebSocket connections that the keys and users of an organisation may have open to one server process. */
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
