import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createTestDatabase } from '../../../test/database.ts';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { openGate, testNodeTypes, worked } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { begin, kill, Workers } from '../../../test/executions/workers.ts';
import { controlNodes } from '../nodes/index.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { Execution, type ExecutionStatus } from './execution.entity.ts';
import { ExecutionHold } from './interpreter/execution-hold.ts';
import { until } from '../../../test/until.ts';

const W = { type: 'work' };
const status = async (bench: ExecutionBench, id: string): Promise<ExecutionStatus> =>
  (await bench.queries.get(organisationId, id)).status;

describe('in one process', () => {
  let bench: ExecutionBench;
  beforeAll(async () => {
    bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes]);
  });
  afterEach(() => {
    worked.length = 0;
  });
  afterAll(() => bench.stop());

  const resting = (): Promise<unknown> => until(async () => (await bench.engine.health()).running === 0);

  test('what is in flight comes to its end, nothing follows, and nothing runs twice', async () => {
    const { id } = await bench.begin(sketch({ a: { type: 'work', params: { gate: 'a' } }, b: W }, ['a -> b']));
    await until(() => worked.length === 1);
    expect(await bench.control.pause(organisationId, id)).toMatchObject({ id, status: 'paused' });
    openGate('a');
    await resting();
    expect([await status(bench, id), worked]).toEqual(['paused', [`${id} a 1`]]);
    expect(await bench.control.resume(organisationId, id)).toMatchObject({ id, status: 'running' });
    expect((await bench.ended(id)).status).toBe('completed');
    expect(worked).toEqual([`${id} a 1`, `${id} b 1`]);
    const types = (await bench.eventsOf(id)).map(({ type }) => type);
    expect(types.filter((type) => /paused|resumed/.test(type))).toEqual(['execution:paused', 'execution:resumed']);
    expect(types.at(-1)).toBe('execution:completed');
  });

  test('what ends while it is held shows so at once, and is told once', async () => {
    const retry = { max_attempts: 2, backoff: 'constant' as const, initial: '60s' };
    const nodes = {
      good: { type: 'work', params: { gate: 'four', value: 'done' } },
      bad: { type: 'work', params: { gate: 'four', fail: 'no' }, on_error: 'continue' as const },
      again: { type: 'work', params: { gate: 'four', fail: 'no' }, retry },
      each: {
        type: 'foreach',
        params: { items: [1], body: sketch({ in: { type: 'work', params: { gate: 'four' } } }, []) },
      },
    };
    const { id } = await bench.begin(
      sketch({ ...nodes, next: W } as never, ['good -> next'], { settings: { on_failure: 'continue' } }),
    );
    await until(() => worked.length === 4);
    await bench.control.pause(organisationId, id);
    openGate('four');
    await resting();
    expect(await bench.steps(id)).toEqual({
      good: 'completed',
      bad: 'failed',
      again: 'waiting',
      each: 'running',
      'each[0].in': 'completed',
    });
    const good = await bench.step(id, 'good');
    expect(good).toMatchObject({ output: 'done', port: 'default', completedAt: expect.any(Date) });
    expect((await bench.step(id, 'bad')).error).toMatchObject({ code: 'no', node_id: 'bad' });
    const ends = async (): Promise<string[]> =>
      (await bench.eventsOf(id))
        .filter(({ type }) => /node:(completed|failed)/.test(type))
        .map(({ type, data }) => `${type} ${String(data.node_id)}`)
        .sort();
    const told = ['node:completed each[0].in', 'node:completed good', 'node:failed again', 'node:failed bad'];
    expect(await ends()).toEqual(told);
    await bench.control.resume(organisationId, id);
    await until(async () => (await bench.steps(id)).next === 'completed');
    await until(async () => (await bench.steps(id)).each === 'completed');
    expect(await ends()).toEqual([...told, 'node:completed each', 'node:completed next'].sort());
    expect((await bench.step(id, 'good')).completedAt).toEqual(good.completedAt);
    await bench.control.cancel(organisationId, id);
  });

  describe('paused for longer than its time limit', () => {
    const seconds = 3;
    const settings = { timeout: `${seconds}s` };
    const beyond = seconds * 1_000 + 500;
    const inner = { type: 'work', params: { ms: beyond } };
    const retry = { max_attempts: 2, backoff: 'constant', initial: `${beyond}ms` };
    const ask = { type: 'approval', params: { message: 'May it?' } };
    const definitions = {
      step: sketch({ a: inner, b: W }, ['a -> b'], { settings }),
      delay: sketch({ a: { type: 'pause', params: { ms: beyond } }, b: W }, ['a -> b'], { settings }),
      retry: sketch({ a: { type: 'work', params: { fail: 'no', times: 1 }, retry } } as never, [], { settings }),
      branches: sketch(
        { a: { type: 'pause', params: { ms: beyond } }, b: W, c: inner, d: { type: 'long' }, e: W },
        ['b -> d', 'c -> d e', 'a -> e'],
        { settings },
      ),
      asks: sketch({ a: ask, b: W }, ['a:approved -> b'], { settings }),
      asksBriefly: sketch({ a: { ...ask, params: { message: 'May it?', timeout: '2s' } }, b: W }, ['a:timeout -> b'], {
        settings,
      }),
      over: sketch({ a: { type: 'pause', params: { ms: 60_000 } } }, [], { settings }),
    };
    type Name = keyof typeof definitions | 'calls';
    const ids = new Map<Name, string>();
    const each = async (work: (id: string) => Promise<unknown>): Promise<void> => {
      for (const id of ids.values()) await work(id);
    };
    const ended = (name: Name): Promise<Execution> => bench.ended(ids.get(name)!);
    const wait = (name: Name): Promise<ExecutionWait> =>
      bench.database.orm.em.fork().findOneOrFail(ExecutionWait, { executionId: ids.get(name)! });
    let announced: Date | null | undefined;

    beforeAll(async () => {
      const workflow_id = bench.publish(sketch({ in: inner }, []));
      const calls = sketch({ a: { type: 'workflow.call', params: { workflow_id } }, b: W }, ['a -> b'], { settings });
      for (const [name, definition] of Object.entries({ ...definitions, calls }))
        ids.set(name as Name, (await bench.begin(definition)).id);
      await each((id) => until(async () => ['running', 'waiting'].includes((await bench.steps(id)).a ?? '')));
      await until(async () => (await bench.steps(ids.get('asks')!)).a === 'waiting');
      await until(async () => (await bench.steps(ids.get('retry')!)).a === 'waiting');
      announced = (await wait('asks')).endsAt;
      await each((id) => bench.control.pause(organisationId, id));
      const pausedAt = Date.now();
      await until(() => Date.now() > pausedAt + beyond);
      await each((id) => bench.control.resume(organisationId, id));
    });

    test.each<[Name]>([['step'], ['delay'], ['retry'], ['branches'], ['calls']])('%s: it goes on', async (name) => {
      expect(await ended(name)).toMatchObject({ status: 'completed', error: null });
      expect(bench.faults).toEqual([]);
    });

    test('a wait that only the limit ends announces another end', async () => {
      await until(async () => (await wait('asks')).endsAt! > announced!);
      await bench.database.orm.em.fork().transactional(async (em) => {
        const open = await em.findOneOrFail(ExecutionWait, { executionId: ids.get('asks')! });
        await bench.waits.answer(open, { status: 'approved' }, em);
      });
      expect((await ended('asks')).status).toBe('completed');
    });

    test('a wait with a time-out of its own ends as it was announced', async () => {
      expect((await ended('asksBriefly')).status).toBe('completed');
      expect((await bench.steps(ids.get('asksBriefly')!)).b).toBe('completed');
    });

    test('the limit goes on where it was', async () => {
      expect((await ended('over')).error).toMatchObject({ code: 'execution_timeout' });
    });
  });

  test('branches with several commands go on in order, however often they are held', async () => {
    const L = { type: 'long' };
    const nodes = { a: L, b: { type: 'work', params: { ms: 40 } }, c: L, d: W, e: L, f: W };
    const edges = ['a -> d', 'b -> d e', 'c -> e', 'd -> f', 'e -> f'];
    for (let round = 0; round < 8; round++) {
      const { id } = await bench.begin(sketch(nodes, edges));
      for (let pauses = 0; pauses < 4; pauses++) {
        const paused = await bench.control.pause(organisationId, id).catch(() => undefined);
        if (!paused) break;
        if (pauses % 2 === round % 2) await resting();
        // It may have come to its end just before it heard of the pause.
        if ((await status(bench, id)) !== 'paused') break;
        await bench.control.resume(organisationId, id).catch(() => undefined);
      }
      expect((await bench.ended(id)).status).toBe('completed');
      const mine = worked.filter((entry) => entry.startsWith(id));
      expect(mine).toHaveLength(9);
      expect(new Set(mine.filter((entry) => !/ (one|two)$/.test(entry))).size).toBe(3);
    }
    expect(bench.faults).toEqual([]);
  });

  test('no further attempt begins at a node that waits for one', async () => {
    const retry = { max_attempts: 2, backoff: 'constant' as const, initial: '300ms' };
    const definition = sketch({ a: { type: 'work', params: { fail: 'no', times: 1 }, retry } }, []);
    const { id } = await bench.begin(definition);
    await until(async () => (await bench.steps(id)).a === 'waiting');
    await bench.control.pause(organisationId, id);
    await resting();
    expect(worked).toEqual([`${id} a 1`]);
    await bench.control.resume(organisationId, id);
    expect((await bench.ended(id)).status).toBe('completed');
    expect(worked).toEqual([`${id} a 1`, `${id} a 2`]);
  });

  test('one that waits for a place does not begin when it gets it', async () => {
    const definition = sketch({ a: { type: 'work', params: { ms: 60_000 } } }, [], { settings: { concurrency: 1 } });
    const workflowId = bench.publish(definition);
    const [first, second] = [await bench.beginOf(workflowId), await bench.beginOf(workflowId)];
    await until(() => worked.length === 1);
    await bench.control.pause(organisationId, second.id);
    await bench.control.cancel(organisationId, first.id);
    await until(async () => (await bench.engine.health()).running === 0);
    expect(await bench.queries.get(organisationId, second.id)).toMatchObject({ status: 'paused', startedAt: null });
    expect(await bench.control.resume(organisationId, second.id)).toMatchObject({ status: 'pending' });
    await until(() => worked.includes(`${second.id} a 1`));
    await bench.control.cancel(organisationId, second.id);
  });

  test('one that had begun before its process heard of the pause is running when it is resumed', async () => {
    const { id } = await bench.begin(sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []));
    await until(async () => (await status(bench, id)) === 'running');
    const em = bench.database.orm.em.fork();
    await em.nativeUpdate(Execution, { id }, { status: 'paused', pausedFrom: 'pending' });
    expect((await bench.control.resume(organisationId, id)).status).toBe('running');
    await bench.control.cancel(organisationId, id);
  });

  test('a decision waits until it goes on', async () => {
    const { id } = await bench.begin(
      sketch({ ask: { type: 'approval', params: { message: 'May it?' } }, b: W }, ['ask:approved -> b']),
    );
    await until(async () => (await bench.steps(id)).ask === 'waiting');
    await bench.control.pause(organisationId, id);
    await bench.database.orm.em.fork().transactional(async (em) => {
      const wait = await em.findOneOrFail(ExecutionWait, { executionId: id });
      await bench.waits.answer(wait, { status: 'approved' }, em);
    });
    await resting();
    expect([await status(bench, id), worked]).toEqual(['paused', []]);
    await bench.control.resume(organisationId, id);
    expect((await bench.ended(id)).status).toBe('completed');
  });

  test('whether it is held is not known from the news of a pause on until the row is read', async () => {
    const { id } = await bench.begin(sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []));
    const hold = new ExecutionHold(bench.database.orm, bench.live, id, false);
    expect(hold.known).toBeUndefined();
    await bench.control.pause(organisationId, id);
    const seen = [hold.known === undefined, hold.isHeld()];
    while (hold.known) await hold.known;
    expect([...seen, hold.isHeld()]).toEqual([false, false, true]);
    hold.stop();
    await bench.control.cancel(organisationId, id);
  });

  test('a paused execution can be cancelled', async () => {
    const { id } = await bench.begin(sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []));
    await bench.control.pause(organisationId, id);
    expect((await bench.control.cancel(organisationId, id)).status).toBe('cancelled');
    await resting();
  });

  test('what has ended or is paused is not paused, what is not paused not resumed', async () => {
    const { id } = await bench.begin(sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []));
    const conflict = { code: 'execution_status_conflict' };
    await expect(bench.control.resume(organisationId, id)).rejects.toMatchObject(conflict);
    await bench.control.pause(organisationId, id);
    await expect(bench.control.pause(organisationId, id)).rejects.toMatchObject(conflict);
    await bench.control.cancel(organisationId, id);
    await expect(bench.control.pause(organisationId, id)).rejects.toMatchObject(conflict);
    await expect(bench.control.resume(organisationId, id)).rejects.toMatchObject(conflict);
  });
});

