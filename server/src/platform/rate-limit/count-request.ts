import type { EntityManager } from '@mikro-orm/postgresql';
import { runPrepared, type PreparedQuery } from '../../domain/prepared-query.ts';
import type { RateLimitUsage } from './rate-limit-headers.ts';
import type { RateLimitPolicy } from './rate-limit-policy.ts';

interface Counted {
  allowed: boolean;
  minute_count: number;
  class_count: number;
  day_count: number;
  key_minute_count?: number;
  key_day_count?: number;
  minute_end: number;
  minute_left: number;
  day_left: number;
}

/** More than anybody asks for: stands for no limit. */
const unlimited = 2_147_483_647;

/** Counts a request of `subject` where the policy allows one more, in one round trip, and says how far all is used then. */
export async function countRequest(
  em: EntityManager,
  subject: string,
  rateLimitClass: string,
  { perMinute, perMinuteInClass, perDay, key }: RateLimitPolicy,
): Promise<RateLimitUsage & { readonly allowed: boolean }> {
  const values = [subject, rateLimitClass, perMinute, perMinuteInClass, perDay];
  const ofKey = key && [key.id, key.limits.perMinute ?? unlimited, key.limits.perDay ?? unlimited];
  const [counted] = ofKey
    ? await runPrepared<Counted>(em, withKey, [...values, ...ofKey])
    : await runPrepared<Counted>(em, withoutKey, values);
  return toUsage(counted!);
}

const withoutKey: PreparedQuery = { name: 'flowpact_count_request', text: statement(false) };
const withKey: PreparedQuery = { name: 'flowpact_count_request_of_key', text: statement(true) };

/**
 * `u` is what was used before this request in the windows of now, `v` whether one more is allowed. A statement that waited
 * for the row's lock may carry an older minute than the row: then the row's is kept. Every request pays for this, so that
 * what keys have used is looked at only where one (`$6`) has limits of its own.
 */
function statement(hasKey: boolean): string {
  const key = (text: string): string => (hasKey ? text : '');
  const keyCount = (count: string): string => (hasKey ? `jsonb_build_object($6::text, ${count})` : `'{}'::jsonb`);
  return `
  insert into request_count as r
    (subject, minute_start, minute_count, class_counts, key_minute_counts, day_start, day_count, key_day_counts, allowed)
  values
    ($1, date_trunc('minute', now()), 1, jsonb_build_object($2::text, 1), ${keyCount('1')},
     date_trunc('day', now(), 'UTC'), 1, ${keyCount('1')}, true)
  on conflict (subject) do update set
    (minute_start, minute_count, class_counts, key_minute_counts, day_start, day_count, key_day_counts, allowed) = (
      select u.minute_start, u.minute_count + v.one,
             u.class_counts || jsonb_build_object($2::text, coalesce((u.class_counts->>$2)::int, 0) + v.one),
             u.key_minute_counts${key(`|| ${keyCount('coalesce((u.key_minute_counts->>$6)::int, 0) + v.one')}`)},
             u.day_start, u.day_count + v.one,
             u.key_day_counts${key(`|| ${keyCount('coalesce((u.key_day_counts->>$6)::int, 0) + v.one')}`)},
             v.one = 1
      from (
        select greatest(r.minute_start, excluded.minute_start) as minute_start,
               case when r.minute_start >= excluded.minute_start then r.minute_count else 0 end as minute_count,
               case when r.minute_start >= excluded.minute_start then r.class_counts else '{}' end as class_counts,
               case when r.minute_start >= excluded.minute_start then r.key_minute_counts else '{}' end as key_minute_counts,
               greatest(r.day_start, excluded.day_start) as day_start,
               case when r.day_start >= excluded.day_start then r.day_count else 0 end as day_count,
               case when r.day_start >= excluded.day_start then r.key_day_counts else '{}' end as key_day_counts
      ) u,
      lateral (
        select (u.minute_count < $3::int and coalesce((u.class_counts->>$2)::int, 0) < $4::int
                and u.day_count < $5::int
                ${key(`and coalesce((u.key_minute_counts->>$6)::int, 0) < $7::int
                and coalesce((u.key_day_counts->>$6)::int, 0) < $8::int`)})::int as one
      ) v
    )
  returning allowed, minute_count, (class_counts->>$2)::int as class_count, day_count,
    ${key(`(key_minute_counts->>$6)::int as key_minute_count, (key_day_counts->>$6)::int as key_day_count,`)}
    (extract(epoch from minute_start) + 60)::float8 as minute_end,
    greatest(1, ceil(extract(epoch from minute_start + interval '1 minute' - clock_timestamp())))::int as minute_left,
    greatest(1, ceil(extract(epoch from day_start + interval '1 day' - clock_timestamp())))::int as day_left`;
}

function toUsage(counted: Counted): RateLimitUsage & { readonly allowed: boolean } {
  return {
    allowed: counted.allowed,
    minuteCount: counted.minute_count,
    classCount: counted.class_count,
    dayCount: counted.day_count,
    keyMinuteCount: counted.key_minute_count ?? 0,
    keyDayCount: counted.key_day_count ?? 0,
    minuteEnd: counted.minute_end,
    minuteLeft: counted.minute_left,
    dayLeft: counted.day_left,
  };
}
