import { type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MikroORM } from '@mikro-orm/postgresql';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { hashOf } from '../../src/domain/language/index.ts';
import { DefinitionStore } from '../../src/domain/execution/definition-store.ts';
import { Execution } from '../../src/domain/execution/execution.entity.ts';
import { Step } from '../../src/domain/execution/step.entity.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/database/embedded-postgres.ts';
import { migrate } from '../../src/platform/database/migrate.ts';
import { createOrm } from '../../src/platform/database/orm.ts';
import { sketch } from '../executions/sketch.ts';
import { begin, kill, Workers } from '../executions/workers.ts';
import { TcpGate } from '../tcp-gate.ts';
import { SeededRandom } from './seeded-random.ts';
import { Receiver } from './receiver.ts';

/**
 * Real worker processes under kill -9, stops and a PostgreSQL that goes away, at moments that follow from a seed:
 * `CHAOS_SEED=7 CHAOS_EXECUTIONS=1000 CHAOS_SECONDS=120 npm run test:chaos`.
 */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const executions = Number(process.env.CHAOS_EXECUTIONS ?? 150);
const seconds = Number(process.env.CHAOS_SECONDS ?? 10);
/** For the executions to end once the chaos has; a busy machine is slow. */
const patience = 240_000;

// A mishap under way when the time is over is waited for, and on a busy machine new workers start slowly.
jest.setTimeout(4 * seconds * 1_000 + patience + 120_000);

const random = new SeededRandom(seed);
const receiver = new Receiver();
const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-chaos-'));
let postgres: EmbeddedPostgres;
let gate: TcpGate;
let orm: MikroORM;
let workers: Workers;

beforeAll(async () => {
  process.stdout.write(`chaos: CHAOS_SEED=${seed} CHAOS_EXECUTIONS=${executions} CHAOS_SECONDS=${seconds}\n`);
  chmodSync(dataDir, 0o755);
  postgres = await startPostgres();
  gate = new TcpGate(targetOf(postgres));
  await gate.open();
  const url = new URL(postgres.url);
  url.port = String(gate.port);
  orm = await createOrm({ url: url.href });
  await migrate(orm, url.href);
  workers = new Workers(url.href, { RECEIVER_URL: await receiver.start(), TENANT_LIMIT: '60' });
});

afterAll(async () => {
  await workers.clear();
  workers.remove();
  await orm.close(true);
  await receiver.stop();
  await gate.shut();
  await postgres.stop();
  rmSync(postgres.store, { recursive: true, force: true });
  rmSync(dataDir, { recursive: true, force: true });
});

function startPostgres(): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, database: 'chaos', throwaway: true });
}

function targetOf({ url }: EmbeddedPostgres): { host: string; port: number } {
  return { host: '127.0.0.1', port: Number(new URL(url).port) };
}

const effect = (params: object = {}) => ({ type: 'effect', params: { ...params } });
const retry = { max_attempts: 4, backoff: 'constant' as const, initial: '50ms' };
const body = (...parameters: Parameters<typeof sketch>) => JSON.parse(JSON.stringify(sketch(...parameters)));

const child = sketch({ x: effect(), y: effect() }, ['x -> y'], { output: '{{ steps.y.output }}' });
const definition = sketch(
  {
    first: { ...effect({ refuse: 1 }), retry },
    left: effect({ ms: 30 }),
    right: effect({ ms: 60 }),
    fan: {
      type: 'parallel',
      params: { branches: { one: body({ p: effect() }, []), two: body({ q: effect({ ms: 20 }) }, []) } },
    },
    each: {
      type: 'foreach',
      params: { items: ['a', 'b', 'c'], concurrency: 2, body: body({ f: effect(), g: effect() }, ['f -> g']) },
    },
    ask: { type: 'approval', params: { message: 'Go on?' } },
    rest: { type: 'delay', params: { duration: '300ms' } },
    call: { type: 'called', params: { hash: hashOf(child) } },
    last: effect(),
  },
  [
    'first -> left right',
    'left -> fan',
    'right -> each',
    'fan -> ask',
    'each -> ask',
    'ask:approved -> rest',
    'rest -> call',
    'call -> last',
  ],
  { output: '{{ steps.last.output }}' },
);
/** Nodes with an effect, each with those that end before it begins. */
const before: Readonly<Record<string, readonly string[]>> = {
  left: ['first'],
  right: ['first'],
  'fan[one].p': ['left'],
  'fan[two].q': ['left'],
  'each[0].f': ['right'],
  'each[0].g': ['each[0].f'],
  'each[1].f': ['right'],
  'each[1].g': ['each[1].f'],
  'each[2].f': ['right'],
  'each[2].g': ['each[2].f'],
  last: ['fan[one].p', 'fan[two].q', 'each[0].g', 'each[1].g', 'each[2].g'],
};

