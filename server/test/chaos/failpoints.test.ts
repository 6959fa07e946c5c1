import { type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { Execution } from '../../src/domain/execution/execution.entity.ts';
import { Step } from '../../src/domain/execution/step.entity.ts';
import { type Failpoint, failpoints } from '../../src/domain/failpoints.ts';
import { hashOf } from '../../src/domain/language/index.ts';
import { createTestDatabase, type TestDatabase } from '../database.ts';
import { sketch } from '../executions/sketch.ts';
import { kill, Workers } from '../executions/workers.ts';
import { until } from '../until.ts';
import { Receiver } from './receiver.ts';
import { servicePoints } from './service-points.ts';

/**
 * Stops a worker at every point between two statements of a protocol, and there kills it, cuts its connections, or lets it
 * stand still until others have taken its runs over. A run does one of the three at each point, and the seed says which;
 * `CHAOS_SEED=7 npm run test:chaos` does the same again, `CHAOS_EVERY_HARM=1 npm run test:chaos` does all three everywhere.
 */
const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1e9));
const points = failpoints.filter((point) => !(servicePoints as readonly string[]).includes(point));
/** Generous: a busy machine takes ten times as long. */
const patience = 300_000;

jest.setTimeout(2 * patience);

const folder = mkdtempSync(join(tmpdir(), 'flowpact-failpoints-'));
const reachedFile = join(folder, 'reached');
const receiver = new Receiver();
let database: TestDatabase;
let workers: Workers;
let pool: ChildProcess[] = [];

