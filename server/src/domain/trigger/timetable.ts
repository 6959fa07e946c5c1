import { Cron } from 'croner';
import type { Problem } from '../domain-error.ts';
import { parseDuration } from '../language/index.ts';
import { isWritable } from '../moment.ts';
import type { Timing } from './trigger-config.ts';

/** Fields of a cron expression: with seconds or without. A `?` would mean the time at which it is read. */
const cronText = /^\s*(@\w+|[^\s?]+(\s+[^\s?]+){4,5})\s*$/;

/** The times at which a schedule runs. */
export class Timetable {
  readonly #next: (after: Date) => Date | null;
  readonly #previous: (before: Date) => Date | null;
  readonly #startsAt: number;
  readonly #endsAt: number;

  /** Of a timing without faults. An interval is counted from `anchor` unless the timing says when it starts. */
  constructor(timing: Timing, anchor: Date) {
    this.#startsAt = timing.startsAt === null ? -Infinity : Date.parse(timing.startsAt);
    this.#endsAt = timing.endsAt === null ? Infinity : Date.parse(timing.endsAt);
    if (timing.cron !== null) {
      const cron = readCron(timing.cron, timing.timezone);
      this.#next = (after) => cron.nextRun(after);
      this.#previous = (before) => cron.previousRuns(1, before)[0] ?? null;
    } else {
      const step = parseDuration(timing.interval!)!;
      const from = timing.startsAt === null ? anchor.getTime() : this.#startsAt;
      this.#next = (after) => new Date(from + Math.max(0, Math.floor((after.getTime() - from) / step) + 1) * step);
      this.#previous = (before) => {
        const count = Math.ceil((before.getTime() - from) / step) - 1;
        return count < 0 ? null : new Date(from + count * step);
      };
    }
  }

  /** The first time later than `moment`; null when there is none. */
  after(moment: Date): Date | null {
    const from = Math.max(moment.getTime(), this.#startsAt - 1);
    const found = isWritable(from) ? this.#next(new Date(from)) : null;
    return found && found.getTime() < this.#endsAt && isWritable(found.getTime()) ? found : null;
  }

  /** The last time that is later than `moment` and not later than `until`; null when there is none. */
  lastWithin(moment: Date, until: Date): Date | null {
    const end = Math.min(until.getTime() + 1, this.#endsAt);
    const found = this.#previous(new Date(end));
    return found && found > moment && found.getTime() >= this.#startsAt ? found : null;
  }

  /** The next `count` times after `moment`, or as many as there are. */
  upcoming(count: number, moment: Date): Date[] {
    const times: Date[] = [];
    for (let next = this.after(moment); next && times.length < count; next = this.after(next)) times.push(next);
    return times;
  }
}

/** Everything that is wrong with a timing, `field` names beginning with `at`. A timing without a time to come is, too. */
export function timingFaults(timing: Timing, at = '', now = new Date()): Problem[] {
  const faults: Problem[] = [];
  const fault = (field: string, message: string): void =>
    void faults.push({ field: `${at}${field}`, message, location: 'body' });
  if (timing.cron === null && timing.interval === null) fault('cron', 'give either cron or interval');
  const cron = timing.cron === null ? undefined : cronFault(timing.cron);
  if (cron !== undefined) fault('cron', cron);
  const interval = timing.interval === null ? undefined : parseDuration(timing.interval);
  if (timing.cron !== null && timing.interval !== null) fault('interval', 'give either cron or interval, and not both');
  else if (timing.interval !== null && !(interval !== undefined && interval >= 1_000))
    fault('interval', 'is not a time span of at least one second and at most 366 days, such as 15m');
  if (!isTimezone(timing.timezone)) fault('timezone', 'is not a time zone of the IANA database, such as Europe/Berlin');
  if (timing.startsAt !== null && timing.endsAt !== null && Date.parse(timing.endsAt) <= Date.parse(timing.startsAt))
    fault('ends_at', 'is not later than starts_at');
  if (faults.length === 0 && !new Timetable(timing, now).after(now))
    fault(timing.cron === null ? 'ends_at' : 'cron', 'leaves no time to come');
  return faults;
}

/** Whether the runtime knows the zone; offsets such as `+02:00` are none. */
export function isTimezone(zone: string): boolean {
  try {
    return /^[A-Za-z]/.test(zone) && Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }));
  } catch {
    return false;
  }
}

/** The moment as clocks in the zone show it, RFC 3339 with the offset. */
export function toLocal(moment: Date, zone: string): string {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'longOffset',
    })
      .formatToParts(moment)
      .map(({ type, value }) => [type, value]),
  );
  const offset = /[+-]\d\d:\d\d/.exec(parts['timeZoneName'] ?? '')?.[0] ?? '+00:00';
  const date = `${parts['year']?.padStart(4, '0')}-${parts['month']}-${parts['day']}`;
  return `${date}T${parts['hour']}:${parts['minute']}:${parts['second']}${offset}`;
}

function cronFault(cron: string): string | undefined {
  if (!cronText.test(cron)) return 'is not a cron expression of five or six fields';
  try {
    readCron(cron, 'UTC');
    return undefined;
  } catch (error) {
    return `is not a cron expression: ${(error as Error).message.replace(/^CronPattern: /, '')}`;
  }
}

/** Fixed times are those without `*` and steps, as in Vixie cron: they run once, also when their local time comes twice or never. */
function readCron(cron: string, timezone: string): Cron {
  return new Cron(cron.trim(), { timezone, paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' });
}
