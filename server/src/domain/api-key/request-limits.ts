import { type Problem, ValidationFailedError } from '../domain-error.ts';
import { type Plan, requestQuotas } from '../organisation/plan.ts';

/** Requests that one key may make; null where only the plan of its organisation limits it. */
export interface RequestLimits {
  readonly perMinute: number | null;
  readonly perDay: number | null;
}

/** What somebody asks for; what is absent stays as it was. */
export type RequestLimitsChange = { readonly [Window in keyof RequestLimits]?: RequestLimits[Window] | undefined };

/** A key that only the plan limits. */
export const noLimits: RequestLimits = { perMinute: null, perDay: null };

/** Where limits are given: nobody gives more than the plan allows, or than their own key has. */
export interface LimitsGiver {
  readonly plan: Plan;
  readonly own?: RequestLimits | undefined;
}

const windows = [
  { of: 'perMinute', field: 'rate_limits.per_minute', window: 'minute' },
  { of: 'perDay', field: 'rate_limits.per_day', window: 'day' },
] as const;

/**
 * The limits that a key gets. Where it is to have none it gets those of the key that gives them. Throws
 * ValidationFailedError for more than the giver may give.
 */
export function requestLimits(
  change: RequestLimitsChange,
  { plan, own }: LimitsGiver,
  before?: RequestLimits,
): RequestLimits {
  const problems: Problem[] = [];
  const limits: Record<keyof RequestLimits, number | null> = { ...(before ?? noLimits) };
  for (const { of, field, window } of windows) {
    const wanted = change[of];
    if (wanted === undefined && before) continue;
    const most = own?.[of] ?? null;
    limits[of] = wanted ?? most;
    const problem = wanted && tooMuch(wanted, window, requestQuotas[plan][of], most);
    if (problem) problems.push({ field, message: problem, location: 'body' });
  }
  if (problems.length === 0) return limits;
  const all = problems.map(({ field, message }) => `${field} ${message}`).join('; ');
  throw new ValidationFailedError(`The key cannot have these limits: ${all}.`, problems);
}

function tooMuch(wanted: number, window: string, quota: number, own: number | null): string | undefined {
  if (wanted > quota) return `is more than the ${quota} in a ${window} that the plan allows the organisation`;
  if (own !== null && wanted > own) return `is more than the ${own} in a ${window} that your own key has`;
  return undefined;
}
