import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes } from '../../../test/executions/node-types.ts';
import { dieAt } from '../../../test/die-at.ts';
import { fillStorage } from '../../../test/fill-storage.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { Execution } from '../execution/execution.entity.ts';
import { EngineUnavailableError } from '../execution/execution.errors.ts';
import { newId } from '../id.ts';
import { until } from '../../../test/until.ts';
import { storageQuotas } from '../organisation/plan.ts';
import { DueSchedules } from './due-schedules.ts';
import { type OccurrenceStatus, ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import type { ScheduleConfig } from './trigger-config.ts';
import { TriggerFiring } from './trigger-firing.ts';
import { Trigger } from './trigger.entity.ts';

let bench: ExecutionBench;
let due: DueSchedules;
beforeAll(async () => {
  bench = await ExecutionBench.start(testNodeTypes);
  due = schedules();
});
afterAll(() => bench.stop());

/** As each process has them. */
function schedules(): DueSchedules {
  return new DueSchedules(bench.database.orm, new TriggerFiring(bench.service, bench.evaluator));
}

const quick = sketch({ a: { type: 'pure' } }, []);
const slow = sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []);
const round = (by = due): Promise<boolean> => by.run(new AbortController().signal);
const minute = 60_000;

/** A schedule of every minute whose next time was so many minutes ago. */
async function late(minutes: number, config: Partial<ScheduleConfig> = {}, workflowId?: string): Promise<Trigger> {
  const em = bench.database.orm.em.fork();
  const now = Date.now();
  const trigger = Trigger.create(
    { organisationId, workflowId: workflowId ?? bench.publish(quick), enabled: true },
    {
      name: 'Every minute',
      description: null,
      input: null,
      config: {
        kind: 'schedule',
        cron: null,
        interval: '1m',
        timezone: 'UTC',
        startsAt: null,
        endsAt: null,
        overlap: 'allow',
        catchUpSeconds: 86_400,
        ...config,
      },
    },
    new Date(now - (minutes + 0.5) * minute),
  );
  expect(trigger.nextRunAt).toEqual(new Date(now - (minutes - 0.5) * minute));
  em.persist(trigger);
  await em.flush();
  return trigger;
}

const occurrences = (triggerId: string): Promise<ScheduleOccurrence[]> =>
  bench.database.orm.em.fork().find(ScheduleOccurrence, { triggerId }, { orderBy: { scheduledAt: 'asc' } });
const statuses = async (id: string): Promise<OccurrenceStatus[]> => (await occurrences(id)).map(({ status }) => status);
const stored = (id: string): Promise<Trigger> => bench.database.orm.em.fork().findOneOrFail(Trigger, { id });

test('many processes at once: each time starts one execution', async () => {
  const triggers = await Promise.all([late(20), late(7), late(1)]);
  await Promise.all([1, 2, 3, 4, 5].map(() => round(schedules())));
  for (const [index, times] of [20, 7, 1].entries()) {
    const { id } = triggers[index]!;
    const seen = await occurrences(id);
    expect(seen.map(({ status }) => status)).toEqual(Array(times).fill('started'));
    const executions = await bench.database.orm.em.fork().find(Execution, { startedById: id });
    expect(executions.map(({ id: execution }) => execution).sort()).toEqual(
      seen.map(({ executionId }) => executionId).sort(),
    );
    const told = executions.map(({ trigger }) => (trigger as { scheduled_at: string }).scheduled_at);
    expect(told.sort()).toEqual(seen.map(({ scheduledAt }) => scheduledAt.toISOString()));
    const { triggerCount, nextRunAt } = await stored(id);
    expect(triggerCount).toBe(times);
    expect(nextRunAt!.getTime()).toBeGreaterThan(Date.now());
  }
});

test('a time that was decided does not start again, although a clock went back', async () => {
  const { id } = await late(3);
  await round();
  const before = await occurrences(id);
  await bench.database.orm.em.fork().nativeUpdate(Trigger, { id }, { nextRunAt: before[0]!.scheduledAt });
  await round();
  expect(await occurrences(id)).toEqual(before);
});

test('what is later than the catch-up is missed, in one record', async () => {
  const { id } = await late(30, { catchUpSeconds: 150 });
  await round();
  const seen = await occurrences(id);
  expect(seen.map(({ status }) => status)).toEqual(['missed', 'started', 'started']);
  const [missed, next] = seen;
  expect(missed!.missedUntil!.getTime()).toBe(next!.scheduledAt.getTime() - minute);
});

