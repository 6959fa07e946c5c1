import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { PostgresLiveChannel } from '../../platform/live/postgres-live-channel.ts';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import { EventReader } from './event-reader.ts';
import { ExecutionEvents } from './execution-events.ts';
import { Execution } from './execution.entity.ts';
import { ExecutionService } from './execution.service.ts';
import { LostExecutions } from './lost-executions.ts';
import {
  counted,
  ExecutionBench,
  metrics,
  organisationId,
  startedBy,
} from '../../../test/executions/execution-bench.ts';
import { testNodeTypes, worked } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { until } from '../../../test/until.ts';

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start(testNodeTypes);
});
afterEach(() => {
  worked.length = 0;
});
afterAll(() => bench.stop());

const W = { type: 'work' };
const slow = sketch({ a: { type: 'work', params: { ms: 60_000 } }, b: W }, ['a -> b']);

describe('start', () => {
  test('an execution and its run are rolled back together', async () => {
    const em = bench.database.orm.em.fork();
    let id = '';
    const transaction = em.transactional(async (inner) => {
      const service = new ExecutionService(
        inner,
        bench.engine,
        { getPublished: async () => ({ version: 1, definition: sketch({ a: W }, []), definitionHash: 'a' }) },
        bench.definitions,
        bench.evaluator,
        metrics,
        bench.plans,
        bench.quota,
      );
      ({ id } = await service.start({ organisationId, startedBy, workflowId: newId('wf'), input: {} }));
      throw new Error('rolled back');
    });
    await expect(transaction).rejects.toThrow('rolled back');
    await sleep(400);
    expect(await bench.database.orm.em.fork().count(Execution, { id })).toBe(0);
    expect(await bench.engine.ended([id])).toEqual([id]);
    expect(worked).toEqual([]);
  });

  test('the same id starts once, and says where it comes from', async () => {
    const parent = await bench.run(sketch({ a: W }, []));
    const start = {
      organisationId,
      startedBy: { type: 'execution', id: parent.id } as const,
      workflowId: bench.publish(sketch({ a: W }, [])),
      input: {},
      id: newId('exec'),
      parentExecutionId: parent.id,
    };
    const em = bench.database.orm.em.fork();
    const first = await em.transactional((inner) => bench.service.start({ ...start, em: inner }));
    const again = await bench.service.start({ ...start, input: { other: true }, em: bench.database.orm.em.fork() });
    expect([first.id, again.id, again.parentExecutionId]).toEqual([start.id, start.id, parent.id]);
    await bench.ended(start.id);
    expect(worked).toEqual([`${parent.id} a 1`, `${start.id} a 1`]);
  });

  test.each([null, 'text', 0, [null], { a: null, deep: [{ b: 'ä€𝄞\\u0041' }] }])(
    'an execution is stored as it was given, with %j',
    async (given: Json) => {
      const workflowId = bench.publish(sketch({ a: W }, []));
      const [input, metadata] = [{ given }, { key: 'value' }];
      const start = { organisationId, startedBy, workflowId, input, metadata, trigger: given };
      const { id, createdAt } = await bench.service.start(start);
      await bench.ended(id);
      const stored = await bench.database.orm.em.fork().findOneOrFail(Execution, { id });
      expect(stored).toMatchObject({ organisationId, workflowId, workflowVersion: 1, input, metadata, trigger: given });
      expect(stored).toMatchObject({ createdAt, startedByType: startedBy.type, startedById: startedBy.id });
      expect(stored).toMatchObject({ parentExecutionId: null, retryOf: null, replayOf: null, response: null });
    },
  );

  test('an input that does not satisfy the schema is refused with every place', async () => {
    const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' }, s: { type: 'string' } } };
    const refused = bench.begin(sketch({ a: W }, [], { input_schema: schema }), { s: 1 });
    await expect(refused).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: expect.arrayContaining([expect.objectContaining({ field: 'input.n', location: 'body' })]) },
    });
  });

  test('an input with a NUL is refused', async () => {
    await expect(bench.begin(sketch({ a: W }, []), { s: 'a\0b' })).rejects.toMatchObject({ code: 'validation_error' });
  });

  test('an input that nests deeper than anything could store is refused', async () => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as Json;
    await expect(bench.begin(sketch({ a: W }, []), { deep })).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: [{ field: 'input', message: 'nests deeper than 128 levels', location: 'body' }] },
    });
  });

  test('an object of an input has as many names as may be read, and not one more', async () => {
    const names = (count: number): Record<string, Json> =>
      Object.fromEntries(Array.from({ length: count }, (_, id) => [`k${id}`, 1]));
    await bench.run(sketch({ a: W }, []), { list: [names(20_000), names(20_000)] });
    const message = 'has an object with more than 20,000 names';
    await expect(bench.begin(sketch({ a: W }, []), { list: [names(20_001)] })).rejects.toMatchObject({
      code: 'validation_error',
      details: { errors: [{ field: 'input', message, location: 'body' }] },
    });
  });

  test('an input with a number beyond what can be stored is refused', async () => {
    const input = JSON.parse('{ "list": [1e308, 1e999] }') as Record<string, Json>;
    await expect(bench.begin(sketch({ a: W }, []), input)).rejects.toMatchObject({
      details: { errors: [{ field: 'input', message: 'has a number that is too large', location: 'body' }] },
    });
  });
});

