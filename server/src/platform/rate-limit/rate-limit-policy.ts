import type { RequestLimits } from '../../domain/api-key/request-limits.ts';
import { requestQuotas, type Plan } from '../../domain/organisation/plan.ts';

/** Whose requests a limit counts. */
export type LimitHolder = 'organisation' | 'api_key' | 'address';

/** Requests that are allowed: in a minute, in a minute within one class of operations, and in a UTC day. */
export interface RateLimitPolicy {
  readonly holder: LimitHolder;
  readonly perMinute: number;
  readonly perMinuteInClass: number;
  readonly perDay: number;
  /** A key with limits of its own, within those of its organisation. */
  readonly key?: { readonly id: string; readonly limits: RequestLimits };
}

/**
 * What the server takes from one organisation, or from one address, whatever the plan, by class (`x-rate-limit` of the
 * contract), a minute.
 */
const classCeilings: Readonly<Record<string, number>> = { general: 1_000, execute: 500, export: 10, submit: 60 };

/** For requests that nobody signed: as many as the best plan has in a day, and a minute's ceiling of the server. */
const addressQuota = { perMinute: 1_000, perDay: 200_000 };

/** For requests with credentials that are refused: a program with an old key is told, and whoever guesses gets nowhere. */
const refusedQuota = { perMinute: 60, perDay: 10_000 };

/** What the plan allows the organisation, and its key. Throws for a class that the contract names and this server does not know. */
export function organisationPolicy(
  plan: Plan,
  rateLimitClass: string,
  key?: { readonly id: string; readonly limits: RequestLimits },
): RateLimitPolicy {
  return { holder: 'organisation', ...requestQuotas[plan], perMinuteInClass: ceilingOf(rateLimitClass), key };
}

/** What one address may ask for without credentials. Throws like `organisationPolicy`. */
export function addressPolicy(rateLimitClass: string): RateLimitPolicy {
  return { holder: 'address', ...addressQuota, perMinuteInClass: ceilingOf(rateLimitClass) };
}

/** How often one address may come with credentials that are refused. */
export function refusedPolicy(): RateLimitPolicy {
  return { holder: 'address', ...refusedQuota, perMinuteInClass: refusedQuota.perMinute };
}

function ceilingOf(rateLimitClass: string): number {
  const ceiling = classCeilings[rateLimitClass];
  if (ceiling === undefined) throw new Error(`The contract names an unknown rate-limit class "${rateLimitClass}".`);
  return ceiling;
}
