import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { newId } from '../id.ts';
import { DueSchedules } from './due-schedules.ts';
import { type OccurrenceStatus, ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import type { ScheduleConfig } from './trigger-config.ts';
import type { TriggerFiring } from './trigger-firing.ts';
import { Trigger } from './trigger.entity.ts';

const minute = 60_000;
let database: TestDatabase;
let due: DueSchedules;
/** Times of the starts, and what happens at each. */
let started: string[];
let onStart: () => unknown;
beforeAll(async () => {
  database = await createTestDatabase();
  due = new DueSchedules(database.orm, firing);
});
afterAll(() => database.drop());
beforeEach(async () => {
  started = [];
  onStart = () => undefined;
  for (const entity of [Trigger, ScheduleOccurrence]) await database.orm.em.fork().nativeDelete(entity as never, {});
});

const firing = {
  inputOf: async () => ({}),
  start: async (_em: unknown, { id }: Trigger) => {
    started.push(id);
    await onStart();
    return { id: newId('exec') };
  },
} as unknown as TriggerFiring;

const config: ScheduleConfig = {
  kind: 'schedule',
  cron: null,
  interval: '1m',
  timezone: 'UTC',
  startsAt: null,
  endsAt: null,
  overlap: 'allow',
  catchUpSeconds: 86_400,
};

/** Schedules of every minute, the first time of which was so many minutes and a half ago. */
async function late(minutes: number, count = 1, more: Partial<ScheduleConfig> = {}): Promise<Trigger[]> {
  const em = database.orm.em.fork();
  const made = Array.from({ length: count }, () =>
    Trigger.create(
      { organisationId: newId('org'), workflowId: newId('wf'), enabled: true },
      { name: 'Every minute', description: null, input: null, config: { ...config, ...more } },
      new Date(Date.now() - (minutes + 1.5) * minute),
    ),
  );
  await em.persist(made).flush();
  return made;
}

const stored = ({ id }: Trigger): Promise<Trigger> => database.orm.em.fork().findOneOrFail(Trigger, { id });
const records = (of: Trigger): Promise<ScheduleOccurrence[]> =>
  database.orm.em.fork().find(ScheduleOccurrence, { triggerId: of.id }, { orderBy: { scheduledAt: 'asc' } });
const round = (signal = new AbortController().signal): Promise<boolean> => due.run(signal);

describe('a round', () => {
  test('deals with a hundred schedules, and says that there may be more', async () => {
    await late(0, 101);
    expect([await round(), started.length]).toEqual([true, 100]);
    expect([await round(), started.length]).toEqual([false, 101]);
    expect([await round(), new Set(started).size]).toEqual([false, 101]);
  });

  test('ends between two transactions when the process stops; one has fifty times of a schedule', async () => {
    const [trigger] = (await late(50)) as [Trigger];
    const stopping = new AbortController();
    onStart = () => stopping.abort();
    expect(await round(stopping.signal)).toBe(false);
    const { nextRunAt, triggerCount } = await stored(trigger);
    expect([started.length, triggerCount]).toEqual([50, 50]);
    expect(nextRunAt).toEqual(new Date(trigger.nextRunAt!.getTime() + 50 * minute));
    await round(stopping.signal);
    expect(started).toHaveLength(50);
    await round();
    expect(started).toHaveLength(51);
  });

  test('has four schedules under way at once', async () => {
    await late(0, 6);
    let [now, most] = [0, 0];
    const all = Promise.withResolvers<void>();
    onStart = async () => {
      most = Math.max(most, ++now);
      if (now === 4) all.resolve();
      await all.promise;
      now -= 1;
    };
    await round();
    expect([started.length, most]).toEqual([6, 4]);
  });
});

describe('the catch-up', () => {
  test('starts what is late by less, and records what is late by more', async () => {
    const [trigger] = (await late(9, 1, { catchUpSeconds: 3 * 60 })) as [Trigger];
    await round();
    expect((await records(trigger)).map(({ status }) => status)).toEqual(['missed', 'started', 'started', 'started']);
    const [missed, first] = await records(trigger);
    expect(missed).toMatchObject({ scheduledAt: trigger.nextRunAt, executionId: null, open: false });
    expect(missed!.missedUntil).toEqual(new Date(first!.scheduledAt.getTime() - minute));
  });

  test('does not record again what was decided before a clock went back', async () => {
    const [trigger] = (await late(9, 1, { catchUpSeconds: 60 })) as [Trigger];
    await round();
    const before = await records(trigger);
    expect(before.map(({ status }) => status)).toEqual(['missed', 'started']);
    await database.orm.em.fork().nativeUpdate(Trigger, { id: trigger.id }, { nextRunAt: trigger.nextRunAt });
    await round();
    expect(await records(trigger)).toEqual(before);
    expect((await stored(trigger)).nextRunAt!.getTime()).toBeGreaterThan(Date.now());
  });
});

describe('the time that waits', () => {
  test('is forgotten with what is not to be started any more', async () => {
    const [trigger] = (await late(0, 1, { overlap: 'buffer_one' })) as [Trigger];
    const em = database.orm.em.fork();
    await em.nativeUpdate(Trigger, { id: trigger.id }, { nextRunAt: null, bufferedAt: new Date(0) });
    await round();
    expect([started, (await stored(trigger)).bufferedAt, await records(trigger)]).toEqual([[], null, []]);
  });

  test('of a schedule that cannot be started is forgotten as well: nobody tries it for ever', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const [trigger] = (await late(0, 1, { overlap: 'buffer_one' })) as [Trigger];
    const em = database.orm.em.fork();
    const unreadable = { ...config, cron: 'no time at all', interval: null };
    await em.nativeUpdate(Trigger, { id: trigger.id }, { config: unreadable, bufferedAt: new Date(0) });
    await round();
    await round();
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
    expect(await stored(trigger)).toMatchObject({
      nextRunAt: null,
      bufferedAt: null,
      lastError: { code: 'internal_error' },
    });
  });

  test('has its turn before the next one: that is skipped, although nothing runs', async () => {
    const [trigger] = (await late(1, 1, { overlap: 'buffer_one' })) as [Trigger];
    const at = new Date(trigger.nextRunAt!.getTime() - minute);
    const em = database.orm.em.fork();
    await em.nativeUpdate(Trigger, { id: trigger.id }, { bufferedAt: at });
    await record(trigger, [at], 'buffered');
    await round();
    expect((await records(trigger)).map(({ status }) => status)).toEqual(['started', 'skipped', 'skipped']);
    expect(await stored(trigger)).toMatchObject({ bufferedAt: null, triggerCount: 1 });
  });
});

