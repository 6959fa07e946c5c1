import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import { miscounted } from '../../../test/executions/miscounted.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import { begin, kill, Workers } from '../../../test/executions/workers.ts';
import { hashOf } from '../language/index.ts';
import { ExecutionEvent } from './execution-event.entity.ts';
import { Execution } from './execution.entity.ts';
import { Step } from './step.entity.ts';
import { until } from '../../../test/until.ts';

let database: TestDatabase;
let workers: Workers;

beforeAll(async () => {
  database = await createTestDatabase();
  workers = new Workers(database.url);
});
afterEach(() => workers.clear());
afterAll(async () => {
  workers.remove();
  await database.drop();
});

/** How often each step began. */
function begun(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { what, key } of workers.entries()) if (what === 'begin') counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

async function statuses(ids: string[]): Promise<Record<string, number>> {
  const executions = await database.orm.em.fork().find(Execution, { id: { $in: ids } });
  const counts: Record<string, number> = {};
  for (const { status } of executions) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

async function allCompleted(ids: string[]): Promise<void> {
  const seen = (): Promise<Record<string, number>> => statuses(ids);
  await until(async () => (await seen()).completed === ids.length, { within: 60_000, seen });
}

/** Each execution has every event once, and its end once and last; its bytes are counted once, however often it was told. */
async function expectWholeLogs(ids: string[], steps: number): Promise<void> {
  expect(await miscounted(database.orm.em)).toEqual([]);
  for (const executionId of ids) {
    const events = await database.orm.em.fork().find(ExecutionEvent, { executionId }, { orderBy: { sequence: 'asc' } });
    const types = events.map(({ type }) => type);
    expect(types.at(-1)).toBe('execution:completed');
    expect(types.filter((type) => type.startsWith('execution:') && type !== 'execution:progress')).toEqual([
      'execution:started',
      'execution:completed',
    ]);
    expect(types.filter((type) => type === 'node:completed')).toHaveLength(steps);
    const rows = await database.orm.em.fork().find(Step, { executionId });
    expect(rows.map(({ status }) => status)).toEqual(Array(steps).fill('completed'));
  }
}

const J = { type: 'journaled', params: { ms: 80 } };
const chain = sketch({ a: J, b: { type: 'pure' }, c: J, d: J, e: J }, ['a -> b', 'b -> c', 'c -> d', 'd -> e']);
const diamonds = sketch(
  {
    a: J,
    b: J,
    c: { type: 'journaled', params: { ms: 20 } },
    d: J,
    e: J,
    f: { type: 'journaled', params: { ms: 40 } },
    g: J,
  },
  ['a -> b c', 'b -> d', 'c -> d', 'd -> e f', 'e -> g', 'f -> g'],
);

test('kill -9: another process goes on, and no completed step runs again', async () => {
  const [doomed, survivor] = await Promise.all([workers.start(), workers.start()]);
  const ids = await begin(doomed, chain, 10);
  await sleep(180);
  await kill(doomed);
  await allCompleted(ids);
  const takenUp = workers.entries().filter(({ what, pid }) => what === 'begin' && pid === survivor.pid);
  expect(takenUp).not.toEqual([]);
  const counts = begun();
  expect(counts.size).toBe(ids.length * 4);
  for (const id of ids) {
    const again = [...counts].filter(([key, count]) => key.startsWith(id) && count > 1);
    expect(again.length).toBeLessThanOrEqual(1);
    expect(again.every(([, count]) => count === 2)).toBe(true);
  }
  await expectWholeLogs(ids, 5);
});

test('kill -9 at random moments, over and over: nothing is lost, nothing is stuck', async () => {
  const pool = await Promise.all([workers.start(), workers.start(), workers.start()]);
  const ids = (await Promise.all(pool.map((worker) => begin(worker, diamonds, 8)))).flat();
  for (let round = 0; round < 6; round++) {
    await sleep(100 + Math.random() * 300);
    const index = Math.floor(Math.random() * pool.length);
    await kill(pool[index]!);
    pool[index] = await workers.start();
  }
  await allCompleted(ids);
  await expectWholeLogs(ids, 7);
  expect(begun().size).toBe(ids.length * 7);
});

test('a process that stands still is replaced, and fenced off when it goes on', async () => {
  const [stopped] = await Promise.all([workers.start(), workers.start()]);
  const ids = await begin(stopped, chain, 5);
  await sleep(150);
  stopped.kill('SIGSTOP');
  await allCompleted(ids);
  const before = begun();
  stopped.kill('SIGCONT');
  await sleep(1_000);
  // What it was in the middle of comes to its end, without effect; it begins nothing.
  expect(begun()).toEqual(before);
  await expectWholeLogs(ids, 5);
});

test('a process that stops in good order leaves its waiting runs to the others', async () => {
  const [leaving] = await Promise.all([workers.start(), workers.start()]);
  const waiting = sketch({ a: J, b: { type: 'pause', params: { ms: 1_000 } }, c: J }, ['a -> b', 'b -> c']);
  const ids = await begin(leaving, waiting, 5);
  await sleep(400);
  const exit = once(leaving, 'exit');
  leaving.send({ stop: 2_000 });
  await exit;
  await allCompleted(ids);
  expect([...begun().values()].every((count) => count === 1)).toBe(true);
});

test('a cancellation in one process reaches the step that another runs', async () => {
  const [running, other] = await Promise.all([workers.start(), workers.start()]);
  const [id] = await begin(running, sketch({ a: { type: 'journaled', params: { ms: 10_000 } } }, []), 1);
  await until(() => workers.entries().length > 0);
  other.send({ cancel: id });
  const stopped = await until(() => workers.entries().find(({ what }) => what === 'stop'));
  expect(stopped).toMatchObject({ key: `${id}:a:1`, pid: running.pid });
});

test('lost database connections are made again, and runs go on', async () => {
  const workersAtWork = await Promise.all([workers.start(), workers.start()]);
  const ids = (await Promise.all(workersAtWork.map((worker) => begin(worker, diamonds, 5)))).flat();
  for (let round = 0; round < 3; round++) {
    await sleep(150);
    await database.orm.em.getConnection().execute(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name <> 'flowpact_test'`,
    );
  }
  await allCompleted(ids);
  await expectWholeLogs(ids, 7);
});

const journaledNode = (id: string, ms: number) => ({ id, type: 'journaled', params: { ms } });
const child = sketch({ c: { type: 'journaled', params: { ms: 60 } }, d: { type: 'pause', params: { ms: 50 } } }, [
  'c -> d',
]);
const steering = sketch(
  {
    a: J,
    each: {
      type: 'foreach',
      params: {
        items: [1, 2, 3, 4],
        concurrency: 2,
        body: {
          nodes: [journaledNode('x', 40), journaledNode('y', 20)],
          edges: [{ id: 'e', from: 'x', to: 'y', port: 'default' }],
        },
      },
    },
    fan: {
      type: 'parallel',
      params: {
        branches: {
          left: { nodes: [journaledNode('l', 50)], edges: [] },
          right: { nodes: [{ id: 'p', type: 'pause', params: { ms: 60 } }], edges: [] },
        },
      },
    },
    sub: { type: 'called', params: { hash: hashOf(child) } },
    z: J,
  },
  ['a -> each fan sub', 'each -> z', 'fan -> z', 'sub -> z'],
);

test('kill -9 in loops, branches and calls: the same course, one call each, nothing lost', async () => {
  const pool = await Promise.all([workers.start(), workers.start()]);
  // Has the definition stored, by whose hash it is called.
  await allCompleted(await begin(pool[0]!, child, 1));
  const ids = (await Promise.all(pool.map((worker) => begin(worker, steering, 6)))).flat();
  for (let round = 0; round < 5; round++) {
    await sleep(100 + Math.random() * 300);
    const index = Math.floor(Math.random() * pool.length);
    await kill(pool[index]!);
    pool[index] = await workers.start();
  }
  await allCompleted(ids);
  const em = database.orm.em.fork();
  const called = await em.find(Execution, { parentExecutionId: { $in: ids } });
  expect(called.map(({ status }) => status)).toEqual(Array(ids.length).fill('completed'));
  const paths = ['a', 'each', 'fan', 'fan[left].l', 'fan[right].p', 'sub', 'z'];
  for (const index of [0, 1, 2, 3]) paths.push(`each[${index}].x`, `each[${index}].y`);
  for (const executionId of ids) {
    const steps = await em.find(Step, { executionId });
    expect(Object.fromEntries(steps.map(({ nodeId, status }) => [nodeId, status]))).toEqual(
      Object.fromEntries(paths.map((path) => [path, 'completed'])),
    );
    const events = await em.find(ExecutionEvent, { executionId, type: 'node:completed' });
    expect(events).toHaveLength(paths.length);
  }
  expect(await miscounted(em)).toEqual([]);
  const ofParents = [...begun().keys()].filter((key) => ids.some((id) => key.startsWith(id)));
  expect(ofParents).toHaveLength(ids.length * 11);
});
