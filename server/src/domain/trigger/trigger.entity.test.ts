import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { newId } from '../id.ts';
import type { ScheduleConfig, TriggerConfig } from './trigger-config.ts';
import { recordStarts, starterOf, toLastRefusal, Trigger } from './trigger.entity.ts';

const now = new Date('2026-11-30T12:00:00Z');
const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
const hourly: ScheduleConfig = {
  kind: 'schedule',
  cron: null,
  interval: '1h',
  timezone: 'UTC',
  startsAt: null,
  endsAt: null,
  overlap: 'skip',
  catchUpSeconds: 60,
};
const webhook: TriggerConfig = {
  kind: 'webhook',
  methods: ['POST'],
  path: null,
  auth: { type: 'bearer' },
  respond: 'immediately',
  timeoutSeconds: 30,
};

function made(config: TriggerConfig = hourly, enabled = true): Trigger {
  const of = { organisationId: newId('org'), workflowId: newId('wf'), enabled };
  return Trigger.create(of, { name: 'Trigger', description: null, config, input: null }, now);
}

describe('the next time', () => {
  test('counts from the making; a trigger that is disabled has none', () => {
    expect(made().nextRunAt).toEqual(after(3_600));
    expect(made(hourly, false).nextRunAt).toBeNull();
    expect(made({ kind: 'manual' }).nextRunAt).toBeNull();
  });

  test('is planned anew when it is enabled, and gone when it is disabled, with what waits', () => {
    const trigger = made(hourly, false);
    trigger.enable(after(4_000));
    expect([trigger.enabled, trigger.nextRunAt, trigger.updatedAt]).toEqual([true, after(7_200), after(4_000)]);
    trigger.bufferedAt = now;
    trigger.enable(after(9_000));
    expect([trigger.nextRunAt, trigger.updatedAt, trigger.bufferedAt]).toEqual([after(7_200), after(4_000), now]);
    trigger.disable(after(9_000));
    expect([trigger.enabled, trigger.nextRunAt, trigger.bufferedAt]).toEqual([false, null, null]);
    expect(trigger.updatedAt).toEqual(after(9_000));
    trigger.bufferedAt = now;
    trigger.disable(after(9_500));
    expect([trigger.updatedAt, trigger.bufferedAt]).toEqual([after(9_000), now]);
  });

  test('follows a new config, and no other change', () => {
    const trigger = made();
    trigger.change({ name: 'Other' }, after(5_000));
    expect([trigger.name, trigger.nextRunAt]).toEqual(['Other', after(3_600)]);
    trigger.change({ config: { ...hourly, interval: '2h' } }, after(5_000));
    expect(trigger.nextRunAt).toEqual(after(7_200));
  });
});

describe('a change', () => {
  test('forgets what was refused, and leaves alone what is absent', () => {
    const trigger = made({ kind: 'form', formId: 'form_1' });
    trigger.refused({ code: 'x', message: 'y' }, now);
    expect(trigger.lastError).toEqual({ code: 'x', message: 'y', occurred_at: now.toISOString() });
    trigger.change({ description: 'd' }, after(1));
    expect(trigger).toMatchObject({ lastError: null, description: 'd', name: 'Trigger', formId: 'form_1' });
    trigger.change({ config: { kind: 'form', formId: 'form_2' } }, after(2));
    expect([trigger.formId, trigger.updatedAt]).toEqual(['form_2', after(2)]);
    expect(made().formId).toBeNull();
  });

  test('only webhooks have a URL, and no two have the same', () => {
    expect(made().hookToken).toBeNull();
    const [one, other] = [made(webhook).hookToken, made(webhook).hookToken];
    expect(one).toMatch(/^[0-9A-Za-z]{24}$/);
    expect(one).not.toBe(other);
  });
});

describe('a rotated secret', () => {
  const [old, recent] = [Buffer.from('old'), Buffer.from('new')];

  test.each<[afterSeconds: number, secrets: Buffer[]]>([
    [0, [recent, old]],
    [59.999, [recent, old]],
    [60, [recent]],
    [3_600, [recent]],
  ])('with an overlap of a minute: after %d seconds these hold', (seconds, secrets) => {
    const trigger = made(webhook);
    trigger.rotate(old, new Date(0), now);
    trigger.rotate(recent, after(60), now);
    expect(trigger.secretsAt(after(seconds))).toEqual(secrets);
  });

  test.each([new Date(0), now])('without an overlap (%s) the one before is gone at once', (end) => {
    const trigger = made(webhook);
    trigger.rotate(old, new Date(0), now);
    trigger.rotate(recent, end, after(0));
    expect([trigger.secretsAt(now), trigger.previousSecret, trigger.previousSecretExpiresAt]).toEqual([
      [recent],
      null,
      null,
    ]);
    expect(trigger.updatedAt).toEqual(now);
  });

  test('there is none before the first', () => {
    const trigger = made(webhook);
    expect(trigger.secretsAt(now)).toEqual([]);
    trigger.rotate(recent, after(60), now);
    expect([trigger.secretsAt(now), trigger.previousSecretExpiresAt]).toEqual([[recent], null]);
  });
});

test('a refusal is kept with 1,000 characters, as text that can be stored', () => {
  const { message, code } = toLastRefusal({ code: 'x', message: `\0${'a'.repeat(1_000)}` }, now);
  expect([message, code]).toEqual([`\ufffd${'a'.repeat(999)}`, 'x']);
});

test('executions tell whether a schedule or another trigger has started them', () => {
  expect(starterOf({ kind: 'schedule', id: 'trig_1' })).toEqual({ type: 'schedule', id: 'trig_1' });
  expect(starterOf({ kind: 'event', id: 'trig_1' })).toEqual({ type: 'trigger', id: 'trig_1' });
});

describe('what became of starts', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  test('is counted for each of the organisation, and a refusal stays until the next change', async () => {
    const [one, other, foreign] = [made(), made(), made()];
    other.organisationId = one.organisationId;
    const em = database.orm.em.fork();
    em.persist([one, other, foreign]);
    await em.flush();
    const record = (...outcomes: Parameters<typeof recordStarts>[2][number][]): Promise<void> =>
      database.orm.em.fork().transactional((inner) => recordStarts(inner, one.organisationId, outcomes, now));
    const found = async ({ id }: Trigger): Promise<unknown[]> => {
      const { triggerCount, lastTriggeredAt, lastError } = await database.orm.em.fork().findOneOrFail(Trigger, { id });
      return [triggerCount, lastTriggeredAt === null || lastTriggeredAt === undefined, lastError?.code ?? null];
    };
    const refusal = { code: 'x', message: 'y' };
    await record();
    await record({ triggerId: one.id }, { triggerId: other.id, refusal }, { triggerId: foreign.id });
    expect([await found(one), await found(other), await found(foreign)]).toEqual([
      [1, false, null],
      [0, true, 'x'],
      [0, true, null],
    ]);
    await record({ triggerId: other.id }, { triggerId: one.id, refusal });
    expect([await found(one), await found(other)]).toEqual([
      [1, false, 'x'],
      [1, false, 'x'],
    ]);
  });
});