test('kill -9: a paused execution stays so in the next process, and goes on there when it is resumed', async () => {
  const database = await createTestDatabase();
  const workers = new Workers(database.url);
  try {
    const first = await workers.start();
    const journaled = { type: 'journaled', params: { ms: 200 } };
    const ids = await begin(first, sketch({ a: journaled, b: journaled, c: journaled }, ['a -> b', 'b -> c']), 3);
    const began = (): string[] => workers.entries().flatMap(({ what, key }) => (what === 'begin' ? [key] : []));
    const look = () => database.orm.em.fork().find(Execution, { id: { $in: ids } });
    for (const id of ids) first.send({ pause: id });
    await until(async () => (await look()).every(({ status: now }) => now === 'paused'));
    await kill(first);
    const second = await workers.start();
    // Only what was in flight runs again.
    await until(async () => {
      const [row] = await database.orm.em
        .fork()
        .execute<{ resting: number }[]>(
          `select count(*)::int as resting from dbos.workflow_status where status = 'DELAYED'`,
        );
      return row!.resting === ids.length;
    });
    expect((await look()).map(({ status: now }) => now)).toEqual(['paused', 'paused', 'paused']);
    expect(began().filter((key) => key.includes(':c:'))).toEqual([]);
    for (const id of ids) second.send({ resume: id });
    await until(async () => (await look()).every(({ status: now }) => now === 'completed'));
    const counts = ids.map((id) => new Set(began().filter((key) => key.startsWith(id))).size);
    expect(counts).toEqual([3, 3, 3]);
  } finally {
    await workers.clear();
    workers.remove();
    await database.drop();
  }
});
