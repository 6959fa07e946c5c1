import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import type { Caller } from '../caller.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { scopes } from '../scope.ts';
import type { WorkflowService } from '../workflow/workflow.service.ts';
import { type OccurrenceStatus, ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import { type NewSchedule, type Schedule, type ScheduleChange, ScheduleService } from './schedule.service.ts';
import type { Timing } from './trigger-config.ts';
import type { TriggerFiring } from './trigger-firing.ts';
import { TriggerService } from './trigger.service.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const workflows = { get: async () => undefined } as unknown as WorkflowService;
let database: TestDatabase;
let events: DomainEvents;
let caller: Caller;
beforeAll(async () => {
  database = await createTestDatabase();
  events = new DomainEvents(database.orm, new RecordedLoops());
});
afterAll(() => database.drop());
beforeEach(async () => {
  const em = database.orm.em.fork();
  const id = newId('org');
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  caller = { organisationId: id, userId: newId('user'), scopes };
});

const triggers = (): TriggerService =>
  new TriggerService(database.orm.em.fork(), workflows, {} as TriggerFiring, sealer, events);
const schedules = (): ScheduleService => new ScheduleService(database.orm.em.fork(), triggers());
const hourly: Timing = { cron: null, interval: '1h', timezone: 'UTC', startsAt: null, endsAt: null };
const given: NewSchedule = {
  ...hourly,
  workflowId: newId('wf'),
  name: 'Hourly',
  enabled: true,
  overlap: 'skip',
  catchUpSeconds: 60,
};
const make = (more: Partial<NewSchedule> = {}): Promise<Schedule> => schedules().create(caller, { ...given, ...more });
const wrong = (field: string): object => ({ code: 'validation_error', details: { errors: [{ field }] } });

describe('a change', () => {
  const update = ({ id }: Schedule, change: ScheduleChange): Promise<Schedule> =>
    schedules().update(caller, id, change);

  test.each<[change: ScheduleChange, cron: string | null, interval: string | null]>([
    [{ cron: '0 9 * * *' }, '0 9 * * *', null],
    [{ cron: '0 9 * * *', interval: null }, '0 9 * * *', null],
    [{ interval: '2h' }, null, '2h'],
    [{ interval: '2h', cron: null }, null, '2h'],
    [{ timezone: 'Europe/Berlin' }, null, '1h'],
    [{ cron: null }, null, '1h'],
    [{ cron: undefined, interval: undefined, overlap: 'allow' }, null, '1h'],
  ])('%j makes cron %s and interval %s', async (change, cron, interval) => {
    const schedule = await make();
    const after = await update(schedule, change);
    const defined = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    expect(after.config).toEqual({ ...schedule.config, ...defined, cron, interval });
    expect((await schedules().get(caller.organisationId, schedule.id)).config).toEqual(after.config);
  });

  test('of an interval takes the place of a cron expression', async () => {
    const daily = await make({ cron: '@daily', interval: null });
    expect((await update(daily, { interval: '2h' })).config).toMatchObject({ cron: null, interval: '2h' });
  });

  test.each<[change: ScheduleChange, field: string]>([
    [{ cron: '@daily', interval: '2h' }, 'interval'],
    [{ interval: null }, 'cron'],
    [{ cron: 'soon' }, 'cron'],
    [{ endsAt: '2020-01-01T00:00:00.000Z' }, 'ends_at'],
    [{ timezone: 'Mars/Olympus' }, 'timezone'],
  ])('%j is refused for its %s, named as in the request', async (change, field) => {
    const schedule = await make();
    await expect(update(schedule, change)).rejects.toMatchObject(wrong(field));
    expect(await schedules().get(caller.organisationId, schedule.id)).toMatchObject({ config: schedule.config });
  });

  test('changes what is given, lifts what is null, and leaves alone what is absent and when it runs', async () => {
    const schedule = await make({ description: 'first', input: { a: 1 } });
    const absent = { name: undefined, description: undefined, input: undefined };
    const before = { name: 'Hourly', description: 'first', input: { a: 1 }, nextRunAt: schedule.nextRunAt };
    expect(await update(schedule, absent)).toMatchObject(before);
    expect(await update(schedule, { name: 'Other', description: null, input: null })).toMatchObject({
      name: 'Other',
      description: null,
      input: null,
      nextRunAt: schedule.nextRunAt,
    });
  });
});

test('what is wrong of a new one is named as in the request', async () => {
  await expect(make({ interval: 'often' })).rejects.toMatchObject(wrong('interval'));
  await expect(make({ name: 'a\0' })).rejects.toMatchObject(wrong('name'));
  expect((await schedules().list(caller.organisationId, { page: 1, perPage: 1 })).total).toBe(0);
});

test('it is paused and resumed, and has times to come only meanwhile', async () => {
  const { id, createdAt } = await make();
  const { organisationId } = caller;
  const hours = [1, 2].map((count) => new Date(createdAt.getTime() + count * 3_600_000));
  expect((await schedules().upcoming(organisationId, id, 2)).times).toEqual(hours);
  expect(await schedules().pause(organisationId, id)).toMatchObject({ enabled: false, nextRunAt: null });
  expect((await schedules().upcoming(organisationId, id, 2)).times).toEqual([]);
  expect(await schedules().resume(caller, id)).toMatchObject({ enabled: true, nextRunAt: hours[0] });
  await schedules().delete(organisationId, id);
  await expect(schedules().get(organisationId, id)).rejects.toMatchObject({
    code: 'resource_not_found',
    details: { resource: 'schedule' },
  });
});

test('a preview tells the times after a moment, or what is wrong', () => {
  const from = new Date('2026-11-30T12:00:00Z');
  expect(schedules().preview(hourly, 2, from)).toEqual([
    new Date('2026-11-30T13:00:00Z'),
    new Date('2026-11-30T14:00:00Z'),
  ]);
  const past = { ...hourly, endsAt: '2026-11-30T12:30:00.000Z' };
  expect(() => schedules().preview(past, 1, from)).toThrow(
    expect.objectContaining({ details: { errors: [expect.objectContaining({ field: 'ends_at' })] } }),
  );
  expect(schedules().preview({ ...hourly, endsAt: '2026-11-30T13:00:00.001Z' }, 2, from)).toHaveLength(1);
});

test('triggers of other kinds are no schedules', async () => {
  const manual = { workflowId: given.workflowId, name: 'Manual', enabled: true, config: { kind: 'manual' } } as const;
  const { trigger } = await triggers().create(caller, manual);
  const schedule = await make();
  const page = { page: 1, perPage: 10 };
  const { items, total } = await schedules().list(caller.organisationId, page);
  expect([items.map(({ id }) => id), total]).toEqual([[schedule.id], 1]);
  expect((await schedules().list(caller.organisationId, { ...page, enabled: false })).total).toBe(0);
  const missing = { code: 'resource_not_found', details: { resource: 'schedule' } };
  const { organisationId } = caller;
  for (const refused of [
    () => schedules().get(organisationId, trigger.id),
    () => schedules().update(caller, trigger.id, { name: 'x' }),
    () => schedules().delete(organisationId, trigger.id),
    () => schedules().pause(organisationId, trigger.id),
    () => schedules().resume(caller, trigger.id),
    () => schedules().upcoming(organisationId, trigger.id, 1),
    () => schedules().occurrences(organisationId, trigger.id, { perPage: 1 }),
  ])
    await expect(refused()).rejects.toMatchObject(missing);
});

test('its times are listed newest first, in slices, by what became of them', async () => {
  const { id, organisationId } = await make();
  const { id: other } = await make();
  const em = database.orm.em.fork();
  const at = new Date('2026-11-01T00:00:00Z').getTime();
  const record = (triggerId: string, index: number, status: OccurrenceStatus): void => {
    const scheduledAt = new Date(at + index * 3_600_000);
    em.create(ScheduleOccurrence, {
      id: newId('occ'),
      organisationId,
      triggerId,
      scheduledAt,
      decidedAt: new Date(),
      status,
      open: false,
    });
  };
  for (const [index, status] of (['started', 'skipped', 'started'] as const).entries()) record(id, index, status);
  record(other, 9, 'started');
  await em.flush();
  const list = async (query: object) => {
    const { items, nextCursor, page } = await schedules().occurrences(organisationId, id, { perPage: 2, ...query });
    const hours = items.map(({ occurrence }) => (occurrence.scheduledAt.getTime() - at) / 3_600_000);
    return { hours, nextCursor, page };
  };
  const first = await list({});
  expect(first).toMatchObject({ hours: [2, 1], page: { number: 1, total: 3 } });
  const second = await list({ cursor: first.nextCursor });
  expect(second).toEqual({ hours: [0], nextCursor: null, page: undefined });
  expect((await list({ page: 2 })).hours).toEqual([0]);
  expect([(await list({ status: 'started' })).hours, (await list({ status: 'missed' })).hours]).toEqual([[2, 0], []]);
  await expect(list({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'validation_error' });
});
