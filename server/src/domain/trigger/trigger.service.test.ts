import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { hmac, hook, hourly, manual, onEvent } from '../../../test/trigger-configs.ts';
import { MasterKeySealer } from '../../platform/crypto/master-key-sealer.ts';
import type { Caller } from '../caller.ts';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { DomainEvents } from '../event/domain-events.ts';
import { EventSubscription } from '../event/event-subscription.entity.ts';
import type { Execution } from '../execution/execution.entity.ts';
import { Form } from '../form/form.entity.ts';
import { newId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { resourceLimits } from '../organisation/plan.ts';
import { scopes } from '../scope.ts';
import type { WorkflowService } from '../workflow/workflow.service.ts';
import { disableTriggersOf } from './disable-triggers.ts';
import { ScheduleOccurrence } from './schedule-occurrence.entity.ts';
import type { HookAuth, ScheduleConfig, TriggerConfig } from './trigger-config.ts';
import type { Firing, TriggerFiring } from './trigger-firing.ts';
import { Trigger } from './trigger.entity.ts';
import { type NewTrigger, secretContext, TriggerService, type TriggerWithSecret } from './trigger.service.ts';

const sealer = new MasterKeySealer([{ id: 'test', key: Buffer.alloc(32, 7) }]);
const workflowId = newId('wf');
let database: TestDatabase;
let events: DomainEvents;
let caller: Caller;
let limited: Caller;

/** What was asked to be started, and what comes of it. */
let started: (Firing & { trigger: string })[];
let outcome: (trigger: Trigger) => Promise<Execution>;

beforeAll(async () => {
  database = await createTestDatabase();
  events = new DomainEvents(database.orm, new RecordedLoops());
});
afterAll(() => database.drop());
beforeEach(async () => {
  caller = await organisation();
  limited = { ...caller, scopes: ['triggers:write'] };
  started = [];
  outcome = async () => ({ id: newId('exec') }) as Execution;
});

async function organisation(): Promise<Caller> {
  const id = newId('org');
  const em = database.orm.em.fork();
  em.create(Organisation, { id, name: 'Acme', plan: 'pro' });
  await em.flush();
  return { organisationId: id, userId: newId('user'), scopes };
}

const workflows = {
  get: async (_: string, id: string) => {
    if (id !== workflowId) throw new ResourceNotFoundError('workflow', id);
  },
} as unknown as WorkflowService;
const firing = {
  inputOf: async (_: unknown, data: Json) => ({ seen: data }),
  start: (_em: unknown, trigger: Trigger, given: Firing) => {
    started.push({ trigger: trigger.id, ...given });
    return outcome(trigger);
  },
} as unknown as TriggerFiring;

/** A service with an EntityManager of its own, as each request has one. */
function triggers(): TriggerService {
  return new TriggerService(database.orm.em.fork(), workflows, firing, sealer, events);
}

const make = (config: TriggerConfig, more: Partial<NewTrigger> = {}, by = caller): Promise<TriggerWithSecret> =>
  triggers().create(by, { workflowId, name: 'Trigger', enabled: true, config, ...more });
const made = async (config: TriggerConfig, more: Partial<NewTrigger> = {}): Promise<Trigger> =>
  (await make(config, more)).trigger;
const stored = ({ id }: Trigger): Promise<Trigger> => database.orm.em.fork().findOneOrFail(Trigger, { id });
const heard = async ({ id }: Trigger): Promise<string[]> =>
  (await database.orm.em.fork().find(EventSubscription, { listenerId: id })).map(({ eventType }) => eventType).sort();
const secretOf = ({ id, organisationId }: Trigger, sealed: Buffer | null | undefined): string | null =>
  sealed ? sealer.open(organisationId, sealed, secretContext(id)) : null;
const refused = (field: string, message: unknown = expect.anything()): object => ({
  code: 'validation_error',
  details: { errors: [{ field, message, location: 'body' }] },
});

async function form(by = caller): Promise<string> {
  const em = database.orm.em.fork();
  const content = { name: 'Form', title: 'Form', description: null, slug: newId('form').replace('_', '-') };
  const organisation = em.getReference(Organisation, by.organisationId);
  const made = Form.create(organisation, { ...content, fields: [], settings: {}, workflowId: null }, null);
  await em.persist(made).flush();
  return made.id;
}

describe('a new trigger', () => {
  test('listens while it is enabled, to the events that it names', async () => {
    const trigger = await made(onEvent('event.data.a > 1'), { description: 'd', input: { a: '{{ trigger.type }}' } });
    const fields = { name: 'Trigger', description: 'd', input: { a: '{{ trigger.type }}' }, workflowId, enabled: true };
    expect(await stored(trigger)).toMatchObject({ ...fields, kind: 'event', secret: null });
    expect(await heard(trigger)).toEqual(['execution.failed', 'form.submitted']);
    expect(await heard(await made(onEvent(), { enabled: false }))).toEqual([]);
    expect(await heard(await made(manual))).toEqual([]);
    expect(await stored(await made(manual))).toMatchObject({ description: null, input: null });
  });

  test.each<[secret: string | undefined, auth: HookAuth, told: unknown, kept: unknown]>([
    [undefined, { type: 'none' }, null, null],
    [undefined, { type: 'bearer' }, expect.stringMatching(/^\w{40}$/), expect.stringMatching(/^\w{40}$/)],
    [undefined, hmac, expect.stringMatching(/^whsec_/), expect.stringMatching(/^whsec_/)],
    ['their own secret', { type: 'bearer' }, null, 'their own secret'],
    ['their own secret', { type: 'none' }, null, 'their own secret'],
  ])('with the secret %s for %j tells %s once', async (secret, auth, told, kept) => {
    const { trigger, secret: shown } = await make(hook(auth), { secret });
    expect(shown).toEqual(told);
    const { secret: sealed, previousSecret, updatedAt } = await stored(trigger);
    expect(secretOf(trigger, sealed)).toEqual(kept);
    if (shown) expect(secretOf(trigger, sealed)).toBe(shown);
    expect([previousSecret, updatedAt]).toEqual([null, trigger.createdAt]);
  });

  test.each<[given: Partial<NewTrigger>, field: string]>([
    [{ secret: 'a secret' }, 'secret'],
    [{ name: 'a\0' }, 'name'],
    [{ description: '\ud800' }, 'description'],
    [{ input: { a: 'a\0' } }, 'input'],
    [{ input: { a: ['{{ trigger. }}'] } }, 'input.a[0]'],
    [{ config: hook(), secret: 'a\0' }, 'secret'],
    [{ config: hook(hmac), secret: 'not base64!' }, 'secret'],
    [{ config: { ...hook(), path: '/\0' } as TriggerConfig }, 'config'],
    [{ config: onEvent('event.') }, 'config.filter'],
    [{ config: { ...hourly, interval: 'often' } }, 'config.interval'],
    [{ config: { kind: 'form', formId: 'form_01m8pfnnx3fzram1f4zdx7c234' } }, 'config.form_id'],
    [{ config: { kind: 'form', formId: 'x\0' } }, 'config'],
    [{ config: { kind: 'form', formId: 'nonsense' } }, 'config.form_id'],
    [{ workflowId: 'wf_01m8pfnnx3fzram1f4zdx7c234' }, 'workflow_id'],
  ])('%j is refused for its %s', async (given, field) => {
    await expect(make(manual, given)).rejects.toMatchObject(refused(field));
    expect(await triggers().list(caller.organisationId, { page: 1, perPage: 1 })).toEqual({ items: [], total: 0 });
  });

  test('is of a form of its own organisation', async () => {
    const formId = await form();
    expect(await stored(await made({ kind: 'form', formId }))).toMatchObject({ formId });
    caller = await organisation();
    await expect(make({ kind: 'form', formId })).rejects.toMatchObject(refused('config.form_id'));
  });

  test('whose workflow cannot be looked up is not told to have none', async () => {
    const fault = new Error('connection lost');
    const failing = { get: () => Promise.reject(fault) } as unknown as WorkflowService;
    const service = new TriggerService(database.orm.em.fork(), failing, firing, sealer, events);
    await expect(service.create(caller, { workflowId, name: 'x', enabled: true, config: manual })).rejects.toBe(fault);
  });

  test('lets nobody start a workflow, nor read an event, that may not do so', async () => {
    const missing = (...missing_scopes: string[]): object => ({
      code: 'insufficient_scope',
      details: { missing_scopes },
    });
    await expect(make(manual, {}, limited)).rejects.toMatchObject(missing('workflows:execute'));
    const executes = { ...limited, scopes: ['workflows:execute', 'submissions:read'] };
    await expect(make(onEvent(), {}, executes)).rejects.toMatchObject(missing('executions:read'));
    await make(manual, {}, executes);
    const trigger = await made(onEvent(), { enabled: false });
    for (const [by, scope] of [
      [limited, 'workflows:execute'],
      [executes, 'executions:read'],
    ] as const) {
      const change = (fields: object): Promise<Trigger> => triggers().update(by, trigger.id, fields);
      await expect(change({ config: onEvent() })).rejects.toMatchObject(missing(scope));
      await expect(change({ input: null })).rejects.toMatchObject(missing(scope));
      await expect(triggers().enable(by, trigger.id)).rejects.toMatchObject(missing(scope));
      expect((await change({ name: 'Other', description: 'x' })).name).toBe('Other');
    }
    const { id } = await made(hook());
    const change = triggers().update(limited, id, { secret: 'another secret' });
    await expect(change).rejects.toMatchObject(missing('workflows:execute'));
    await expect(triggers().rotateSecret(limited, id, {})).rejects.toMatchObject(missing('workflows:execute'));
  });

  test('is one of as many as the plan allows', async () => {
    const { id } = await made(manual);
    const copies = resourceLimits.pro.triggers - 2;
    await database.orm.em.fork().execute(
      `insert into trigger (id, organisation_id, workflow_id, name, kind, enabled, config, trigger_count, created_at, updated_at)
       select t.id || n, organisation_id, workflow_id, name, kind, enabled, config, 0, created_at, updated_at
       from trigger t cross join generate_series(1, ?) n where t.id = ?`,
      [copies, id],
    );
    await make(manual);
    await expect(make(manual)).rejects.toMatchObject({ message: 'There are too many triggers.' });
  });
});

describe('a change', () => {
  test('changes what is given, lifts what is null, and leaves alone what is absent', async () => {
    const { id } = await made(onEvent(), { description: 'first', input: { a: 1 } });
    const update = (change: object): Promise<Trigger> => triggers().update(caller, id, change);
    expect(await update({})).toMatchObject({
      name: 'Trigger',
      description: 'first',
      input: { a: 1 },
      config: onEvent(),
    });
    expect(await update({ name: 'Other' })).toMatchObject({ name: 'Other', description: 'first', input: { a: 1 } });
    expect(await update({ description: null, input: null })).toMatchObject({ description: null, input: null });
    expect(await update({ input: { b: 2 }, config: onEvent('true') })).toMatchObject({
      name: 'Other',
      input: { b: 2 },
      config: onEvent('true'),
    });
  });

  test('of the events takes effect, for one that is enabled', async () => {
    const config = { kind: 'event', events: ['workflow.published'], filter: null } as const;
    const [trigger, disabled] = [await made(onEvent()), await made(onEvent(), { enabled: false })];
    for (const { id } of [trigger, disabled]) await triggers().update(caller, id, { config });
    expect([await heard(trigger), await heard(disabled)]).toEqual([['workflow.published'], []]);
  });

  test('may be made from the config before, which it gets as it is stored', async () => {
    const { id } = await made(hourly, { description: 'first' });
    const own = triggers();
    await own.get(caller.organisationId, id);
    await triggers().update(caller, id, { name: 'Other', description: null, config: { ...hourly, interval: '2h' } });
    const change = (before: TriggerConfig): TriggerConfig => ({ ...(before as ScheduleConfig), catchUpSeconds: 1 });
    expect(await own.update(caller, id, { config: change })).toMatchObject({
      name: 'Other',
      description: null,
      config: { interval: '2h', catchUpSeconds: 1 },
    });
  });

  test('keeps its kind, and a secret that fits', async () => {
    const update = (trigger: Trigger, change: object, kind?: 'schedule'): Promise<Trigger> =>
      triggers().update(caller, trigger.id, change, kind);
    const other = await made(manual);
    await expect(update(other, { config: hook() })).rejects.toMatchObject(refused('config.kind'));
    await expect(update(other, { secret: 'a secret' })).rejects.toMatchObject(
      refused('secret', 'is only for webhook triggers'),
    );
    const open = await made(hook({ type: 'none' }));
    const missing = refused('secret', expect.stringContaining('is missing'));
    await expect(update(open, { config: hook() })).rejects.toMatchObject(missing);
    expect(await update(open, { name: 'Still open' })).toMatchObject({ secret: null });
    await expect(update(open, { config: hook(hmac), secret: 'not base64!' })).rejects.toMatchObject(refused('secret'));
    await update(open, { config: hook(), secret: 'not base64!' });
    expect(secretOf(open, (await stored(open)).secret)).toBe('not base64!');
    await expect(update(open, { config: hook(hmac) })).rejects.toMatchObject(
      refused('secret', expect.stringContaining('base64')),
    );
    await update(open, { secret: 'another secret' });
    const { secret, previousSecret } = await stored(open);
    expect([secretOf(open, secret), previousSecret]).toEqual(['another secret', null]);
    await expect(update(open, { config: { ...hook(), path: '/\0' } })).rejects.toMatchObject(refused('config'));
    await expect(update(open, { name: 'a\0' })).rejects.toMatchObject(refused('name'));
  });

  test('of its form names a form of the organisation', async () => {
    const trigger = await made({ kind: 'form', formId: await form() });
    const formId = await form();
    expect(await triggers().update(caller, trigger.id, { config: { kind: 'form', formId } })).toMatchObject({ formId });
    const gone = { kind: 'form', formId: newId('form') } as const;
    await expect(triggers().update(caller, trigger.id, { config: gone })).rejects.toMatchObject(
      refused('config.form_id'),
    );
  });
});

describe('enabling and disabling', () => {
  test('begins and ends what it listens to; twice changes nothing', async () => {
    const trigger = await made(onEvent());
    for (let time = 0; time < 2; time++) {
      expect((await triggers().disable(caller.organisationId, trigger.id)).enabled).toBe(false);
      expect(await heard(trigger)).toEqual([]);
    }
    for (let time = 0; time < 2; time++) {
      expect((await triggers().enable(caller, trigger.id)).enabled).toBe(true);
      expect(await heard(trigger)).toHaveLength(2);
    }
  });

  test('needs the workflow that it starts', async () => {
    const { id } = await made(manual, { enabled: false });
    await database.orm.em.fork().nativeUpdate(Trigger, { id }, { workflowId: newId('wf') });
    await expect(triggers().enable(caller, id)).rejects.toMatchObject({ code: 'resource_not_found' });
    expect((await triggers().get(caller.organisationId, id)).enabled).toBe(false);
  });

  test('of all that start one workflow leaves the others alone', async () => {
    const [one, other] = [await made(hourly), await made(hourly)];
    const em = database.orm.em.fork();
    await em.nativeUpdate(Trigger, { id: one.id }, { workflowId: 'wf_gone', bufferedAt: new Date() });
    await disableTriggersOf(em, newId('org'), 'wf_gone');
    expect(await stored(one)).toMatchObject({ enabled: true });
    await disableTriggersOf(em, caller.organisationId, 'wf_gone');
    expect(await stored(one)).toMatchObject({ enabled: false, nextRunAt: null, bufferedAt: null });
    expect(await stored(other)).toMatchObject({ enabled: true, nextRunAt: expect.any(Date) });
  });
});

test('what is removed listens to nothing, and its times are gone with it; those of others stay', async () => {
  const [one, other] = [await made(hourly), await made(hourly)];
  const em = database.orm.em.fork();
  for (const { id: triggerId, organisationId } of [one, other]) {
    const record = { id: newId('occ'), organisationId, triggerId, scheduledAt: new Date(), decidedAt: new Date() };
    em.create(ScheduleOccurrence, { ...record, status: 'skipped', open: false } as never);
  }
  await em.flush();
  await triggers().delete(caller.organisationId, one.id);
  const left = await database.orm.em.fork().find(ScheduleOccurrence, { organisationId: caller.organisationId });
  expect(left.map(({ triggerId }) => triggerId)).toEqual([other.id]);
  const listening = await made(onEvent());
  await triggers().delete(caller.organisationId, listening.id);
  expect(await heard(listening)).toEqual([]);
  await expect(triggers().get(caller.organisationId, listening.id)).rejects.toMatchObject({
    code: 'resource_not_found',
  });
});

describe('a new secret', () => {
  test.each([
    [undefined, 86_400],
    [60, 60],
  ])('with an overlap of %s seconds: the one before works for %i more', async (overlapSeconds, seconds) => {
    const { trigger, secret: old } = await make(hook());
    const since = Date.now();
    const { secret } = await triggers().rotateSecret(caller, trigger.id, { overlapSeconds });
    const after = await stored(trigger);
    expect([secretOf(trigger, after.secret), secretOf(trigger, after.previousSecret)]).toEqual([secret, old]);
    expect(secret).not.toBe(old);
    const late = after.previousSecretExpiresAt!.getTime() - since - seconds * 1_000;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(30_000);
  });

  test('that was brought along is told to nobody, and has to fit; without an overlap the one before is gone', async () => {
    const trigger = await made(hook(hmac));
    const own = Buffer.alloc(16, 1).toString('base64');
    const rotate = (given: object): Promise<TriggerWithSecret> => triggers().rotateSecret(caller, trigger.id, given);
    await expect(rotate({ secret: 'not base64!' })).rejects.toMatchObject(refused('secret'));
    expect((await rotate({ secret: own, overlapSeconds: 0 })).secret).toBeNull();
    const { secret, previousSecret } = await stored(trigger);
    expect([secretOf(trigger, secret), previousSecret]).toEqual([own, null]);
    expect((await rotate({ secret: null })).secret).toMatch(/^whsec_/);
  });

  test('is for webhook triggers only', async () => {
    const { id } = await made(manual);
    await expect(triggers().rotateSecret(caller, id, {})).rejects.toMatchObject({
      code: 'trigger_without_secret',
      details: { kind: 'manual' },
    });
  });
});

describe('by hand', () => {
  test('it starts what it starts, tells who, and is counted', async () => {
    const { id } = await made(manual);
    const apiKeyId = newId('key');
    await triggers().execute(caller, id, {});
    await triggers().execute({ ...caller, apiKeyId }, id, { input: { n: 1 }, metadata: { m: 2 } });
    const data = { type: 'manual', trigger_id: id, by: { type: 'user', id: caller.userId } };
    const byKey = { ...data, by: { type: 'api_key', id: apiKeyId } };
    expect(started).toEqual([
      { trigger: id, data, input: { seen: data }, metadata: undefined },
      { trigger: id, data: byKey, input: { n: 1 }, metadata: { m: 2 } },
    ]);
    expect(await triggers().get(caller.organisationId, id)).toMatchObject({ triggerCount: 2 });
  });

  test('it starts nothing while it is disabled, and what is refused is not counted', async () => {
    const trigger = await made(manual, { enabled: false });
    const execute = (): Promise<Execution> => triggers().execute(caller, trigger.id, {});
    await expect(execute()).rejects.toMatchObject({ code: 'trigger_disabled' });
    expect(started).toEqual([]);
    await triggers().enable(caller, trigger.id);
    outcome = () => Promise.reject(new ValidationFailedError('no', []));
    await expect(execute()).rejects.toMatchObject({ code: 'validation_error' });
    expect(await stored(trigger)).toMatchObject({ triggerCount: 0, lastError: null });
  });
});

describe('a submission', () => {
  const fire = (formId: string, by = caller): Promise<Execution[]> =>
    database.orm.em
      .fork()
      .transactional((em) =>
        triggers().fireForm(em, { organisationId: by.organisationId, formId, data: { values: { a: 1 } } }),
      );

  test('starts every enabled trigger of its form; one that is refused says why, and keeps no other from starting', async () => {
    const log = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const formId = await form();
    const config = { kind: 'form', formId } as const;
    const ids = [await made(config), await made(config), await made(config)];
    await made(config, { enabled: false });
    await made({ kind: 'form', formId: await form() });
    outcome = async ({ id }) => {
      if (id === ids[1]!.id) throw new ValidationFailedError('no', []);
      return { id: `exec of ${id}` } as Execution;
    };
    expect((await fire(formId)).map(({ id }) => id).sort()).toEqual(
      [ids[0]!, ids[2]!].map(({ id }) => `exec of ${id}`).sort(),
    );
    log.mockRestore();
    expect(started.map(({ trigger }) => trigger).sort()).toEqual(ids.map(({ id }) => id).sort());
    const first = started.find(({ trigger }) => trigger === ids[0]!.id)!;
    const data = { values: { a: 1 }, type: 'form', trigger_id: ids[0]!.id, form_id: formId };
    expect(first).toMatchObject({ data, input: { seen: data } });
    const after = await Promise.all(ids.map(stored));
    expect(after.map(({ triggerCount, lastError }) => [triggerCount, lastError?.code])).toEqual([
      [1, undefined],
      [0, 'validation_error'],
      [1, undefined],
    ]);
    started = [];
    await fire(formId, await organisation());
    expect(started).toEqual([]);
  });

  test('that meets a fault starts nothing, so that it can be sent again', async () => {
    const formId = await form();
    const trigger = await made({ kind: 'form', formId });
    const fault = new TypeError('x is not a function');
    outcome = () => Promise.reject(fault);
    await expect(fire(formId)).rejects.toBe(fault);
    expect(await stored(trigger)).toMatchObject({ triggerCount: 0, lastError: null });
  });
});

test('of another organisation, of another kind or under what is no id there is none', async () => {
  const { id } = await made(hook());
  const stranger = await organisation();
  const missing = (resource: string): object => ({ code: 'resource_not_found', details: { resource } });
  for (const [by, wanted, kind, resource] of [
    [stranger, id, undefined, 'trigger'],
    [caller, 'x\0', undefined, 'trigger'],
    [caller, id, 'schedule', 'schedule'],
  ] as const) {
    const { organisationId } = by;
    await expect(triggers().get(organisationId, wanted, kind)).rejects.toMatchObject(missing(resource));
    await expect(triggers().update(by, wanted, { name: 'x' }, kind)).rejects.toMatchObject(missing(resource));
    await expect(triggers().delete(organisationId, wanted, kind)).rejects.toMatchObject(missing(resource));
    await expect(triggers().enable(by, wanted, kind)).rejects.toMatchObject(missing(resource));
    await expect(triggers().disable(organisationId, wanted, kind)).rejects.toMatchObject(missing(resource));
    if (kind) continue;
    await expect(triggers().rotateSecret(by, wanted, {})).rejects.toMatchObject(missing(resource));
    await expect(triggers().execute(by, wanted, {})).rejects.toMatchObject(missing(resource));
  }
  expect(await triggers().get(caller.organisationId, id, 'webhook')).toMatchObject({ name: 'Trigger', enabled: true });
});

test('they are listed newest first, in pages, by what is asked for', async () => {
  const all = [await made(manual), await made(hourly, { enabled: false }), await made(hook())];
  const list = async (query: object): Promise<unknown> => {
    const { items, total } = await triggers().list(caller.organisationId, { page: 1, perPage: 10, ...query });
    return [items.map(({ id }) => all.findIndex((one) => one.id === id)), total];
  };
  expect(await list({})).toEqual([[2, 1, 0], 3]);
  expect(await list({ page: 2, perPage: 2 })).toEqual([[0], 3]);
  expect(await list({ kind: 'schedule' })).toEqual([[1], 1]);
  expect([await list({ enabled: true }), await list({ enabled: false })]).toEqual([
    [[2, 0], 2],
    [[1], 1],
  ]);
  expect([
    await list({ workflowId }),
    await list({ workflowId: newId('wf') }),
    await list({ workflowId: '\0' }),
  ]).toEqual([
    [[2, 1, 0], 3],
    [[], 0],
    [[], 0],
  ]);
});