async function record(
  { id, organisationId }: Trigger,
  times: readonly Date[],
  status: OccurrenceStatus,
  more: Partial<ScheduleOccurrence> = {},
): Promise<void> {
  const em = database.orm.em.fork();
  for (const scheduledAt of times) {
    const of = { id: newId('occ'), organisationId, triggerId: id, open: false, decidedAt: new Date() };
    em.create(ScheduleOccurrence, { ...of, scheduledAt, status, ...more } as never);
  }
  await em.flush();
}

describe('records', () => {
  const days = (count: number): Date => new Date(Date.now() - count * 86_400_000);
  const many = (of: Trigger, count: number, decided: string): Promise<unknown> =>
    database.orm.em.fork().execute(
      `insert into schedule_occurrence (id, organisation_id, trigger_id, scheduled_at, status, open, decided_at)
       select 'occ_' || n, ?, ?, now() - n * interval '1 second', 'started', false, now() - ?::interval
       from generate_series(1, ?) n`,
      [of.organisationId, of.id, decided, count],
    );

  test('are kept for 30 days, but for those that wait and those whose execution has not ended', async () => {
    const [trigger] = (await late(0)) as [Trigger];
    await record(trigger, [days(50)], 'started', { decidedAt: days(29.99) });
    await record(trigger, [days(51)], 'started', { decidedAt: days(30.01) });
    await record(trigger, [days(52)], 'started', { decidedAt: days(30.01), open: true });
    await record(trigger, [days(53)], 'buffered', { decidedAt: days(30.01) });
    expect(await due.purge()).toBe(1);
    expect((await records(trigger)).map(({ status, open }) => [status, open])).toEqual([
      ['buffered', false],
      ['started', true],
      ['started', false],
    ]);
  });

  test('of one schedule are 5,000, the newest', async () => {
    const [trigger] = (await late(0)) as [Trigger];
    await many(trigger, 5_001, '1 day');
    expect(await due.purge()).toBe(1);
    const em = database.orm.em.fork();
    expect(await em.count(ScheduleOccurrence, { id: 'occ_5001' })).toBe(0);
    expect(await em.count(ScheduleOccurrence, {})).toBe(5_000);
    expect(await due.purge()).toBe(0);
  });

  test('that are old go, also where they are more than one statement removes', async () => {
    const [trigger] = (await late(0)) as [Trigger];
    await many(trigger, 5_001, '31 days');
    expect(await due.purge()).toBe(5_001);
  });
});
