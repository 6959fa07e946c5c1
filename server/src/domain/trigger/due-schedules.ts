import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Injectable, Logger } from '@nestjs/common';
import { DomainError } from '../domain-error.ts';
import { failpoint } from '../failpoints.ts';
import { newId } from '../id.ts';
import { isPassing } from '../passing-error.ts';
import { ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import type { Schedule } from './schedule.service.ts';
import { inTurn } from '../tenancy/event-loop-turns.ts';
import { type DueOrganisation, DueOrganisations, Ring } from '../tenancy/due-organisations.ts';
import { TriggerFiring } from './trigger-firing.ts';
import { type Refusal, toLastRefusal, Trigger } from './trigger.entity.ts';

/** How many schedules are dealt with at a time. */
const lanes = 4;
/** Schedules of a round; then it is looked anew whose are due. */
const perRound = 100;
/** Times of one schedule that are dealt with in one transaction. */
const maxTimes = 50;
/** Days for which the record of a time is kept, and how many records of one schedule. */
const keepDays = 30;
const keepRecords = 5_000;
/** Records removed in one statement. */
const removedAtOnce = 5_000;

/** What people read where we failed; the log of the server says more. */
const ownFault: Refusal = {
  code: 'internal_error',
  message: 'It could not be started for a reason that lies with the platform.',
};
const unreadable: Refusal = {
  code: 'internal_error',
  message: 'The schedule cannot be planned, for a reason that lies with the platform. Change its time to plan it anew.',
};

const ended = `('completed', 'failed', 'cancelled')`;

/**
 * Starts what is due. The row of a schedule is locked while its times are decided, and each time has one row, so that it
 * starts once, in whichever process. The clock is the database's, which all processes share. Organisations take turns.
 */
@Injectable()
export class DueSchedules {
  readonly #log = new Logger(DueSchedules.name);
  readonly #due = new DueOrganisations({ name: 'schedules', table: 'trigger', column: 'next_run_at', by: 'rows' });
  readonly #buffered = new DueOrganisations({
    name: 'buffered_schedules',
    table: 'trigger',
    column: 'buffered_at',
    by: 'rows',
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly firing: TriggerFiring,
  ) {}

  /**
   * What is due by now, unless `signal` fires before; true when there may be more. What passes by itself is left to
   * the next round; a schedule that fails otherwise is planned no more, so that it is not what every round begins with.
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const more = await this.#runAll(this.#due, this.#claimDue, signal);
    return (await this.#runAll(this.#buffered, this.#claimBuffered, signal)) || more;
  }

  async #runAll(due: DueOrganisations, claim: ClaimWork, signal: AbortSignal): Promise<boolean> {
    const found = await due.find((text) => this.orm.em.getConnection().execute<DueOrganisation[]>(text));
    const ring = new Ring(found.map(({ id }) => id));
    const failed = new Set<string>();
    let left = perRound;
    const lane = async (): Promise<void> => {
      while (left > 0 && !signal.aborted) {
        const organisationId = ring.next();
        if (organisationId === undefined) return;
        left -= 1;
        if (!(await inTurn(organisationId, () => this.#one(claim, organisationId, failed)))) {
          left += 1;
          ring.done(organisationId);
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    return left === 0;
  }

  /** Removes records that are older than 30 days, and the oldest of schedules that have too many; says how many. */
  async purge(most = keepRecords): Promise<number> {
    const decided = `not open and status <> 'buffered'`;
    const old = await this.#remove(
      `select id from schedule_occurrence where decided_at < now() - ?::interval and ${decided}`,
      `${keepDays} days`,
    );
    const beyond = await this.#remove(
      `select id from schedule_occurrence where ${decided} and id in (
         select beyond.id from trigger cross join lateral (
           select id from schedule_occurrence where trigger_id = trigger.id order by scheduled_at desc offset ?
         ) beyond where trigger.kind = 'schedule')`,
      most,
    );
    return old + beyond;
  }

  async #remove(records: string, value: unknown): Promise<number> {
    const remove = `with chosen as materialized (${records} limit ${removedAtOnce} for update skip locked)
      delete from schedule_occurrence where id in (select id from chosen)`;
    for (let removed = 0; ;) {
      const { affectedRows } = await this.orm.em.fork().execute<{ affectedRows: number }>(remove, [value], 'run');
      removed += affectedRows;
      if (affectedRows < removedAtOnce) return removed;
    }
  }

  /** False when nothing of the organisation is left. One schedule that fails must not keep the others from running. */
  async #one(claim: ClaimWork, organisationId: string, failed: Set<string>): Promise<boolean> {
    let claimed: Claim | undefined;
    try {
      await this.orm.em.fork().transactional(async (em) => {
        claimed = await claim(em, organisationId, [...failed]);
        // It may have failed between the question and the answer.
        if (!claimed || failed.has(claimed.id)) return;
        failpoint('schedule.claimed');
        const trigger = (await em.findOneOrFail(Trigger, { id: claimed.id }, { refresh: true })) as Schedule;
        await claimed.decide(em, trigger, claimed.now);
        failpoint('schedule.decided');
      });
    } catch (err) {
      if (!claimed) throw err;
      failed.add(claimed.id);
      if (isPassing(err)) this.#log.warn({ err, trigger: claimed.id }, 'A schedule could not run; it is tried again');
      else await this.#giveUp(claimed.id, err);
    }
    return claimed !== undefined;
  }

  /** Whatever it is, it comes back as often as the schedule is tried. */
  async #giveUp(id: string, err: unknown): Promise<void> {
    this.#log.error(
      { err, trigger: id },
      'A schedule cannot be planned; it is planned no more until somebody changes it',
    );
    const lastError = toLastRefusal(unreadable, new Date());
    await this.orm.em.fork().nativeUpdate(Trigger, { id }, { nextRunAt: null, bufferedAt: null, lastError });
  }

  readonly #claimDue: ClaimWork = async (em, organisationId, except) => {
    const [row] = await em.execute<Row[]>(
      `select id, now() as now from trigger where organisation_id = ? and next_run_at <= now() and id <> all(?::text[])
       order by next_run_at limit 1 for update skip locked`,
      [organisationId, `{${except.join(',')}}`],
    );
    return row && { ...row, now: new Date(row.now), decide: (...given) => this.#decideTimes(...given) };
  };

  readonly #claimBuffered: ClaimWork = async (em, organisationId, except) => {
    const [row] = await em.execute<Row[]>(
      `select t.id, now() as now from trigger t
       where t.organisation_id = ? and t.buffered_at is not null and t.id <> all(?::text[]) and not exists (
         select 1 from schedule_occurrence o join execution e on e.id = o.execution_id
         where o.trigger_id = t.id and o.open and e.status not in ${ended})
       order by t.buffered_at limit 1 for update of t skip locked`,
      [organisationId, `{${except.join(',')}}`],
    );
    return row && { ...row, now: new Date(row.now), decide: (...given) => this.#startBuffered(...given) };
  };

  async #decideTimes(em: EntityManager, trigger: Schedule, now: Date): Promise<void> {
    const timetable = trigger.timetable!;
    const horizon = now.getTime() - trigger.config.catchUpSeconds * 1_000;
    let time = trigger.nextRunAt ?? null;
    if (time && time.getTime() < horizon) {
      const last = timetable.lastWithin(time, new Date(horizon - 1)) ?? time;
      const decided = await em.count(ScheduleOccurrence, { triggerId: trigger.id, scheduledAt: time });
      if (decided === 0) await this.#record(em, trigger, time, { status: 'missed', missedUntil: last, decidedAt: now });
      time = timetable.after(last);
    }
    for (let count = 0; time && time <= now && count < maxTimes; count++) {
      // Clocks that disagree may have let a schedule begin anew before a time that has been decided.
      const decided = await em.count(ScheduleOccurrence, { triggerId: trigger.id, scheduledAt: time });
      if (decided === 0) await this.#decide(em, trigger, time, now);
      time = timetable.after(time);
    }
    trigger.nextRunAt = time;
    await em.flush();
  }

  async #decide(em: EntityManager, trigger: Schedule, time: Date, now: Date): Promise<void> {
    const { overlap } = trigger.config;
    const busy = (await this.#isOpen(em, trigger.id)) || Boolean(trigger.bufferedAt);
    if (!busy || overlap === 'allow') {
      await this.#record(em, trigger, time, await this.#start(em, trigger, time, now));
    } else if (overlap === 'buffer_one' && !trigger.bufferedAt) {
      trigger.bufferedAt = time;
      await this.#record(em, trigger, time, { status: 'buffered', decidedAt: now });
    } else {
      await this.#record(em, trigger, time, { status: 'skipped', decidedAt: now });
    }
  }

  async #startBuffered(em: EntityManager, trigger: Schedule, now: Date): Promise<void> {
    const time = trigger.bufferedAt!;
    trigger.bufferedAt = null;
    const waiting = await em.findOne(ScheduleOccurrence, { triggerId: trigger.id, scheduledAt: time });
    if (waiting?.status === 'buffered') Object.assign(waiting, await this.#start(em, trigger, time, now));
    await em.flush();
  }

  /** What became of the time. */
  async #start(em: EntityManager, trigger: Schedule, time: Date, now: Date): Promise<Decision> {
    const data = {
      type: 'schedule',
      trigger_id: trigger.id,
      scheduled_at: time.toISOString(),
      fired_at: now.toISOString(),
      timezone: trigger.config.timezone,
    };
    try {
      const input = await this.firing.inputOf(trigger, data);
      await em.flush();
      // In a savepoint: what fails leaves nothing behind, and the other times are decided.
      const execution = await em.transactional((inner) => this.firing.start(inner, trigger, { data, input }));
      trigger.used(now);
      return { status: 'started', executionId: execution.id, open: true, decidedAt: now };
    } catch (error) {
      const { code, message } = this.#refusal(error, trigger.id);
      trigger.refused({ code, message }, now);
      return { status: 'failed', error: { code, message }, decidedAt: now };
    }
  }

  /** Throws what passes by itself. */
  #refusal(error: unknown, trigger: string): Refusal {
    if (isPassing(error)) throw error;
    if (error instanceof DomainError) return error;
    this.#log.error({ err: error, trigger }, 'A schedule could not start its workflow, by a fault of the platform');
    return ownFault;
  }

  async #record(em: EntityManager, trigger: Schedule, time: Date, decision: Decision): Promise<void> {
    const { id: triggerId, organisationId } = trigger;
    em.persist(
      Object.assign(new ScheduleOccurrence(), {
        id: newId('occ'),
        organisationId,
        triggerId,
        scheduledAt: time,
        missedUntil: null,
        executionId: null,
        error: null,
        open: false,
        ...decision,
      }),
    );
    await em.flush();
  }

  /** Whether an execution that the schedule started has not ended; those that have are not asked about again. */
  async #isOpen(em: EntityManager, triggerId: string): Promise<boolean> {
    await em.execute(
      `update schedule_occurrence o set open = false where o.open and o.trigger_id = ? and not exists (
         select 1 from execution e where e.id = o.execution_id and e.status not in ${ended})`,
      [triggerId],
    );
    return (await em.count(ScheduleOccurrence, { triggerId, open: true })) > 0;
  }
}

interface Row {
  readonly id: string;
  readonly now: string;
}

/** Takes one schedule of the organisation that is due, other than those that failed in this round. */
type ClaimWork = (em: EntityManager, organisationId: string, except: readonly string[]) => Promise<Claim | undefined>;

interface Claim {
  readonly id: string;
  readonly now: Date;
  decide(em: EntityManager, trigger: Schedule, now: Date): Promise<void>;
}

type Decision = Pick<ScheduleOccurrence, 'status' | 'decidedAt'> &
  Partial<Pick<ScheduleOccurrence, 'executionId' | 'error' | 'open' | 'missedUntil'>>;
