import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ExecutionBench, organisationId } from '../../../test/executions/execution-bench.ts';
import { testNodeTypes, worked } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { begin, kill, Workers } from '../../../test/executions/workers.ts';
import type { WorkflowDefinition } from '../language/index.ts';
import { Execution, type ExecutionStatus } from './execution.entity.ts';
import { until } from '../../../test/until.ts';

function limited(concurrency: number, type: string, ms: number): WorkflowDefinition {
  return sketch({ a: { type, params: { ms } }, b: { type, params: { ms } } }, ['a -> b'], {
    settings: { concurrency },
  });
}

describe('in one process', () => {
  let bench: ExecutionBench;
  beforeAll(async () => {
    bench = await ExecutionBench.start(testNodeTypes);
  });
  afterEach(() => {
    worked.length = 0;
  });
  afterAll(() => bench.stop());

  async function beginMany(workflowId: string, count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push((await bench.beginOf(workflowId)).id);
    return ids;
  }

  async function statuses(ids: string[]): Promise<ExecutionStatus[]> {
    const executions = await bench.database.orm.em.fork().find(Execution, { id: { $in: ids } });
    const found = new Map(executions.map(({ id, status }) => [id, status]));
    return ids.map((id) => found.get(id)!);
  }

  test('with a limit of one, executions follow each other in the order of acceptance', async () => {
    const ids = await beginMany(bench.publish(limited(1, 'work', 60)), 5);
    await until(async () => (await statuses(ids))[0] === 'running');
    expect(await statuses(ids)).toEqual(['running', 'pending', 'pending', 'pending', 'pending']);
    const ended = await Promise.all(ids.map((id) => bench.ended(id)));
    expect(ended.map(({ status }) => status)).toEqual(Array(5).fill('completed'));
    for (let i = 1; i < 5; i++)
      expect(ended[i]!.startedAt!.getTime()).toBeGreaterThanOrEqual(ended[i - 1]!.completedAt!.getTime());
    expect(worked).toEqual(ids.flatMap((id) => [`${id} a 1`, `${id} b 1`]));
  });

  test('an execution that finds room after another has ended starts', async () => {
    const workflowId = bench.publish(limited(2, 'work', 1));
    await bench.ended((await bench.beginOf(workflowId)).id);
    const { id } = await bench.beginOf(workflowId);
    expect((await bench.ended(id)).status).toBe('completed');
  });

  test('as many run as may, and other workflows do not wait', async () => {
    const ids = await beginMany(bench.publish(limited(3, 'work', 60_000)), 5);
    await until(() => worked.length === 3);
    expect((await bench.run(limited(1, 'work', 1))).status).toBe('completed');
    await sleep(600);
    expect(await statuses(ids)).toEqual(['running', 'running', 'running', 'pending', 'pending']);
    for (const id of ids.toReversed()) await bench.control.cancel(organisationId, id);
  });

  test('one that is cancelled while it waits never starts; one that is cancelled at work makes room', async () => {
    const ids = await beginMany(bench.publish(limited(1, 'work', 60_000)), 3);
    await until(() => worked.length === 1);
    await bench.control.cancel(organisationId, ids[1]!);
    await bench.control.cancel(organisationId, ids[0]!);
    await until(() => worked.includes(`${ids[2]} a 1`));
    // What a run reports is written a moment after it began to work.
    await until(async () => (await statuses(ids))[2] === 'running');
    expect(await statuses(ids)).toEqual(['cancelled', 'cancelled', 'running']);
    expect(worked).not.toContain(`${ids[1]} a 1`);
    await bench.control.cancel(organisationId, ids[2]!);
  });

  test('one that fails makes room', async () => {
    const failing = sketch({ a: { type: 'work', params: { fail: 'no' } } }, [], { settings: { concurrency: 1 } });
    const ids = await beginMany(bench.publish(failing), 3);
    const ended = await Promise.all(ids.map((id) => bench.ended(id)));
    expect(ended.map(({ status }) => status)).toEqual(['failed', 'failed', 'failed']);
  });

  test('executions of a version without the limit start at once, and are counted', async () => {
    const free = sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []);
    const workflowId = bench.publish(free);
    const ids = await beginMany(workflowId, 2);
    bench.publish(limited(2, 'work', 1), workflowId);
    ids.push(...(await beginMany(workflowId, 1)));
    await sleep(700);
    expect(await statuses(ids)).toEqual(['running', 'running', 'pending']);
    await bench.control.cancel(organisationId, ids[0]!);
    expect((await bench.ended(ids[2]!)).status).toBe('completed');
    await bench.control.cancel(organisationId, ids[1]!);
  });

  test('nothing waits when the transaction of the start is rolled back', async () => {
    const { orm } = bench.database;
    const transaction = orm.em.fork().transactional(async (em) => {
      const group = { id: 'wf_rolled_back', concurrency: 1 };
      await bench.engine.submit([{ runId: 'rolled_back', body: 'graph@1', input: {}, group }], em);
      throw new Error('rolled back');
    });
    await expect(transaction).rejects.toThrow('rolled back');
    expect(await bench.engine.ended(['rolled_back'])).toEqual(['rolled_back']);
  });
});

