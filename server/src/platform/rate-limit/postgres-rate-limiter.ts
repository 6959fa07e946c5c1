import type { RateLimitDecision, RateLimiter, RateLimitRequest } from '#runtime/nest/index.ts';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Plan } from '../../domain/organisation/plan.ts';
import { principalOf } from '../../domain/caller.ts';
import { runPrepared, type PreparedQuery } from '../../domain/prepared-query.ts';
import { clientAddress } from '../auth/client-address.ts';
import type { Principal } from '../auth/principal.ts';
import { Config } from '../config/config.ts';
import { minuteWindow, rateLimitHeaders, type RateLimitUsage } from './rate-limit-headers.ts';
import { rateLimitPolicy, type RateLimitPolicy } from './rate-limit-policy.ts';
import { RequestCount } from './request-count.entity.ts';

interface Counted {
  allowed: boolean;
  minute_count: number;
  class_count: number;
  day_count: number;
  minute_end: number;
  minute_left: number;
  day_left: number;
}

/** A row is worthless when its day is over. */
const keepMs = 2 * 24 * 60 * 60 * 1000;

/**
 * Counts the requests of a key, a user or an address in windows that begin with the minute and the UTC day. All processes
 * count in one row of the database, one statement a request; the row's lock makes them take turns. A refused request is not
 * counted, so that a caller who hammers in one minute does not lose the day.
 */
@Injectable()
export class PostgresRateLimiter implements RateLimiter {
  private readonly enforced: boolean;

  constructor(
    private readonly em: EntityManager,
    config: Config,
  ) {
    this.enforced = config.settings.RATE_LIMITS;
  }

  async consume({ rateLimitClass, principal, context }: RateLimitRequest): Promise<RateLimitDecision> {
    if (rateLimitClass === undefined) return { allowed: true };
    const caller = principal as Principal | undefined;
    if (!caller) return this.consumeFrom(context.request.ip, rateLimitClass);
    return this.consumeBy(principalOf(caller), caller.plan, rateLimitClass);
  }

  /** Counts a request of whoever has this id, within what the plan allows. */
  async consumeBy(id: string, plan: Plan, rateLimitClass: string): Promise<RateLimitDecision> {
    return this.decide(id, rateLimitClass, rateLimitPolicy(plan, rateLimitClass));
  }

  /** Counts a request that nobody signed, also one to a route outside of every contract. */
  async consumeFrom(ip: string, rateLimitClass: string): Promise<RateLimitDecision> {
    return this.decide(`ip:${clientAddress(ip)}`, rateLimitClass, rateLimitPolicy(undefined, rateLimitClass));
  }

  private async decide(subject: string, rateLimitClass: string, policy: RateLimitPolicy): Promise<RateLimitDecision> {
    const counted = await this.count(subject, rateLimitClass, policy);
    const usage = toUsage(counted);
    const headers = rateLimitHeaders(policy, usage);
    if (counted.allowed || !this.enforced) return { allowed: true, headers };
    const details = refusal(policy, usage);
    return { allowed: false, headers, retryAfter: details.retry_after, details };
  }

  /** Removes the counts of past days, and says how many rows that were. */
  async purge(): Promise<number> {
    return this.em.fork().nativeDelete(RequestCount, { dayStart: { $lt: new Date(Date.now() - keepMs) } });
  }

  private async count(subject: string, rateLimitClass: string, policy: RateLimitPolicy): Promise<Counted> {
    const { perMinute, perMinuteInClass, perDay } = policy;
    const values = [subject, rateLimitClass, perMinute, perMinuteInClass, perDay];
    const [row] = await runPrepared<Counted>(this.em, countRequest, values);
    return row!;
  }
}

/**
 * `u` is what was used before this request in the windows of now, `v` whether one more is allowed. A statement that waited
 * for the row's lock may carry an older minute than the row: then the row's is kept.
 */
const countRequest: PreparedQuery = {
  name: 'flowpact_count_request',
  text: `
  insert into request_count as r
    (subject, minute_start, minute_count, class_counts, day_start, day_count, allowed)
  values
    ($1, date_trunc('minute', now()), 1, jsonb_build_object($2::text, 1), date_trunc('day', now(), 'UTC'), 1, true)
  on conflict (subject) do update set
    (minute_start, minute_count, class_counts, day_start, day_count, allowed) = (
      select u.minute_start, u.minute_count + v.one,
             u.class_counts || jsonb_build_object($2::text, coalesce((u.class_counts->>$2)::int, 0) + v.one),
             u.day_start, u.day_count + v.one, v.one = 1
      from (
        select greatest(r.minute_start, excluded.minute_start) as minute_start,
               case when r.minute_start >= excluded.minute_start then r.minute_count else 0 end as minute_count,
               case when r.minute_start >= excluded.minute_start then r.class_counts else '{}' end as class_counts,
               greatest(r.day_start, excluded.day_start) as day_start,
               case when r.day_start >= excluded.day_start then r.day_count else 0 end as day_count
      ) u,
      lateral (
        select (u.minute_count < $3::int and coalesce((u.class_counts->>$2)::int, 0) < $4::int
                and u.day_count < $5::int)::int as one
      ) v
    )
  returning allowed, minute_count, (class_counts->>$2)::int as class_count, day_count,
    (extract(epoch from minute_start) + 60)::float8 as minute_end,
    greatest(1, ceil(extract(epoch from minute_start + interval '1 minute' - clock_timestamp())))::int as minute_left,
    greatest(1, ceil(extract(epoch from day_start + interval '1 day' - clock_timestamp())))::int as day_left`,
};

function toUsage(counted: Counted): RateLimitUsage {
  return {
    minuteCount: counted.minute_count,
    classCount: counted.class_count,
    dayCount: counted.day_count,
    minuteEnd: counted.minute_end,
    minuteLeft: counted.minute_left,
    dayLeft: counted.day_left,
  };
}

function refusal(
  policy: RateLimitPolicy,
  usage: RateLimitUsage,
): { limit: number; window: string; retry_after: number } {
  if (usage.dayCount >= policy.perDay) return { limit: policy.perDay, window: 'day', retry_after: usage.dayLeft };
  return { limit: minuteWindow(policy, usage).limit, window: 'minute', retry_after: usage.minuteLeft };
}
