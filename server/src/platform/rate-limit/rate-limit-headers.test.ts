import { describe, expect, test } from '@jest/globals';
import { rateLimitHeaders, refusalOf, tightest, type RateLimitUsage, windowsOf } from './rate-limit-headers.ts';
import { addressPolicy, organisationPolicy, type RateLimitPolicy, refusedPolicy } from './rate-limit-policy.ts';

const policy: RateLimitPolicy = { holder: 'organisation', perMinute: 60, perMinuteInClass: 50, perDay: 1_000 };
const usage = (more: Partial<RateLimitUsage> = {}): RateLimitUsage => ({
  minuteCount: 0,
  classCount: 0,
  dayCount: 0,
  keyMinuteCount: 0,
  keyDayCount: 0,
  minuteEnd: 1_800_000_060,
  minuteLeft: 30,
  dayLeft: 3_600,
  ...more,
});
const key = (perMinute: number | null, perDay: number | null) => ({ id: 'key_1', limits: { perMinute, perDay } });

describe('of all limits that which has the least left is told', () => {
  test.each<[given: Partial<RateLimitPolicy>, used: Partial<RateLimitUsage>, minute: unknown[], day: unknown[]]>([
    [{}, {}, ['organisation', 50, 50], ['organisation', 1_000, 1_000]],
    [{}, { minuteCount: 20, classCount: 1 }, ['organisation', 60, 40], ['organisation', 1_000, 1_000]],
    [{}, { minuteCount: 70, dayCount: 1_001 }, ['organisation', 60, 0], ['organisation', 1_000, 0]],
    // Of two that have as much left the smaller one.
    [{}, { minuteCount: 10 }, ['organisation', 50, 50], ['organisation', 1_000, 1_000]],
    [{ key: key(10, null) }, {}, ['api_key', 10, 10], ['organisation', 1_000, 1_000]],
    [{ key: key(null, 10) }, { keyDayCount: 3 }, ['organisation', 50, 50], ['api_key', 10, 7]],
    [{ key: key(10, 10) }, { minuteCount: 55 }, ['organisation', 60, 5], ['api_key', 10, 10]],
    [{ key: key(10, 10) }, { keyMinuteCount: 11, keyDayCount: 10 }, ['api_key', 10, 0], ['api_key', 10, 0]],
  ])('%j with %j used', (given, used, minute, day) => {
    const windows = windowsOf({ ...policy, ...given }, usage(used));
    const told = ({ holder, limit, remaining }: typeof windows.day): unknown[] => [holder, limit, remaining];
    expect([told(windows.minute), told(windows.day)]).toEqual([minute, day]);
    expect([windows.minute.left, windows.day.left, windows.minuteEnd]).toEqual([30, 3_600, 1_800_000_060]);
  });

  test('also of two policies that hold at once', () => {
    const [one, other] = [windowsOf(policy, usage({ minuteCount: 20 })), windowsOf(policy, usage({ dayCount: 20 }))];
    for (const both of [tightest(one, other), tightest(other, one)])
      expect([both.minute.remaining, both.day.remaining, both.minuteEnd]).toEqual([40, 980, 1_800_000_060]);
  });
});

test('the headers tell of both windows', () => {
  expect(rateLimitHeaders(windowsOf(policy, usage({ minuteCount: 20, dayCount: 30 })))).toEqual({
    'X-RateLimit-Limit': 60,
    'X-RateLimit-Remaining': 40,
    'X-RateLimit-Reset': 1_800_000_060,
    'X-RateLimit-Limit-Day': 1_000,
    'X-RateLimit-Remaining-Day': 970,
    'RateLimit-Policy': '"minute";q=60;w=60, "day";q=1000;w=86400',
    RateLimit: '"minute";r=40;t=30, "day";r=970;t=3600',
  });
});

test.each<[used: Partial<RateLimitUsage>, window: string, limit: number, left: number]>([
  [{ minuteCount: 60 }, 'minute', 60, 30],
  [{ dayCount: 1_000 }, 'day', 1_000, 3_600],
  [{ minuteCount: 60, dayCount: 1_000 }, 'day', 1_000, 3_600],
])('with %j used, a refusal tells of the %s', (used, window, limit, left) => {
  expect(refusalOf(windowsOf(policy, usage(used)))).toEqual({
    retryAfter: left,
    message: `The organisation may make ${limit} requests in a ${window}. Try again in ${left} seconds.`,
    details: { limit, window, retry_after: left, applies_to: 'organisation' },
  });
});

test('what the server takes, whatever the plan', () => {
  const ofClass = (name: string): number => organisationPolicy('free', name).perMinuteInClass;
  expect(['general', 'execute', 'export', 'submit'].map(ofClass)).toEqual([1_000, 500, 10, 60]);
  expect(addressPolicy('submit')).toEqual({
    holder: 'address',
    perMinute: 1_000,
    perDay: 200_000,
    perMinuteInClass: 60,
  });
  expect(refusedPolicy()).toEqual({ holder: 'address', perMinute: 60, perDay: 10_000, perMinuteInClass: 60 });
  expect(organisationPolicy('free', 'general')).toMatchObject({ holder: 'organisation', perMinute: 60, perDay: 1_000 });
  expect(() => ofClass('other')).toThrow('"other"');
});