describe('over processes', () => {
  let bench: ExecutionBench;
  let workers: Workers;
  beforeAll(async () => {
    bench = await ExecutionBench.start([]);
    await bench.stopEngine();
    workers = new Workers(bench.database.url);
  });
  afterEach(() => workers.clear());
  afterAll(async () => {
    workers.remove();
    await bench.database.drop();
  });

  const completed = (ids: string[]): Promise<Execution[]> => {
    const where = { id: { $in: ids }, status: 'completed' as const };
    return until(async () => {
      const found = await bench.database.orm.em.fork().find(Execution, where);
      return found.length === ids.length && found;
    });
  };

  test('two processes share the limit', async () => {
    const [one, other] = await Promise.all([workers.start(), workers.start()]);
    const definition = limited(3, 'journaled', 40);
    const ids = (await Promise.all([begin(one, definition, 10), begin(other, definition, 10)])).flat();
    // Who runs them is chance; until both have had a turn, there are more.
    await until(async () => {
      for (const worker of [one, other]) ids.push(...(await begin(worker, definition, 1)));
      await sleep(50);
      return new Set(workers.entries().map(({ pid }) => pid)).size === 2;
    });
    expect(maxAtOnce(await completed(ids))).toBe(3);
  });

  test('the place of a killed process goes to the run that goes on elsewhere, and then to the next', async () => {
    const doomed = await workers.start();
    const ids = await begin(doomed, limited(1, 'journaled', 200), 5);
    await until(() => workers.entries().length > 0);
    await kill(doomed);
    const survivor = await workers.start();
    const executions = await completed(ids);
    expect(maxAtOnce(executions)).toBe(1);
    const pids = workers.entries().map(({ pid }) => pid);
    expect(pids.at(-1)).toBe(survivor.pid);
  });

  test('kill -9 at random moments: the limit holds, and nobody waits for ever', async () => {
    const pool = await Promise.all([workers.start(), workers.start()]);
    const definition = limited(2, 'journaled', 30);
    const ids = (await Promise.all(pool.map((worker) => begin(worker, definition, 8)))).flat();
    for (let round = 0; round < 4; round++) {
      await sleep(100 + Math.random() * 300);
      const index = round % 2;
      await kill(pool[index]!);
      pool[index] = await workers.start();
    }
    expect(maxAtOnce(await completed(ids))).toBeLessThanOrEqual(2);
  });
});

/** How many of them were between their start and their end at one time, at most. */
function maxAtOnce(executions: readonly Execution[]): number {
  const activeAt = (at: Date): number =>
    executions.filter(({ startedAt, completedAt }) => startedAt! <= at && at < completedAt!).length;
  return Math.max(...executions.map(({ startedAt }) => activeAt(startedAt!)));
}
