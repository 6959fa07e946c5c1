import { expect, test } from '@jest/globals';
import { CountsOfProcess } from './counts-of-process.ts';
import { organisationPolicy } from './rate-limit-policy.ts';

const at = Date.parse('2026-11-29T12:00:10Z');

test('a minute allows what the policy says, of a class and in all, and the next begins anew', () => {
  const counts = new CountsOfProcess();
  const policy = { ...organisationPolicy('free', 'general'), perMinute: 3, perMinuteInClass: 2 };
  const allowed = (rateLimitClass: string, now = at): boolean =>
    counts.count('org', rateLimitClass, policy, now).allowed;
  expect([allowed('general'), allowed('general'), allowed('general')]).toEqual([true, true, false]);
  expect([allowed('execute'), allowed('execute')]).toEqual([true, false]);
  expect(counts.count('org', 'general', policy, at)).toMatchObject({ minuteCount: 3, classCount: 2, minuteLeft: 50 });
  expect(counts.count('other', 'general', policy, at).allowed).toBe(true);
  expect(allowed('general', at + 60_000)).toBe(true);
});
