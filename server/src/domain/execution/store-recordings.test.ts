import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../../../test/database.ts';
import type { Json } from '../domain-error.ts';
import { Execution } from './execution.entity.ts';
import { ExecutionRecorder, type RecorderLimits } from './execution-recorder.ts';
import type { LiveChannel } from './live-channel.ts';
import type { Report, StepChange } from './report.ts';

const live = { publish: () => undefined } as unknown as LiveChannel;
const unbounded = { batchBytes: Infinity, sliceBytes: Infinity };
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

type Tell = (report: Report) => void;

/** Numbers from 0 to 1 that follow from the seed. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What a run may tell: nodes that begin, wait, fail, begin again and end, log lines, waits, progress, and perhaps an end. */
function story(chance: () => number): Tell[] {
  let clock = Date.UTC(2026, 0, 1);
  const tick = (): Date => new Date((clock += 1_000));
  const pick = <T>(items: readonly T[]): T => items[Math.floor(chance() * items.length)]!;
  const value = (): Json => pick<Json>([1, null, 'x'.repeat(Math.floor(chance() * 3_000)), { a: ['b', { c: 'ü\0' }] }]);
  const begin = tick();
  const tells: Tell[] = [
    (report) => {
      report.change({ status: 'running', startedAt: begin });
      report.event({ key: 'started', type: 'execution:started', data: { workflow_version: 1 }, at: begin });
    },
  ];
  const total = 1 + Math.floor(chance() * 6);
  const open = new Set(Array.from({ length: total }, (_, index) => ({ id: `n${index}`, attempt: 0, at: 0 })));
  for (let ended = 0; open.size > 0;) {
    const node = pick([...open]);
    const at = tick();
    if (node.attempt === 0 && chance() < 0.1) {
      open.delete(node);
      tells.push((report) => report.step({ nodeId: node.id, nodeType: 'set', status: 'skipped', attempt: 0 }));
      continue;
    }
    if (node.at === 0) {
      node.attempt += 1;
      node.at = at.getTime();
    }
    const { id, attempt } = node;
    const startedAt = new Date(node.at);
    const step = (change: Partial<StepChange> & Pick<StepChange, 'status'>): StepChange => ({
      nodeId: id,
      nodeType: 'set',
      attempt,
      startedAt,
      ...change,
    });
    const tell = (change: StepChange, what: 'started' | 'completed' | 'failed', data: Record<string, Json>): void => {
      const progress = change.completedAt && Math.floor((100 * (ended += 1)) / total);
      if (progress !== undefined) open.delete(node);
      tells.push((report) => {
        report.step(change);
        report.event({ key: `${id}:${attempt}:${what}`, type: `node:${what}`, data, at });
        if (progress !== undefined) report.change({ progress });
      });
    };
    if (startedAt.getTime() === at.getTime()) {
      tell(step({ status: 'running', input: value() }), 'started', { node_id: id });
      continue;
    }
    const error = { code: 'oops', message: 'It failed.', node_id: id, details: {} };
    const [first, second] = [value(), value()];
    const wait = { signal: `approval:${id}:${attempt}`, nodePath: id, kind: 'approval', at } as const;
    const line = { key: `${id}:${at.getTime()}`, nodeId: id, attempt, level: 'info', message: 'line', at } as const;
    pick([
      () => tells.push((report) => report.log({ ...line, data: first })),
      () => tells.push((report) => report.step(step({ status: 'waiting', waitUntil: at }))),
      () => tells.push((report) => report.wait({ ...wait, status: 'pending', message: 'May it?', details: first })),
      () => {
        const end = { output: first, port: 'default', variables: first === 1 ? true : { v: second }, completedAt: at };
        tell(step({ status: 'completed', ...end }), 'completed', { output: first });
      },
      () => tell(step({ status: 'failed', error, completedAt: at }), 'failed', { error }),
      () => {
        tell(step({ status: 'waiting', error, waitUntil: at }), 'failed', { error, will_retry: true });
        node.at = 0;
      },
      () => {
        open.delete(node);
        tells.push((report) => {
          report.step(step({ status: 'cancelled', completedAt: at }));
          report.wait({ ...wait, status: 'cancelled' });
        });
      },
    ])();
  }
  if (chance() < 0.2) return tells;
  const [at, output] = [tick(), value()];
  return [
    ...tells,
    (report) => {
      report.change({ status: 'completed', output, progress: 100, completedAt: at });
      report.event({ key: 'ended', type: 'execution:completed', data: { output }, at });
    },
  ];
}