beforeAll(async () => {
  const environment = {
    RECEIVER_URL: await receiver.start(),
    FAILPOINTS: reachedFile,
    SUSPEND_SOON: '1',
    TENANT_LIMIT: '20',
  };
  database = await createTestDatabase();
  workers = new Workers(database.url, environment);
});
afterEach(async () => {
  await workers.clear();
  pool = [];
});
afterAll(async () => {
  workers.remove();
  await receiver.stop();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

const effect = (params: object = {}) => ({ type: 'effect', params: { ...params } });
const child = sketch({ y: effect() }, [], { output: '{{ steps.y.output }}' });
const whole = sketch(
  {
    first: effect(),
    ask: { type: 'approval', params: { message: 'Go on?' } },
    never: { type: 'wait.event', params: { timeout: '500ms' } },
    nap: { type: 'delay', params: { duration: '450ms' } },
    call: { type: 'called', params: { hash: hashOf(child) } },
    last: effect(),
  },
  ['first -> ask', 'ask:approved -> never', 'never:timeout -> nap', 'nap -> call', 'call -> last'],
  { output: '{{ steps.last.output }}' },
);
const limited = sketch({ one: effect({ ms: 20 }) }, [], { settings: { concurrency: 1 } });
const slow = sketch({ one: effect({ ms: 150 }), two: effect({ ms: 150 }) }, ['one -> two']);
const napping = sketch({ nap: { type: 'delay', params: { duration: '1h' } } }, []);

/** What brings a worker to a point; the rest is on the way of the whole workflow. */
const ways: Partial<Record<Failpoint, () => void>> = {
  'admission.locked': () => tell({ begin: limited, count: 3 }),
  'admission.moved': () => tell({ begin: limited, count: 3 }),
  'cancel.stored': cancelSome,
  'cancel.cancelled': cancelSome,
  'cancel.committed': cancelSome,
  'hold.locked': pauseSome,
  'hold.suspended': pauseSome,
  'pause.committed': pauseSome,
  'resume.stored': pauseSome,
};

/** Reached when a worker dies, and when one is new. */
const beginAnew: ReadonlySet<Failpoint> = new Set(['take-over.found', 'take-over.queued', 'slots.locked']);

/** To a worker that lives. */
function tell(message: object): void {
  const living = pool.filter(({ connected }) => connected);
  living[Math.floor(Math.random() * living.length)]?.send(message, () => undefined);
}

const tellAll = (message: object): void =>
  pool.forEach((worker) => worker.connected && worker.send(message, () => undefined));

function cancelSome(): void {
  tell({ begin: napping, workflowId: 'wf_cancelled' });
  tell({ cancelSome: 'wf_cancelled' });
}

function pauseSome(): void {
  tell({ begin: slow, workflowId: 'wf_paused' });
  setTimeout(() => tell({ pauseSome: 'wf_paused' }), 100);
  setTimeout(() => tell({ resumeSome: 'wf_paused' }), 1_500);
}

/** Workers that stand at a point, in the order in which they came there. */
function stopped(): number[] {
  const lines = existsSync(reachedFile) ? readFileSync(reachedFile, 'utf8').trim().split('\n') : [];
  return lines.map((line) => Number(line.split(' ')[0]));
}

const workerOf = (pid: number): ChildProcess | undefined => pool.find((worker) => worker.pid === pid);

/** Has the workers do what leads to the point, until one of them stands there. */
async function leadTo(point: Failpoint): Promise<void> {
  rmSync(reachedFile, { force: true });
  tellAll({ arm: point });
  const way = ways[point] ?? (() => tell({ begin: whole }));
  let next = 0;
  let nextDeath = beginAnew.has(point) ? Date.now() + 1_500 : Infinity;
  await until(
    async () => {
      if (stopped().length > 0) return true;
      if (Date.now() >= nextDeath) {
        await replace(pool[0]!);
        tellAll({ arm: point });
        nextDeath = Date.now() + 6_000;
      }
      if (Date.now() < next) return false;
      way();
      tellAll({ approve: true });
      next = Date.now() + 700;
      return false;
    },
    { within: patience, seen: () => point },
  );
}

async function replace(worker: ChildProcess): Promise<void> {
  await kill(worker);
  pool.splice(pool.indexOf(worker), 1);
  pool.push(await workers.start());
}

const cutAll = (): Promise<unknown> =>
  database.orm.em.getConnection().execute(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name <> 'flowpact_test' and pid <> pg_backend_pid()`,
  );

const harms = {
  kill: (worker) => replace(worker),
  cut: async (worker) => {
    await cutAll();
    worker.kill('SIGCONT');
  },
  /** Longer than the second and a half after which others take over. */
  stop: async (worker) => {
    await sleep(2_500);
    worker.kill('SIGCONT');
  },
} satisfies Record<string, (worker: ChildProcess) => Promise<void>>;

/** Deals with all that stand at the point: until the others are disarmed, more may come there. */
async function harm(how: keyof typeof harms): Promise<void> {
  tellAll({ arm: null });
  const dealtWith = new Set<number>();
  for (let quiet = 0; quiet < 3; quiet++) {
    for (const pid of stopped()) {
      const worker = workerOf(pid);
      if (dealtWith.has(pid) || !worker) continue;
      dealtWith.add(pid);
      quiet = 0;
      await harms[how](worker);
    }
    await sleep(20);
  }
}

async function allEnded(): Promise<void> {
  const open = (): Promise<unknown[]> =>
    database.orm.em.fork().find(Execution, { completedAt: null }, { fields: ['id', 'status', 'workflowId'], limit: 3 });
  let next = 0;
  await until(
    async () => {
      if (Date.now() >= next) {
        tellAll({ approve: true });
        tell({ resumeSome: 'wf_paused' });
        tell({ cancelSome: 'wf_cancelled' });
        next = Date.now() + 300;
      }
      return (await open()).length === 0;
    },
    { within: patience, seen: async () => ({ open: await open(), runs: await runs() }) },
  );
}

/** What the engine still has to do. */
const runs = (): Promise<{ id: string; status: string }[]> =>
  database.orm.em
    .getConnection()
    .execute(
      `select workflow_uuid as id, status, assumed_role from dbos.workflow_status where status in ('PENDING', 'ENQUEUED', 'DELAYED') limit 5`,
    );

async function check(): Promise<void> {
  await until(async () => (await runs()).length === 0, { within: patience, seen: runs });
  const all = await database.orm.em.fork().find(Execution, {});
  const wrong = all.filter(
    ({ status, workflowId }) => status !== (workflowId === 'wf_cancelled' ? 'cancelled' : 'completed'),
  );
  expect(wrong.map(({ id, workflowId, status, error }) => ({ id, workflowId, status, error }))).toEqual([]);
  const steps = await database.orm.em.fork().find(Step, {}, { fields: ['executionId', 'nodeId', 'status'] });
  const cancelled = new Set(all.filter(({ status }) => status === 'cancelled').map(({ id }) => id));
  const unended = steps.filter(({ executionId, status }) => status !== 'completed' && !cancelled.has(executionId));
  expect(unended.map(({ nodeId, status }) => `${nodeId} ${status}`)).toEqual([]);
  const parents = all.filter(({ output, workflowId }) => workflowId === 'wf_test' && typeof output === 'string');
  for (const { id } of parents.filter(({ parentExecutionId }) => !parentExecutionId)) {
    expect(all.filter(({ parentExecutionId }) => parentExecutionId === id)).toHaveLength(1);
    const [first, last] = [receiver.arrivals.get(`${id}:first:1`)!, receiver.arrivals.get(`${id}:last:1`)!];
    // Done again is only what was in flight: nothing that comes before something that was done.
    expect(first.every(({ began }) => began <= last[0]!.at)).toBe(true);
  }
  // What the reconciler would have to mend was a gap; times and calls may be late where a process stood still.
  expect(workers.mended().filter((line) => !/time passed|called ended/.test(line))).toEqual([]);
}

const kinds = Object.keys(harms) as (keyof typeof harms)[];
const plan = points.flatMap((point, index) =>
  process.env.CHAOS_EVERY_HARM
    ? kinds.map((how) => ({ point, how }))
    : [{ point, how: kinds[(seed + index) % kinds.length]! }],
);

test.each(kinds)(
  '%s at points: every execution ends, nothing is done twice, nothing is suspended over a decided wait',
  async (harmful) => {
    pool = await Promise.all([workers.start(), workers.start()]);
    tell({ begin: child, workflowId: 'wf_child' });
    await until(async () => (await database.orm.em.fork().count(Execution, { status: 'completed' })) > 0, {
      within: patience,
    });
    for (const { point } of plan.filter(({ how }) => how === harmful)) {
      process.stdout.write(`failpoints: CHAOS_SEED=${seed} ${harmful} at ${point}\n`);
      await leadTo(point);
      await harm(harmful);
    }
    await allEnded();
    await check();
  },
);

test('every point has its turn', () => {
  const taken = kinds.flatMap((kind) => plan.filter(({ how }) => how === kind).map(({ point }) => point));
  expect(new Set(taken)).toEqual(new Set(points));
});
