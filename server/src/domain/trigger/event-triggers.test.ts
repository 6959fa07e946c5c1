import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createOrm } from '../../platform/database/orm.ts';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes } from '../../../test/executions/node-types.ts';
import { fillStorage } from '../../../test/fill-storage.ts';
import { RecordedLoops } from '../../../test/recorded-loops.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { until } from '../../../test/until.ts';
import { DomainEvents } from '../event/domain-events.ts';
import type { HappenedEvent } from '../event/domain-event.entity.ts';
import { Execution } from '../execution/execution.entity.ts';
import { newId } from '../id.ts';
import { storageQuotas } from '../organisation/plan.ts';
import { EventChain } from './event-chain.entity.ts';
import { EventChains } from './event-chains.ts';
import { EventTriggers } from './event-triggers.ts';
import { TriggerFiring } from './trigger-firing.ts';
import { Trigger } from './trigger.entity.ts';

const mostExecutions = 10;

let bench: ExecutionBench;
let other: Awaited<ReturnType<typeof createOrm>>;
beforeAll(async () => {
  bench = await ExecutionBench.start(testNodeTypes);
  other = await createOrm({ url: bench.database.url });
});
afterAll(async () => {
  await other.close();
  await bench.stop();
});
beforeEach(() => {
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** As each process has it: its own connections, nothing shared but the database. */
function listener(
  orm = bench.database.orm,
): (event: HappenedEvent, ids: string[]) => ReturnType<EventTriggers['onEvent']> {
  const firing = new TriggerFiring(bench.service, bench.evaluator);
  const chains = new EventChains(orm, { mostExecutions });
  const triggers = new EventTriggers(new DomainEvents(orm, new RecordedLoops()), firing, bench.evaluator, chains);
  return (event, ids) => orm.em.fork().transactional((em) => triggers.onEvent(em, event, ids));
}

const ended = (execution_id: string): HappenedEvent => ({
  id: newId('evt'),
  organisationId,
  type: 'execution.completed',
  data: { execution_id },
  createdAt: new Date(),
});

async function triggers(count: number, filter: string | null = null, workflowId?: string): Promise<string[]> {
  const em = bench.database.orm.em.fork();
  const quick = workflowId ?? bench.publish(sketch({ a: { type: 'pure' } }, []));
  const made = Array.from({ length: count }, () =>
    Trigger.create(
      { organisationId, workflowId: quick, enabled: true },
      {
        name: 'Any',
        description: null,
        input: null,
        config: { kind: 'event', events: ['execution.completed'], filter },
      },
    ),
  );
  await em.persist(made).flush();
  return made.map(({ id }) => id);
}

const stored = (ids: string[]): Promise<Trigger[]> =>
  bench.database.orm.em.fork().find(Trigger, { id: { $in: ids } }, { orderBy: { id: 'asc' } });
const started = (ids: string[]): Promise<Execution[]> =>
  bench.database.orm.em.fork().find(Execution, { startedById: { $in: ids } });
const chainOf = (originId: string): Promise<EventChain> =>
  bench.database.orm.em.fork().findOneOrFail(EventChain, { originId });

test('two processes at once: events start no more that follows from one cause than is allowed', async () => {
  const { id } = await bench.run(sketch({ a: { type: 'pure' } }, []));
  const ids = await triggers(4);
  const [one, two] = [listener(), listener(other)];
  await Promise.all(Array.from({ length: 6 }, (_, index) => (index % 2 ? one : two)(ended(id), ids)));
  expect(await started(ids)).toHaveLength(mostExecutions);
  const seen = await stored(ids);
  expect(seen.reduce((sum, { triggerCount }) => sum + triggerCount, 0)).toBe(mostExecutions);
  expect(seen.map(({ lastError }) => lastError?.code)).toEqual(Array(4).fill('event_chain_full'));
  expect(seen[0]!.lastError!.message).toContain(
    `at most 10 executions that follow from one cause, which is ${id} here`,
  );
  expect((await chainOf(id)).started).toBe(mostExecutions);
});

test('what was started and what that has called count for the cause of it all; another cause has its own', async () => {
  const cause = await bench.run(sketch({ a: { type: 'pure' } }, []));
  const fire = listener();
  const ids = await triggers(3);
  await fire(ended(cause.id), ids);
  const [first] = await started(ids);
  expect(first!.trigger).toMatchObject({ depth: 1, origin: cause.id });
  const startedBy = { type: 'execution', id: first!.id } as const;
  const called = await bench.beginOf(bench.publish(sketch({ a: { type: 'pure' } }, [])), {}, { startedBy });
  await fire(ended(called.id), ids);
  const deeper = (await started(ids)).filter(({ trigger }) => (trigger as { depth: number }).depth === 2);
  expect(deeper.map(({ trigger }) => (trigger as { origin: string }).origin)).toEqual(Array(3).fill(cause.id));
  expect((await chainOf(cause.id)).started).toBe(6);
  const another = { ...ended(cause.id), data: { workflow_id: newId('wf') } };
  await fire(another, ids);
  expect((await chainOf(another.id)).started).toBe(3);
});

test('what the filter leaves out and what cannot be started do not count; why it could not is shown until the trigger is changed', async () => {
  const { id } = await bench.run(sketch({ a: { type: 'pure' } }, []));
  const [deaf] = await triggers(1, 'event.type === "form.submitted"');
  const [failing] = await triggers(1, 'event.data.none.deep');
  const [gone] = await triggers(1, null, newId('wf'));
  await listener()(ended(id), [deaf!, failing!, gone!]);
  expect((await stored([deaf!, failing!, gone!])).map(({ lastError }) => lastError?.code)).toEqual([
    undefined,
    'expression_error',
    'resource_not_found',
  ]);
  expect((await chainOf(id)).started).toBe(0);
  const em = bench.database.orm.em.fork();
  const trigger = await em.findOneOrFail(Trigger, { id: failing! });
  trigger.change({ name: 'Mended' });
  await em.flush();
  expect((await stored([failing!]))[0]!.lastError).toBeNull();
});

test('a trigger that fails fails alone: the others start, each once, also when the event is told again', async () => {
  const { id } = await bench.run(sketch({ a: { type: 'pure' } }, []));
  const ids = (await triggers(4)).toSorted();
  const start = TriggerFiring.prototype.start;
  const broken = new Set([ids[1], ids[2]]);
  jest.spyOn(TriggerFiring.prototype, 'start').mockImplementation(async function (this: TriggerFiring, em, ...given) {
    const execution = await start.call(this, em, ...given);
    // Ends the transaction around it, unless something keeps them apart.
    if (broken.has(given[0].id)) await em.execute('select 1 / 0');
    return execution;
  });
  const fire = listener();
  const event = ended(id);
  const startedBy = async (): Promise<string[]> =>
    (await started(ids)).map(({ startedById }) => startedById).toSorted();
  const failed = await fire(event, ids);
  expect(failed.map(({ listenerId }) => listenerId)).toEqual([ids[1], ids[2]]);
  expect(failed.every(({ error }) => /division by zero/.test(String(error)))).toBe(true);
  expect(await startedBy()).toEqual([ids[0], ids[3]]);
  broken.delete(ids[1]);
  await expect(fire(event, [ids[2]!])).rejects.toThrow('division by zero');
  expect(await fire(event, [ids[1]!])).toEqual([]);
  expect(await startedBy()).toEqual([ids[0], ids[1], ids[3]]);
  expect((await stored(ids)).map(({ triggerCount }) => triggerCount)).toEqual([1, 1, 0, 1]);
  expect((await chainOf(id)).started).toBe(3);
});

test('chains that were not used for a month are forgotten', async () => {
  const { id } = await bench.run(sketch({ a: { type: 'pure' } }, []));
  await listener()(ended(id), await triggers(1));
  const chains = new EventChains(bench.database.orm, { mostExecutions });
  expect(await chains.purge()).toBe(0);
  const em = bench.database.orm.em.fork();
  await em.nativeUpdate(EventChain, { originId: id }, { usedAt: new Date(Date.now() - 31 * 86_400_000) });
  expect(await chains.purge()).toBe(1);
});

test('an event that finds no storage left is done with: the trigger tells why, stays enabled, and starts on the next', async () => {
  const sql = (text: string): Promise<unknown> => bench.database.orm.em.fork().execute(text, [organisationId]);
  await sql(
    `insert into organisation (id, name, plan, created_at, updated_at) values (?, 'One', 'free', now(), now())`,
  );
  await fillStorage(bench.database.orm.em, organisationId, storageQuotas.free);
  await until(() =>
    bench.quota.assertRoom(organisationId).then(
      () => false,
      () => true,
    ),
  );
  const ids = await triggers(1);
  await listener()(ended(newId('exec')), ids);
  expect(await stored(ids)).toMatchObject([{ enabled: true, lastError: { code: 'storage_quota_exceeded' } }]);
  expect(await started(ids)).toEqual([]);
  await fillStorage(bench.database.orm.em, organisationId, 0);
  await until(() =>
    bench.quota.assertRoom(organisationId).then(
      () => true,
      () => false,
    ),
  );
  await listener()(ended(newId('exec')), ids);
  expect(await started(ids)).toHaveLength(1);
  expect(await stored(ids)).toMatchObject([{ enabled: true, triggerCount: 1 }]);
  await sql('delete from organisation where id = ?');
});