test('what happens is counted, once each', async () => {
  counted.length = 0;
  await bench.run(
    sketch({ a: W, b: { type: 'pure' }, c: { type: 'work', params: { fail: 'no' } } }, ['a -> b', 'b -> c']),
  );
  await until(() => counted.length === 5);
  expect([...counted].sort()).toEqual(['ended failed', 'pure completed', 'started', 'work completed', 'work failed']);
});

describe('cancel', () => {
  test('reaches a running step, and nothing follows', async () => {
    const { id } = await bench.begin(slow);
    await until(async () => (await bench.steps(id)).a === 'running' && worked.length === 1);
    const cancelled = await bench.control.cancel(organisationId, id);
    expect(cancelled).toMatchObject({ status: 'cancelled' });
    await until(async () => (await bench.engine.health()).running === 0);
    await sleep(100);
    expect(await bench.steps(id)).toEqual({ a: 'cancelled' });
    const events = await bench.eventsOf(id);
    expect(events.at(-1)!.type).toBe('execution:cancelled');
  });

  test('of an execution whose engine was not told: it ends by itself when what it tells is refused', async () => {
    const slowly = { type: 'work', params: { ms: 200 } };
    const definition = sketch({ a: slowly, b: slowly, c: slowly, d: W }, ['a -> b', 'b -> c', 'c -> d']);
    const { id } = await bench.begin(definition);
    await until(() => worked.length === 1);
    await bench.database.orm.em.fork().nativeUpdate(Execution, { id }, { status: 'cancelled' });
    await until(async () => (await bench.engine.health()).running === 0);
    expect(worked).not.toContain(`${id} d 1`);
  });

  test('of what has ended is refused', async () => {
    const { id } = await bench.run(sketch({ a: W }, []));
    await expect(bench.control.cancel(organisationId, id)).rejects.toMatchObject({
      code: 'execution_already_finished',
    });
  });

  test('of another organisation is not found', async () => {
    const { id } = await bench.begin(slow);
    await expect(bench.control.cancel(newId('org'), id)).rejects.toMatchObject({ code: 'resource_not_found' });
    await bench.control.cancel(organisationId, id);
  });
});

describe('waitFor', () => {
  test('answers at the end', async () => {
    const { id } = await bench.begin(sketch({ a: { type: 'work', params: { ms: 200 } } }, []));
    expect((await bench.queries.waitFor(organisationId, id, 10_000)).status).toBe('completed');
  });

  test('answers when the time is up', async () => {
    const { id } = await bench.begin(slow);
    expect((await bench.queries.waitFor(organisationId, id, 100)).ended).toBe(false);
    await bench.control.cancel(organisationId, id);
  });
});

