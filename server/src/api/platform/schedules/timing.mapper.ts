import type { ScheduleConfig, Timing } from '../../../domain/trigger/trigger-config.ts';
import { fromTime } from '../time.ts';

/** How the contract writes when something runs. */
interface TimingInput {
  readonly cron?: string | null | undefined;
  readonly interval?: string | null | undefined;
  readonly timezone: string;
  readonly starts_at?: string | null | undefined;
  readonly ends_at?: string | null | undefined;
}

/** `at` begins the names of fields in refusals. */
export function toTiming(given: TimingInput, at = ''): Timing {
  const { cron = null, interval = null, timezone, starts_at = null, ends_at = null } = given;
  const startsAt = toMoment(starts_at, `${at}starts_at`);
  return { cron, interval, timezone, startsAt, endsAt: toMoment(ends_at, `${at}ends_at`) };
}

/** A moment as the domain keeps it: RFC 3339 in UTC. */
export function toMoment<Absent extends null | undefined>(time: string | Absent, field: string): string | Absent {
  const moment = fromTime(time, field, 'body');
  return moment instanceof Date ? moment.toISOString() : (moment as Absent);
}

export function toTimingFields(config: Omit<ScheduleConfig, 'kind'>) {
  return {
    cron: config.cron,
    interval: config.interval,
    timezone: config.timezone,
    overlap: config.overlap,
    catch_up_seconds: config.catchUpSeconds,
    starts_at: config.startsAt,
    ends_at: config.endsAt,
  };
}
