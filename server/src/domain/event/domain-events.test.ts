import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { Logger } from '@nestjs/common';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { RecordedBatches } from '../../../test/recorded-batches.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { dieAt } from '../../../test/die-at.ts';
import { until } from '../../../test/until.ts';
import { isId, newId } from '../id.ts';
import { WebhookDelivery } from '../webhook/webhook-delivery.entity.ts';
import { DomainEvent, type HappenedEvent } from './domain-event.entity.ts';
import { DomainEvents, type FailedListener } from './domain-events.ts';
import { EventDispatch } from './event-dispatch.ts';
import { EventSubscription } from './event-subscription.entity.ts';
import type { EventType } from './event-type.ts';

let database: TestDatabase;
let loops: RecordedLoops;
let events: DomainEvents;
let dispatch: EventDispatch;
let organisationId: string;

const told: { event: HappenedEvent; ids: readonly string[] }[] = [];
type Reaction = (em: EntityManager, event: HappenedEvent, ids: readonly string[]) => Promise<FailedListener[] | void>;
let react: Reaction = () => Promise.resolve();
const batches = new RecordedBatches();

beforeAll(async () => {
  database = await createTestDatabase();
  loops = new RecordedLoops();
  events = new DomainEvents(database.orm, loops);
  events.subscribe({
    kind: 'trigger',
    onEvent: async (em, event, ids) => {
      const failed = await react(em, event, ids);
      told.push({ event, ids });
      return failed;
    },
  });
  dispatch = new EventDispatch(database.orm, events, loops, batches);
});
afterAll(() => database.drop());
beforeEach(() => {
  organisationId = newId('org');
  told.length = 0;
  loops.woken.length = 0;
  react = () => Promise.resolve();
});

const transaction = <T>(work: (em: EntityManager) => Promise<T>): Promise<T> =>
  database.orm.em.fork().transactional(work);
const expired = { credential_id: 'cred_1', name: 'mail', type: 'smtp', expired_at: '2026-11-22T10:30:00.000Z' };
const emit = (em: EntityManager, count = 1): Promise<void> =>
  events.emit(
    em,
    ...Array.from({ length: count }, () => ({ organisationId, type: 'credential.expired' as const, data: expired })),
  );
const listen = (kind: 'webhook' | 'trigger', id: string, types: EventType[] = ['credential.expired']): Promise<void> =>
  transaction((em) => events.listen(em, { organisationId, kind, id, types }));
const stored = (): Promise<DomainEvent[]> => database.orm.em.fork().find(DomainEvent, { organisationId });
const deliveries = (): Promise<WebhookDelivery[]> => database.orm.em.fork().find(WebhookDelivery, { organisationId });
/** Until nobody asks for another round. */
async function round(by = dispatch): Promise<void> {
  for (let woken = -1; woken < loops.woken.length;) {
    woken = loops.woken.length;
    await by.round(new AbortController().signal);
    await by.idle();
  }
}