async function begin(): Promise<string> {
  const execution = Execution.create({
    organisationId: 'org_1',
    workflowId: 'wf_1',
    workflowVersion: 1,
    definitionHash: 'hash',
    input: {},
    metadata: {},
    trigger: {},
    startedBy: { type: 'api_key', id: 'key_1' },
  });
  await database.orm.em.fork().insert(Execution, execution);
  return execution.id;
}

/** All that is stored of the execution, but for what differs from one to the next. */
async function tablesOf(id: string): Promise<unknown[]> {
  const queries = [
    `select status, progress, output, error, response, started_at, completed_at, event_sequence from execution where id = ?`,
    `select node_id, node_type, status, attempt, input, output, error, port, variables, wait_until, started_at, completed_at
       from step where execution_id = ? order by node_id`,
    'select sequence, key, type, data, created_at from execution_event where execution_id = ? order by sequence',
    'select key, node_id, attempt, level, message, data, created_at from execution_log where execution_id = ? order by key',
    `select signal, status, node_path, kind, message, details, created_at, decided_at is null as open
       from execution_wait where execution_id = ? order by signal`,
  ];
  return Promise.all(queries.map((query) => database.orm.em.getConnection().execute(query, [id])));
}

/** The tables of executions whose runs tell these things at the same time. */
async function storedBy(limits: Partial<RecorderLimits>, stories: readonly Tell[][]): Promise<unknown[][]> {
  const recorder = new ExecutionRecorder({ orm: database.orm, live, limits });
  const ids = await Promise.all(stories.map(begin));
  for (const [index, tells] of stories.entries()) for (const tell of tells) recorder.record(ids[index]!, tell);
  expect(await Promise.all(ids.map((id) => recorder.stored(id)))).toEqual(ids.map(() => true));
  await recorder.close();
  return Promise.all(ids.map(tablesOf));
}

test('however small the statements are, the same is stored', async () => {
  const bytes = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4_000 }), fc.integer({ min: 1, max: 40_000 }));
  const given = fc.record({ seed: fc.nat(), batchBytes: bytes, sliceBytes: bytes });
  await fc.assert(
    fc.asyncProperty(given, async ({ seed, ...limits }) => {
      const chance = chances(seed);
      const stories = Array.from({ length: 3 }, () => story(chance));
      expect(await storedBy(limits, stories)).toEqual(await storedBy(unbounded, stories));
    }),
    { numRuns: 25 },
  );
});

test('told once more from the beginning, as after a crash between two statements, nothing changes', async () => {
  const chance = chances(42);
  const tells = story(chance);
  const whole = await storedBy(unbounded, [tells]);
  const id = await begin();
  // The process dies when a part is stored; the next one tells everything again.
  for (const part of [tells.slice(0, 3), tells.slice(0, Math.ceil(tells.length / 2)), tells]) {
    const recorder = new ExecutionRecorder({
      orm: database.orm,
      live,
      limits: { batchBytes: 2_000, sliceBytes: 1_000 },
    });
    for (const tell of part) recorder.record(id, tell);
    await recorder.stored(id);
    await recorder.close();
  }
  const [execution, steps, events, logs, waits] = (await tablesOf(id)) as Record<string, unknown>[][];
  const [wholeExecution, wholeSteps, wholeEvents, wholeLogs, wholeWaits] = whole[0] as Record<string, unknown>[][];
  const keys = (rows: Record<string, unknown>[]): unknown[] => rows.map(({ key, type, data }) => [key, type, data]);
  // Places in the log that were given twice stay free.
  expect(keys(events!)).toEqual(keys(wholeEvents!));
  expect([steps, logs, waits]).toEqual([wholeSteps, wholeLogs, wholeWaits]);
  expect({ ...execution![0], event_sequence: 0 }).toEqual({ ...wholeExecution![0], event_sequence: 0 });
});