test.each([
  ['the engine stops', new EngineUnavailableError('The process stops.')],
  ['the database goes away', Object.assign(new Error('terminating connection'), { code: '57P01' })],
])('a time at which %s is no failure: it starts in a later round', async (_, fault) => {
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const { id } = await late(2);
  const firing = new TriggerFiring(bench.service, bench.evaluator);
  jest.spyOn(firing, 'start').mockRejectedValue(fault);
  await round(new DueSchedules(bench.database.orm, firing));
  expect(await occurrences(id)).toEqual([]);
  expect(await stored(id)).toMatchObject({ triggerCount: 0, lastError: null });
  await round();
  expect(await statuses(id)).toEqual(['started', 'started']);
});

describe('overlap', () => {
  test('skip: one at a time', async () => {
    const { id } = await late(3, { overlap: 'skip' }, bench.publish(slow));
    await round();
    expect(await statuses(id)).toEqual(['started', 'skipped', 'skipped']);
    const [{ executionId }] = (await occurrences(id)) as [ScheduleOccurrence];
    await bench.control.cancel(organisationId, executionId!);
    await bench.database.orm.em.fork().nativeUpdate(Trigger, { id }, { nextRunAt: new Date(Date.now() - 1_000) });
    await round();
    expect((await statuses(id)).at(-1)).toBe('started');
  });

  test('buffer_one: one more when it has ended', async () => {
    const { id } = await late(4, { overlap: 'buffer_one' }, bench.publish(slow));
    await round();
    expect(await statuses(id)).toEqual(['started', 'buffered', 'skipped', 'skipped']);
    await round();
    expect((await statuses(id))[1]).toBe('buffered');
    const [{ executionId }] = (await occurrences(id)) as [ScheduleOccurrence];
    await bench.control.cancel(organisationId, executionId!);
    await Promise.all([round(), round(schedules())]);
    const [, second] = await occurrences(id);
    expect(second).toMatchObject({ status: 'started', executionId: expect.stringMatching(/^exec_/) });
    expect(await stored(id)).toMatchObject({ bufferedAt: null, triggerCount: 2 });
    await bench.control.cancel(organisationId, second!.executionId!);
  });
});

test('what the workflow refuses is a failed time, and the schedule goes on', async () => {
  const schema = { input_schema: { type: 'object', required: ['n'] } };
  const { id } = await late(2, {}, bench.publish(sketch({ a: { type: 'pure' } }, [], schema)));
  const { id: lost } = await late(1, {}, newId('wf'));
  await round();
  expect(await occurrences(id)).toEqual([
    expect.objectContaining({ status: 'failed', error: expect.objectContaining({ code: 'validation_error' }) }),
    expect.objectContaining({ status: 'failed', executionId: null }),
  ]);
  expect((await occurrences(lost))[0]!.error).toMatchObject({ code: 'resource_not_found' });
  expect((await stored(id)).nextRunAt!.getTime()).toBeGreaterThan(Date.now());
});

test('a schedule that breaks does not keep the others from running', async () => {
  const [broken, sound] = [await late(3), await late(2)];
  const em = bench.database.orm.em.fork();
  const unreadable = { ...broken.config, interval: null, cron: 'unreadable' };
  await em.nativeUpdate(Trigger, { id: broken.id }, { config: unreadable as ScheduleConfig });
  const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  await round();
  expect(await statuses(sound.id)).toEqual(['started', 'started']);
  expect(await statuses(broken.id)).toEqual([]);
  expect(error).toHaveBeenCalledWith(expect.objectContaining({ trigger: broken.id }), expect.any(String));
  error.mockRestore();
  await em.nativeDelete(Trigger, { id: broken.id });
});

test('a disabled schedule has no next time, and goes on from now when it is enabled', async () => {
  const em = bench.database.orm.em.fork();
  const { id } = await late(5);
  const trigger = await em.findOneOrFail(Trigger, { id });
  trigger.disable();
  await em.flush();
  await round();
  expect(await occurrences(id)).toEqual([]);
  trigger.enable();
  expect(trigger.nextRunAt!.getTime()).toBeGreaterThan(Date.now());
});

test('the last time leaves none', async () => {
  const { id } = await late(2, { endsAt: new Date(Date.now()).toISOString() });
  await round();
  expect(await statuses(id)).toEqual(['started', 'started']);
  expect((await stored(id)).nextRunAt).toBeNull();
});

test('old records go, except what is still open', async () => {
  const { id } = await late(2, {}, bench.publish(slow));
  await round();
  const old = new Date(Date.now() - 40 * 86_400_000);
  await bench.database.orm.em.fork().nativeUpdate(ScheduleOccurrence, { triggerId: id }, { decidedAt: old });
  const [first] = (await occurrences(id)) as [ScheduleOccurrence];
  await bench.database.orm.em.fork().nativeUpdate(ScheduleOccurrence, { id: first.id }, { open: false });
  expect(await due.purge()).toBe(1);
  const left = await occurrences(id);
  expect(left).toHaveLength(1);
  for (const { executionId } of [first, ...left]) await bench.control.cancel(organisationId, executionId!);
});

