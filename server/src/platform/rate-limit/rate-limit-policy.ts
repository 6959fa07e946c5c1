import { requestQuotas, type Plan } from '../../domain/organisation/plan.ts';

/** Requests that are allowed: in a minute, in a minute within one class of operations, and in a UTC day. */
export interface RateLimitPolicy {
  readonly perMinute: number;
  readonly perMinuteInClass: number;
  readonly perDay: number;
}

/** What the server takes from one caller whatever the plan, by class (`x-rate-limit` of the contract), a minute. */
const classCeilings: Readonly<Record<string, number>> = { general: 1_000, execute: 500, export: 10, submit: 60 };

/** For requests that nobody signed: as many as the best plan has in a day, and a minute's ceiling of the server. */
const anonymousQuota = { perMinute: 1_000, perDay: 200_000 };

/** Throws for a class that the contract names and this server does not know. */
export function rateLimitPolicy(plan: Plan | undefined, rateLimitClass: string): RateLimitPolicy {
  const perMinuteInClass = classCeilings[rateLimitClass];
  if (perMinuteInClass === undefined)
    throw new Error(`The contract names an unknown rate-limit class "${rateLimitClass}".`);
  const { perMinute, perDay } = plan ? requestQuotas[plan] : anonymousQuota;
  return { perMinute, perMinuteInClass, perDay };
}
