import type { RateLimitPolicy } from './rate-limit-policy.ts';

/** How far the windows of one caller are used, after a request was counted. */
export interface RateLimitUsage {
  readonly minuteCount: number;
  readonly classCount: number;
  readonly dayCount: number;
  /** Unix seconds. */
  readonly minuteEnd: number;
  /** Seconds, at least 1. */
  readonly minuteLeft: number;
  readonly dayLeft: number;
}

/** The tighter of the two limits of a minute, and what is left of both. */
export function minuteWindow(policy: RateLimitPolicy, usage: RateLimitUsage): { limit: number; remaining: number } {
  const remaining = Math.min(policy.perMinute - usage.minuteCount, policy.perMinuteInClass - usage.classCount);
  return { limit: Math.min(policy.perMinute, policy.perMinuteInClass), remaining: Math.max(0, remaining) };
}

/**
 * The headers of every response: the `X-RateLimit-*` of the contract, and the fields of the IETF draft "RateLimit header
 * fields for HTTP" (draft-ietf-httpapi-ratelimit-headers-10), with one policy for the minute and one for the day.
 */
export function rateLimitHeaders(policy: RateLimitPolicy, usage: RateLimitUsage): Record<string, string | number> {
  const { limit, remaining } = minuteWindow(policy, usage);
  const remainingDay = Math.max(0, policy.perDay - usage.dayCount);
  return {
    'X-RateLimit-Limit': limit,
    'X-RateLimit-Remaining': remaining,
    'X-RateLimit-Reset': usage.minuteEnd,
    'X-RateLimit-Limit-Day': policy.perDay,
    'X-RateLimit-Remaining-Day': remainingDay,
    'RateLimit-Policy': `"minute";q=${limit};w=60, "day";q=${policy.perDay};w=86400`,
    RateLimit: `"minute";r=${remaining};t=${usage.minuteLeft}, "day";r=${remainingDay};t=${usage.dayLeft}`,
  };
}