test.each(['schedule.claimed', 'schedule.decided'] as const)(
  'a process that dies at %s: the times are started once, by another',
  async (point) => {
    const log = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const { id } = await late(3);
    const death = dieAt(point);
    await round().catch(() => undefined);
    expect(death.reached()).toBe(true);
    log.mockRestore();
    await round(schedules());
    expect(await statuses(id)).toEqual(['started', 'started', 'started']);
    expect(await bench.database.orm.em.fork().count(Execution, { startedById: id })).toBe(3);
  },
);

describe('a fault of the platform', () => {
  const silent = () => jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);

  test('fails the one time that it happened to, in words, and once; the others start', async () => {
    const log = silent();
    const { id } = await late(3);
    const firing = new TriggerFiring(bench.service, bench.evaluator);
    const start = firing.start.bind(firing);
    let starts = 0;
    firing.start = async (em, ...rest) => {
      const execution = await start(em, ...rest);
      starts += 1;
      if (starts === 2) throw new TypeError('x is not a function');
      return execution;
    };
    const faulty = new DueSchedules(bench.database.orm, firing);
    await round(faulty);
    await round(faulty);
    log.mockRestore();
    expect(starts).toBe(3);
    const seen = await occurrences(id);
    expect(seen.map(({ status, error }) => [status, error?.code])).toEqual([
      ['started', undefined],
      ['failed', 'internal_error'],
      ['started', undefined],
    ]);
    // The start that failed was taken back.
    expect(await bench.database.orm.em.fork().count(Execution, { startedById: id })).toBe(2);
    const { lastError, triggerCount, nextRunAt } = await stored(id);
    expect({ code: lastError?.code, triggerCount }).toEqual({ code: 'internal_error', triggerCount: 2 });
    expect(nextRunAt!.getTime()).toBeGreaterThan(Date.now());
  });

  test('in what is stored of a schedule: it is planned no more, and says so; others start in the same round', async () => {
    const log = silent();
    const torn = await late(3);
    const config = { ...(torn.config as ScheduleConfig), cron: 'no time at all', interval: null };
    await bench.database.orm.em.fork().nativeUpdate(Trigger, { id: torn.id }, { config });
    const whole = await late(1);
    await round();
    await round();
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
    expect(await statuses(whole.id)).toEqual(['started']);
    const { nextRunAt, lastError } = await stored(torn.id);
    expect({ nextRunAt, code: lastError?.code }).toEqual({ nextRunAt: null, code: 'internal_error' });
    expect(lastError!.message).toMatch('Change its time');
  });
});

test('a schedule that finds no storage left says so, for the time and for itself, and stays enabled', async () => {
  await bench.database.orm.em
    .fork()
    .execute(
      `insert into organisation (id, name, plan, created_at, updated_at) values (?, 'One', 'free', now(), now())`,
      [organisationId],
    );
  await fillStorage(bench.database.orm.em, organisationId, storageQuotas.free);
  await until(() =>
    bench.quota.assertRoom(organisationId).then(
      () => false,
      () => true,
    ),
  );
  const { id } = await late(1);
  await round();
  expect((await occurrences(id))[0]).toMatchObject({ status: 'failed', error: { code: 'storage_quota_exceeded' } });
  const { enabled, lastError, nextRunAt } = await stored(id);
  expect({ enabled, code: lastError?.code }).toEqual({ enabled: true, code: 'storage_quota_exceeded' });
  // It is planned on, and what was refused is not tried again.
  expect(nextRunAt!.getTime()).toBeGreaterThan(Date.now());
  await round();
  expect(await statuses(id)).toEqual(['failed']);
  await bench.database.orm.em.fork().execute('delete from organisation where id = ?', [organisationId]);
});

test('a schedule keeps its newest records only', async () => {
  const { id } = await late(3, {}, bench.publish(quick));
  await round();
  for (const { executionId } of await occurrences(id)) if (executionId) await bench.ended(executionId);
  await bench.database.orm.em.fork().nativeUpdate(ScheduleOccurrence, { triggerId: id }, { open: false });
  const before = (await occurrences(id)).map(({ scheduledAt }) => scheduledAt.getTime()).toSorted((a, b) => b - a);
  await due.purge(1);
  expect((await occurrences(id)).map(({ scheduledAt }) => scheduledAt.getTime())).toEqual([before[0]]);
});