describe('writing', () => {
  test('what nobody listens to is not written, and nobody is woken', async () => {
    await listen('trigger', 'trg_1', ['workflow.created']);
    await transaction((em) => emit(em));
    expect(await stored()).toEqual([]);
    expect(loops.woken).toEqual([]);
  });

  test('each webhook that listens gets a delivery of its own, due at once', async () => {
    await listen('webhook', 'wh_1');
    await listen('webhook', 'wh_2', ['workflow.created', 'credential.expired']);
    await transaction((em) => emit(em, 2));
    const [one, two] = await stored();
    expect(one).toMatchObject({ type: 'credential.expired', data: expired, dispatchAt: null });
    const made = await deliveries();
    expect(made.map(({ webhookId, eventId }) => `${webhookId} ${eventId}`).sort()).toEqual(
      [`wh_1 ${one!.id}`, `wh_1 ${two!.id}`, `wh_2 ${one!.id}`, `wh_2 ${two!.id}`].sort(),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(4);
    expect(made.every(({ id, nextAttemptAt }) => isId('dlv', id) && nextAttemptAt! <= new Date())).toBe(true);
    expect(loops.woken).toEqual(['events', 'webhook-deliveries']);
  });

  test('another organisation hears nothing of it', async () => {
    await listen('webhook', 'wh_1');
    organisationId = newId('org');
    await transaction((em) => emit(em));
    expect(await stored()).toEqual([]);
  });

  test('what is rolled back has not happened', async () => {
    await listen('webhook', 'wh_1');
    const failing = transaction(async (em) => {
      await emit(em);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect([await stored(), await deliveries(), loops.woken]).toEqual([[], [], []]);
  });

  test('outside of a transaction it is refused', async () => {
    await expect(emit(database.orm.em.fork())).rejects.toThrow('in a transaction only');
  });

  test('listening to something else replaces what was listened to', async () => {
    await listen('webhook', 'wh_1');
    await listen('webhook', 'wh_1', ['workflow.created']);
    await transaction((em) => emit(em));
    await listen('webhook', 'wh_1', []);
    expect(await deliveries()).toEqual([]);
  });

  test('text that PostgreSQL cannot store is replaced', async () => {
    await listen('webhook', 'wh_1');
    await transaction((em) =>
      events.emit(em, { organisationId, type: 'credential.expired', data: { ...expired, name: 'a\0b' } }),
    );
    expect((await stored())[0]!.data).toMatchObject({ name: 'a\ufffdb' });
  });
});

describe('telling', () => {
  test('each event is told once, with those who listen', async () => {
    await listen('trigger', 'trg_2');
    await listen('trigger', 'trg_1');
    await transaction((em) => emit(em));
    await Promise.all([round(), round(new EventDispatch(database.orm, events, loops, batches))]);
    expect(told).toMatchObject([{ event: { type: 'credential.expired', data: expired }, ids: ['trg_1', 'trg_2'] }]);
    expect(await stored()).toMatchObject([{ dispatchAt: null }]);
  });

  test('who listens no more is not told', async () => {
    await listen('trigger', 'trg_1');
    await transaction((em) => emit(em));
    await listen('trigger', 'trg_1', []);
    await round();
    expect(told).toEqual([]);
  });

  test('what passes by itself uses up no attempts, and is tried again soon', async () => {
    const log = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await listen('trigger', 'trg_1');
    await transaction((em) => emit(em));
    react = () => Promise.reject(Object.assign(new Error('The server shuts down.'), { code: '57P01' }));
    for (let tries = 1; tries <= 3; tries++) {
      await round();
      const [waiting] = await stored();
      expect(waiting).toMatchObject({ dispatchFailures: 0 });
      const pause = waiting!.dispatchAt!.getTime() - Date.now();
      expect(pause).toBeGreaterThan(0);
      expect(pause).toBeLessThanOrEqual(60_000);
      await database.orm.em.fork().nativeUpdate(DomainEvent, { organisationId }, { dispatchAt: new Date() });
    }
    log.mockRestore();
    react = () => Promise.resolve();
    await round();
    expect(told).toHaveLength(1);
  });

  test('the events of one organisation, however many and slow, keep those of another waiting for no more than one', async () => {
    const loud = organisationId;
    await listen('trigger', 'trg_1');
    await transaction((em) => emit(em, 40));
    organisationId = newId('org');
    await listen('trigger', 'trg_2');
    await transaction((em) => emit(em, 2));
    const gate = Promise.withResolvers<void>();
    react = (_, event) => (event.organisationId === loud ? gate.promise : Promise.resolve());
    await dispatch.round(new AbortController().signal);
    await until(() => told.length === 2);
    expect(told.map(({ ids }) => ids)).toEqual([['trg_2'], ['trg_2']]);
    gate.resolve();
    await dispatch.idle();
    await round();
    expect(told).toHaveLength(42);
    const order = told.filter(({ ids }) => ids[0] === 'trg_1').map(({ event }) => event.id);
    expect(order).toEqual([...order].sort());
  });

  test('turns that fail without a success in between make the rounds fail', async () => {
    await listen('trigger', 'trg_1');
    await transaction((em) => emit(em));
    const faulty = new EventDispatch(database.orm, events, loops, batches);
    const transactional = jest.spyOn(EntityManager.prototype, 'transactional');
    transactional.mockRejectedValue(new TypeError('x is not a function'));
    const once = (): Promise<void> => faulty.round(new AbortController().signal);
    await once();
    await faulty.idle();
    await expect(once()).rejects.toThrow('x is not a function');
    await faulty.idle();
    transactional.mockRestore();
    await once().catch(() => undefined);
    await faulty.idle();
    await once();
    expect(told).toHaveLength(1);
  });

  test('a listener that fails leaves nothing behind and is told again later, the others are told now', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    await listen('trigger', 'trg_1');
    await transaction((em) => emit(em, 2));
    let failures = 0;
    react = async (em) => {
      if (failures++ > 0) return;
      await events.listen(em, { organisationId, kind: 'trigger', id: 'trg_9', types: ['credential.expired'] });
      throw new Error('not now');
    };
    await round();
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
    expect(told).toMatchObject([{ ids: ['trg_1'] }]);
    const [waiting] = (await stored()).filter(({ dispatchAt }) => dispatchAt !== null);
    expect(waiting).toMatchObject({ dispatchFailures: 1 });
    expect(waiting!.dispatchAt!.getTime()).toBeGreaterThan(Date.now());
    await database.orm.em.fork().nativeUpdate(DomainEvent, { id: waiting!.id }, { dispatchAt: new Date() });
    await round();
    expect(told).toHaveLength(2);
  });

  test('listeners that failed for themselves are told again, without those that did not', async () => {
    const log = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const now = { dispatchAt: new Date() };
    for (const id of ['trg_1', 'trg_2', 'trg_3']) await listen('trigger', id);
    const broken = new Set(['trg_1', 'trg_3']);
    react = async (_em, _event, ids) =>
      ids.filter((id) => broken.has(id)).map((listenerId) => ({ listenerId, error: new Error('no') }));
    await transaction((em) => emit(em));
    await round();
    expect(await stored()).toMatchObject([{ dispatchFailures: 1, dispatchTo: ['trg_1', 'trg_3'] }]);
    await database.orm.em.fork().nativeUpdate(DomainEvent, { organisationId }, now);
    broken.delete('trg_1');
    await round();
    expect(await stored()).toMatchObject([{ dispatchFailures: 2, dispatchTo: ['trg_3'] }]);
    await database.orm.em.fork().nativeUpdate(DomainEvent, { organisationId }, now);
    // What fails for all of those that are left leaves them to be told, and no others.
    react = () => Promise.reject(new Error('down'));
    await round();
    await database.orm.em.fork().nativeUpdate(DomainEvent, { organisationId }, now);
    react = () => Promise.resolve();
    await round();
    expect(await stored()).toMatchObject([{ dispatchAt: null, dispatchTo: null }]);
    expect(told.map(({ ids }) => ids)).toEqual([['trg_1', 'trg_2', 'trg_3'], ['trg_1', 'trg_3'], ['trg_3']]);
    expect(log).toHaveBeenCalledTimes(3);
    log.mockRestore();
  });
});

test('a process that dies after it has told leaves the event to be told again, and nothing of the first time', async () => {
  const log = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  await listen('trigger', 'trg_1');
  await transaction((em) => emit(em));
  react = (em) => events.listen(em, { organisationId, kind: 'trigger', id: 'trg_9', types: ['workflow.created'] });
  const death = dieAt('event.told');
  await round();
  expect(death.reached()).toBe(true);
  log.mockRestore();
  expect(await database.orm.em.fork().count(EventSubscription, { organisationId, listenerId: 'trg_9' })).toBe(0);
  await database.orm.em.fork().nativeUpdate(DomainEvent, { organisationId }, { dispatchAt: new Date() });
  await round();
  expect(await database.orm.em.fork().count(EventSubscription, { organisationId, listenerId: 'trg_9' })).toBe(1);
  expect(await stored()).toMatchObject([{ dispatchAt: null }]);
});
