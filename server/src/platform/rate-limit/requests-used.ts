import type { EntityManager } from '@mikro-orm/postgresql';
import { type PreparedQuery, runPrepared } from '../../domain/prepared-query.ts';

/** Requests of one subject in the windows of now, and when those end. */
export interface RequestsUsed {
  readonly inMinute: number;
  readonly inDay: number;
  readonly minuteEnds: Date;
  readonly dayEnds: Date;
}

interface Row {
  in_minute: number | null;
  in_day: number | null;
  minute_ends: Date;
  day_ends: Date;
}

/** Reads what was counted; counts nothing. */
export async function requestsUsed(em: EntityManager, subject: string): Promise<RequestsUsed> {
  const [row] = await runPrepared<Row>(em, statement, [subject]);
  const { in_minute: inMinute, in_day: inDay, minute_ends: minuteEnds, day_ends: dayEnds } = row!;
  return { inMinute: inMinute ?? 0, inDay: inDay ?? 0, minuteEnds: new Date(minuteEnds), dayEnds: new Date(dayEnds) };
}

const statement: PreparedQuery = {
  name: 'flowpact_requests_used',
  text: `
  select case when minute_start >= minute then minute_count end as in_minute,
    case when day_start >= day then day_count end as in_day,
    minute + interval '1 minute' as minute_ends, day + interval '1 day' as day_ends
  from (select date_trunc('minute', now()) as minute, date_trunc('day', now(), 'UTC') as day) windows
  left join request_count on subject = $1`,
};
