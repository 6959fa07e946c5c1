import type { LimitHolder, RateLimitPolicy } from './rate-limit-policy.ts';

/** How far the windows of one caller are used, after a request was counted. */
export interface RateLimitUsage {
  readonly minuteCount: number;
  readonly classCount: number;
  readonly dayCount: number;
  /** Of the key that has limits of its own; 0 without one. */
  readonly keyMinuteCount: number;
  readonly keyDayCount: number;
  /** Unix seconds. */
  readonly minuteEnd: number;
  /** Seconds, at least 1. */
  readonly minuteLeft: number;
  readonly dayLeft: number;
}

/** One limit, what is left of it, and when it is new again. */
export interface RateLimitWindow {
  readonly holder: LimitHolder;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds. */
  readonly left: number;
}

/** The limits of a minute and of a day that bind a caller. */
export interface RateLimitWindows {
  readonly minute: RateLimitWindow;
  readonly day: RateLimitWindow;
  /** Unix seconds. */
  readonly minuteEnd: number;
}

/** Of the limits of a policy those of which the least is left. */
export function windowsOf(policy: RateLimitPolicy, usage: RateLimitUsage): RateLimitWindows {
  const { holder, perMinute, perMinuteInClass, perDay, key } = policy;
  const ofMinute = { holder, left: usage.minuteLeft };
  const ofDay = { holder, left: usage.dayLeft };
  const minutes = [
    windowOf(ofMinute, perMinute, usage.minuteCount),
    windowOf(ofMinute, perMinuteInClass, usage.classCount),
  ];
  const days = [windowOf(ofDay, perDay, usage.dayCount)];
  const own = { holder: 'api_key' } as const;
  if (key?.limits.perMinute)
    minutes.push(windowOf({ ...ofMinute, ...own }, key.limits.perMinute, usage.keyMinuteCount));
  if (key?.limits.perDay) days.push(windowOf({ ...ofDay, ...own }, key.limits.perDay, usage.keyDayCount));
  return { minute: minutes.reduce(tighter), day: days.reduce(tighter), minuteEnd: usage.minuteEnd };
}

/** Where two policies hold at once. */
export function tightest(one: RateLimitWindows, other: RateLimitWindows): RateLimitWindows {
  return { ...other, minute: tighter(one.minute, other.minute), day: tighter(one.day, other.day) };
}

/**
 * The headers of every response: the `X-RateLimit-*` of the contract, and the fields of the IETF draft "RateLimit header
 * fields for HTTP" (draft-ietf-httpapi-ratelimit-headers-10), with one policy for the minute and one for the day.
 */
export function rateLimitHeaders({ minute, day, minuteEnd }: RateLimitWindows): Record<string, string | number> {
  return {
    'X-RateLimit-Limit': minute.limit,
    'X-RateLimit-Remaining': minute.remaining,
    'X-RateLimit-Reset': minuteEnd,
    'X-RateLimit-Limit-Day': day.limit,
    'X-RateLimit-Remaining-Day': day.remaining,
    'RateLimit-Policy': `"minute";q=${minute.limit};w=60, "day";q=${day.limit};w=86400`,
    RateLimit: `"minute";r=${minute.remaining};t=${minute.left}, "day";r=${day.remaining};t=${day.left}`,
  };
}

/** What a caller is told that has nothing left: the window that is used up, of two the longer one. */
export function refusalOf({ minute, day }: RateLimitWindows): {
  retryAfter: number;
  message: string;
  details: { limit: number; window: string; retry_after: number; applies_to: LimitHolder };
} {
  const [{ holder, limit, left }, window] = day.remaining === 0 ? [day, 'day'] : [minute, 'minute'];
  return {
    retryAfter: left,
    message: `${subjects[holder]} may make ${limit} requests in a ${window}. Try again in ${left} seconds.`,
    details: { limit, window, retry_after: left, applies_to: holder },
  };
}

const subjects: Readonly<Record<LimitHolder, string>> = {
  organisation: 'The organisation',
  api_key: 'This API key',
  address: 'Your address',
};

function windowOf(of: { holder: LimitHolder; left: number }, limit: number, used: number): RateLimitWindow {
  return { ...of, limit, remaining: Math.max(0, limit - used) };
}

function tighter(one: RateLimitWindow, other: RateLimitWindow): RateLimitWindow {
  return (other.remaining - one.remaining || other.limit - one.limit) < 0 ? other : one;
}
