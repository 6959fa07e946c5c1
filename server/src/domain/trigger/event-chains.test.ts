import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import type { Json } from '../domain-error.ts';
import type { HappenedEvent } from '../event/domain-event.entity.ts';
import { Execution, type ExecutionStarter } from '../execution/execution.entity.ts';
import { newId } from '../id.ts';
import { EventChain } from './event-chain.entity.ts';
import { type ChainLink, EventChains } from './event-chains.ts';

const organisationId = newId('org');
let database: TestDatabase;
let chains: EventChains;
beforeAll(async () => {
  database = await createTestDatabase();
  chains = new EventChains(database.orm, { mostExecutions: 3 });
});
afterAll(() => database.drop());

const inTransaction = <T>(work: (em: ReturnType<TestDatabase['orm']['em']['fork']>) => Promise<T>): Promise<T> =>
  database.orm.em.fork().transactional(work);
const chainOf = (originId: string): Promise<EventChain> =>
  database.orm.em.fork().findOneOrFail(EventChain, { originId });
const days = (count: number): Date => new Date(Date.now() - count * 86_400_000);

async function execution(startedBy: ExecutionStarter, trigger: Json = {}): Promise<string> {
  const em = database.orm.em.fork();
  const of = {
    organisationId,
    workflowId: newId('wf'),
    workflowVersion: 1,
    definitionHash: 'x',
    input: {},
    metadata: {},
  };
  const made = Execution.create({ ...of, startedBy, trigger });
  await em.persist(made).flush();
  return made.id;
}

describe('where an event stands', () => {
  const after = (data: object, of = organisationId): Promise<ChainLink> => {
    const event = { id: 'evt_1', organisationId: of, type: 'execution.completed', data, createdAt: new Date() };
    return inTransaction((em) => chains.after(em, event as HappenedEvent));
  };
  const byHand = { type: 'user', id: 'user_1' } as const;
  const byTrigger = { type: 'trigger', id: 'trig_1' } as const;

  test('one that is about no execution begins a chain', async () => {
    expect(await after({})).toEqual({ origin: 'evt_1', depth: 1 });
  });

  test('one about an execution begins a chain with it, unless that was started by an event', async () => {
    const first = await execution(byHand, { type: 'manual', origin: 'other', depth: 3 });
    expect(await after({ execution_id: first })).toEqual({ origin: first, depth: 1 });
    const second = await execution(byTrigger, { type: 'event', origin: first, depth: 1 });
    expect(await after({ execution_id: second })).toEqual({ origin: first, depth: 2 });
  });

  test('one about an execution that was called stands where the first caller does', async () => {
    const first = await execution(byTrigger, { type: 'event', origin: 'exec_0', depth: 4 });
    const called = await execution({ type: 'execution', id: first });
    const deeper = await execution({ type: 'execution', id: called });
    expect(await after({ execution_id: deeper })).toEqual({ origin: 'exec_0', depth: 5 });
    const byNobody = await execution({ type: 'execution', id: newId('exec') });
    expect(await after({ execution_id: byNobody })).toEqual({ origin: byNobody, depth: 1 });
  });

  test('one about an execution that is gone, or of others, begins a chain', async () => {
    const first = await execution(byTrigger, { type: 'event', origin: 'exec_0', depth: 4 });
    expect(await after({ execution_id: first }, newId('org'))).toEqual({ origin: first, depth: 1 });
    expect(await after({ execution_id: 'exec_gone' })).toEqual({ origin: 'exec_gone', depth: 1 });
  });
});

test.each([
  [1, false],
  [5, false],
  [6, true],
])('%i deep is too deep: %s', (depth, isTooDeep) => {
  const refusal = chains.tooDeep({ origin: 'exec_1', depth });
  expect(refusal?.code).toBe(isTooDeep ? 'event_chain_too_deep' : undefined);
  if (isTooDeep) expect(refusal!.message).toContain('at most 5 deep');
});

test('there is room for as many as are allowed, each chain by itself', async () => {
  const [one, other] = [newId('exec'), newId('exec')].map((origin) => ({ origin, depth: 1 })) as [ChainLink, ChainLink];
  const room = (link: ChainLink): Promise<number> => inTransaction((em) => chains.room(em, organisationId, link));
  expect(await room(one)).toBe(3);
  await inTransaction((em) => chains.count(em, one, 2));
  expect([await room(one), await room(other)]).toEqual([1, 3]);
  await inTransaction((em) => chains.count(em, one, 2));
  expect(await room(one)).toBe(-1);
  expect(chains.full(one)).toMatchObject({ code: 'event_chain_full', message: expect.stringContaining('at most 3') });
});

test('a chain is kept for 30 days after its last start; to ask for room, or to start nothing, is none', async () => {
  const link = { origin: newId('exec'), depth: 1 };
  const { origin: originId } = link;
  await inTransaction((em) => chains.room(em, organisationId, link));
  const used = (at: Date): Promise<number> =>
    database.orm.em.fork().nativeUpdate(EventChain, { originId }, { usedAt: at });
  await used(days(29.99));
  expect(await chains.purge()).toBe(0);
  await inTransaction(async (em) => {
    await chains.room(em, organisationId, link);
    await chains.count(em, link, 0);
  });
  expect((await chainOf(originId)).usedAt.getTime()).toBeLessThan(days(29).getTime());
  await inTransaction((em) => chains.count(em, link, 1));
  expect((await chainOf(originId)).usedAt.getTime()).toBeGreaterThan(days(1).getTime());
  await used(days(30.01));
  expect(await chains.purge()).toBe(1);
});

test('more of them than one statement removes are removed', async () => {
  await database.orm.em.fork().execute(
    `insert into event_chain (origin_id, organisation_id, started, used_at)
     select 'exec_' || n, ?, 1, now() - interval '31 days' from generate_series(1, 5001) n`,
    [organisationId],
  );
  expect(await chains.purge()).toBe(5_001);
});