test('workers and database fall over at random: every execution ends right, and nothing that is done is done again', async () => {
  await new DefinitionStore(orm).keep('org_test', child, orm.em.fork());
  const pool = await Promise.all([workers.start(), workers.start(), workers.start()]);
  const ids = await beginAll(pool);
  let over = false;
  const approving = approveUntil(pool, () => over);
  const mishaps = await wreak(pool);
  await allEnded(ids);
  over = true;
  await approving;
  await checkRecords(ids);
  checkEffects(ids);
  const repeated = [...receiver.arrivals.values()].filter((arrivals) => arrivals.length > 1).length;
  process.stdout.write(
    `chaos: ${ids.length} executions with a child each ended through ${mishaps} mishaps; ` +
      `${repeated} of ${receiver.arrivals.size} attempts were in flight at one and arrived again\n`,
  );
});

async function beginAll(pool: readonly ChildProcess[]): Promise<string[]> {
  const share = Math.ceil(executions / pool.length);
  return (await Promise.all(pool.map((worker) => begin(worker, definition, share)))).flat();
}

async function approveUntil(pool: readonly ChildProcess[], over: () => boolean): Promise<void> {
  while (!over()) {
    for (const worker of pool) if (worker.connected) worker.send({ approve: true }, () => undefined);
    await sleep(200);
  }
}

/** Until the time is over: somebody dies, stands still or goes away for a while. Answers how often. */
async function wreak(pool: ChildProcess[]): Promise<number> {
  let mishaps = 0;
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; await sleep(random.between(200, 1_000))) {
    mishaps += 1;
    const index = Math.floor(random.between(0, pool.length));
    const mishap = random.oneOf(['kill', 'kill', 'stop', 'database'] as const);
    if (mishap === 'kill') {
      await kill(pool[index]!);
      pool[index] = await startAgain();
    } else if (mishap === 'stop') {
      pool[index]!.kill('SIGSTOP');
      await sleep(random.between(500, 4_000));
      pool[index]!.kill('SIGCONT');
    } else {
      await postgres.stop();
      await sleep(random.between(0, 1_500));
      postgres = await startPostgres();
      gate.aim(targetOf(postgres));
    }
  }
  return mishaps;
}

/** The database may be away at the moment. */
async function startAgain(): Promise<ChildProcess> {
  for (;;) {
    try {
      return await workers.start();
    } catch {
      await sleep(200);
    }
  }
}

async function allEnded(ids: readonly string[]): Promise<void> {
  for (const deadline = Date.now() + patience; ; await sleep(200)) {
    const where = { id: { $in: [...ids] }, completedAt: null };
    const open = await orm.em.fork().find(Execution, where, { fields: ['id', 'status'] });
    if (open.length === 0) return;
    if (Date.now() > deadline) throw new Error(`${open.length} are stuck, such as ${await describeRuns(open)}.`);
  }
}

/** How the engine sees them. */
async function describeRuns(open: readonly { id: string }[]): Promise<string> {
  const rows = await orm.em.getConnection().execute<object[]>(
    `select run.workflow_uuid as id, run.status, run.queue_name, run.executor_id, run.recovery_attempts, execution.status as told,
            (select json_agg(json_build_array(node_id, status, attempt)) from step
              where execution_id = execution.id and status <> 'completed') as steps,
            (select json_agg(json_build_array(kind, status)) from execution_wait where execution_id = execution.id) as waits
       from execution left join dbos.workflow_status run on run.workflow_uuid = execution.id
      where execution.id in (${open
        .slice(0, 5)
        .map(() => '?')
        .join(', ')})`,
    open.slice(0, 5).map(({ id }) => id),
  );
  return JSON.stringify(rows);
}

/** Every execution has completed with its output, every step with it, and every child. */
async function checkRecords(ids: readonly string[]): Promise<void> {
  const found = await orm.em.fork().find(Execution, { workflowId: 'wf_test' });
  const wrong = found.filter(({ status }) => status !== 'completed');
  expect(wrong.map(({ id, status, error }) => ({ id, status, error }))).toEqual([]);
  expect(found).toHaveLength(ids.length * 2);
  for (const { id, output } of found) if (ids.includes(id)) expect(output).toBe(`${id}:last:1`);
  const open = await orm.em.fork().count(Step, { status: { $ne: 'completed' } });
  expect(open).toBe(0);
}

/** Every effect has arrived; the ones that arrived again were in flight when something fell over. */
function checkEffects(ids: readonly string[]): void {
  const again: string[] = [];
  for (const id of ids) {
    expect(receiver.arrivals.get(`${id}:first:1`)?.every(({ refused }) => refused)).toBe(true);
    for (const [node, earlier] of Object.entries(before)) {
      const began = receiver.firstOf(`${id}:${node}`)?.at;
      if (began === undefined) throw new Error(`The effect of ${node} of ${id} never arrived.`);
      for (const done of earlier) {
        const late = [...receiver.arrivals]
          .filter(([key]) => key.startsWith(`${id}:${done}:`))
          .flatMap(([key, arrivals]) => arrivals.filter((arrival) => arrival.began > began).map(() => key));
        again.push(...late);
      }
    }
  }
  expect(again).toEqual([]);
}