describe('events', () => {
  test('reach a follower in another process, in order, up to the end', async () => {
    const elsewhere = new PostgresLiveChannel(bench.database.url);
    await elsewhere.start();
    try {
      const events = new ExecutionEvents(bench.database.orm.em.fork(), elsewhere);
      const definition = sketch(
        { a: { type: 'work', params: { ms: 100 } }, b: { type: 'work', params: { ms: 100 } } },
        ['a -> b'],
      );
      const { id } = await bench.begin(definition);
      const feed = await events.follow(organisationId, id, 0, new AbortController().signal);
      const sequences: number[] = [];
      for await (const event of feed.events) {
        sequences.push(event.sequence);
      }
      expect(sequences).toEqual((await bench.eventsOf(id)).map(({ sequence }) => sequence));
    } finally {
      await elsewhere.stop();
    }
  });

  test('are followed through a lost connection', async () => {
    const { id } = await bench.begin(sketch({ a: { type: 'work', params: { ms: 900 } }, b: W }, ['a -> b']));
    const feed = await bench.events.follow(organisationId, id, 0, new AbortController().signal);
    const types: string[] = [];
    const following = (async () => {
      for await (const event of feed.events) types.push(event.type);
    })();
    await sleep(200);
    await bench.database.orm.em
      .getConnection()
      .execute(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'flowpact_live' and datname = current_database()`,
      );
    await following;
    expect(types.at(-1)).toBe('execution:completed');
    expect(new Set((await bench.eventsOf(id)).map(({ type }) => type))).toEqual(new Set(types));
  });

  test('are read for many followers in few statements, one at a time', async () => {
    const { id } = await bench.run(sketch({ a: W, b: W }, ['a -> b']));
    const em = bench.database.orm.em.fork();
    const query = jest.spyOn(await em.getConnection().getNativeClient(), 'query');
    const reader = new EventReader(em);
    const places = Array.from({ length: 400 }, (_, n) => ({ executionId: id, organisationId, after: n % 4 }));
    const excerpts = await Promise.all(places.map((place) => reader.read(place)));
    expect(query.mock.calls.length).toBeLessThanOrEqual(2);
    query.mockRestore();
    const all = (await bench.eventsOf(id)).map(({ sequence }) => sequence);
    for (const [n, { status, events, more }] of excerpts.entries()) {
      expect({ status, more }).toEqual({ status: 'completed', more: false });
      expect(events.map(({ sequence }) => sequence)).toEqual(all.filter((sequence) => sequence > n % 4));
    }
    expect(excerpts[0]!.events.at(-1)).toMatchObject({ type: 'execution:completed', terminal: true, executionId: id });
  });

  test('are read in statements that are bounded in bytes, without one left out', async () => {
    const { id } = await bench.run(sketch({ a: W }, []));
    const { id: small } = await bench.run(sketch({ a: W }, []));
    const em = bench.database.orm.em.fork();
    await em.execute(
      `update execution_event set data = jsonb_build_object('text', repeat('x', 3000000)) where execution_id = ? and type <> 'execution:completed'`,
      [id],
    );
    bench.writtenByHand.add(id);
    const pool = await em.getConnection().getNativeClient();
    const read: number[] = [];
    const query = pool.query.bind(pool);
    const spy = jest.spyOn(pool, 'query').mockImplementation(async (...given: unknown[]) => {
      const result = (await query(...(given as Parameters<typeof query>))) as unknown as {
        rows: { data: string | null }[];
      };
      read.push(result.rows.reduce((bytes, { data }) => bytes + (data?.length ?? 0), 0));
      return result as never;
    });
    const reader = new EventReader(em);
    const all = async (executionId: string): Promise<number[]> => {
      const seen: number[] = [];
      for (let more = true; more;) {
        const excerpt = await reader.read({ executionId, organisationId, after: seen.at(-1) ?? 0 });
        seen.push(...excerpt.events.map(({ sequence }) => sequence));
        ({ more } = excerpt);
      }
      return seen;
    };
    const [large, other] = await Promise.all([all(id), all(small)]);
    spy.mockRestore();
    const sequences = async (executionId: string): Promise<number[]> =>
      (await bench.eventsOf(executionId)).map(({ sequence }) => sequence);
    expect(large).toEqual(await sequences(id));
    expect(other).toEqual(await sequences(small));
    expect(Math.max(...read)).toBeLessThan(4_500_000);
  });

  test('of another organisation are not there', async () => {
    const { id } = await bench.run(sketch({ a: W }, []));
    const reader = new EventReader(bench.database.orm.em.fork());
    const excerpt = await reader.read({ executionId: id, organisationId: 'org_other', after: 0 });
    expect(excerpt).toEqual({ status: undefined, events: [], more: false });
  });

  test('stop when the follower goes away', async () => {
    const { id } = await bench.begin(slow);
    const abort = new AbortController();
    const feed = await bench.events.follow(organisationId, id, 0, abort.signal);
    setTimeout(() => abort.abort(), 100);
    const seen: boolean[] = [];
    for await (const { terminal } of feed.events) seen.push(terminal);
    expect(new Set(seen)).toEqual(new Set([false]));
    await bench.control.cancel(organisationId, id);
  });
});

test('an execution that the engine has given up is ended as failed', async () => {
  const { id } = await bench.begin(slow);
  await until(() => worked.length === 1);
  await bench.engine.cancel([id]);
  const { engine, recorder } = bench;
  const lost = new LostExecutions({ orm: bench.database.orm, engine, recorder, fault: () => undefined });
  expect(await lost.end(0)).toEqual([id]);
  expect(await bench.queries.get(organisationId, id)).toMatchObject({
    status: 'failed',
    error: { code: 'internal_error' },
  });
  expect(await lost.end(0)).toEqual([]);
});

test('a lost execution whose caller cannot be told keeps no other from being ended', async () => {
  const ids = [(await bench.begin(slow)).id, (await bench.begin(slow)).id].sort();
  await until(() => worked.length === 2);
  const em = bench.database.orm.em.fork();
  await em.nativeUpdate(Execution, { id: ids[0]! }, { parentExecutionId: 'exec_caller' });
  await bench.engine.cancel(ids);
  const engine = {
    ended: (asked: string[]) => bench.engine.ended(asked),
    signal: () => Promise.reject(new TypeError('x is not a function')),
  } as unknown as typeof bench.engine;
  const { recorder } = bench;
  const lost = new LostExecutions({ orm: bench.database.orm, engine, recorder, fault: () => undefined });
  await lost.end(0);
  const ended = await Promise.all(ids.map((id) => bench.queries.get(organisationId, id)));
  expect(ended.map(({ status }) => status)).toEqual(['failed', 'failed']);
});

describe('a long wait', () => {
  const waiting = sketch({ a: W, b: { type: 'pause', params: { ms: 21_000 } }, c: W }, ['a -> b', 'b -> c']);

  test('keeps no process busy; the run goes on in time, without doing anything twice', async () => {
    const { id } = await bench.begin(waiting);
    await until(async () => (await bench.queries.get(organisationId, id)).status === 'waiting');
    await until(async () => (await bench.engine.health()).running === 0);
    expect((await bench.ended(id, 30_000)).status).toBe('completed');
    expect(worked).toEqual([`${id} a 1`, `${id} c 1`]);
    const types = (await bench.eventsOf(id)).map(({ type }) => type);
    expect(types.filter((type) => type === 'execution:waiting')).toHaveLength(1);
  });

  test('does not begin while another branch can go on', async () => {
    const definition = sketch({ a: { type: 'pause', params: { ms: 3_600_000 } }, b: { type: 'long' }, c: W }, [
      'b -> c',
    ]);
    const { id } = await bench.begin(definition);
    await until(() => worked.includes(`${id} c 1`));
    await until(async () => (await bench.engine.health()).running === 0);
    expect((await bench.control.cancel(organisationId, id)).status).toBe('cancelled');
    expect(await bench.engine.ended([id])).toEqual([id]);
  });
});
