import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { beganAt, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import type { ExecutionRecorder } from '../execution-recorder.ts';
import { Report } from '../report.ts';
import { type Attempt, Chronicle, lineOf, toFailure } from './chronicle.ts';

const reports: Report[] = [];
let stored: () => Promise<boolean>;
let asked: number;
let chronicle: Chronicle;

const after = (ms: number): Date => new Date(beganAt + ms);
const attempt: Attempt = {
  node: { id: 'a', type: 'work', name: 'First', params: {} },
  path: 'each[1].a',
  attempt: 2,
  input: { n: 1 },
  startedAt: after(1_000),
};
const error = { code: 'oops', message: 'It failed.', details: { n: 1 } };
const last = (): Report => reports.at(-1)!;

beforeEach(() => {
  useVirtualTime();
  reports.length = 0;
  asked = 0;
  stored = async () => true;
  const recorder = {
    record: (id: string, tell: (report: Report) => void) => {
      expect(id).toBe('exec_1');
      const report = new Report();
      tell(report);
      reports.push(report);
    },
    stored: () => {
      asked += 1;
      return stored();
    },
  };
  chronicle = new Chronicle(recorder as unknown as ExecutionRecorder, 'exec_1', after(0));
});
afterEach(useRealTime);

test('an attempt that began is told with what it is given', () => {
  chronicle.attemptStarted(attempt);
  expect(last().changes).toEqual({});
  expect(last().steps).toEqual([
    {
      nodeId: 'each[1].a',
      nodeType: 'work',
      nodeName: 'First',
      attempt: 2,
      input: { n: 1 },
      startedAt: after(1_000),
      status: 'running',
    },
  ]);
  expect(last().events).toEqual([
    {
      key: 'each[1].a:2:started',
      type: 'node:started',
      data: { node_id: 'each[1].a', node_type: 'work', attempt: 2 },
      at: after(1_000),
    },
  ]);
});

test('a node that ended is told with how long it took, its port and its progress', () => {
  chronicle.nodeCompleted(attempt, { output: 7 }, after(3_500), { ended: 1, total: 3 });
  expect(last().steps).toMatchObject([{ status: 'completed', output: 7, port: 'default', completedAt: after(3_500) }]);
  expect(last().events).toMatchObject([
    { key: 'each[1].a:2:completed', data: { output: 7, port: 'default', duration_ms: 2_500 } },
    { key: 'progress:each[1].a', data: { progress: 33, completed_nodes: 1, total_nodes: 3, node_id: 'each[1].a' } },
  ]);
  expect(last().changes).toEqual({ progress: 33 });
});

test('without progress none is told, and an early answer is', () => {
  const response = { status: 201, headers: {}, body: 1 };
  chronicle.nodeCompleted(attempt, { output: 7, port: 'yes', response }, after(3_500));
  expect([last().events.length, last().changes]).toEqual([1, { response }]);
  expect(last().steps).toMatchObject([{ port: 'yes' }]);
});

test('variables that are the output are not told twice', () => {
  const output = { n: 1 };
  chronicle.nodeCompleted(attempt, { output, variables: output }, after(3_500));
  expect(last().steps).toMatchObject([{ variables: true }]);
  chronicle.nodeCompleted(attempt, { output, variables: { n: 2 } }, after(3_500));
  expect(last().steps).toMatchObject([{ variables: { n: 2 } }]);
});

test('at a replay a node may end before it begins: it took no time, and began when it ended', () => {
  chronicle.nodeCompleted(attempt, { output: 7 }, after(400));
  expect(last().events).toMatchObject([{ data: { duration_ms: 0 } }]);
  expect(last().steps).toMatchObject([{ startedAt: after(400), completedAt: after(400) }]);
});

test('a failure is told with the attempt that follows', () => {
  chronicle.attemptFailed(attempt, error, after(2_000), { retryAt: after(9_000) });
  expect(last().steps).toMatchObject([
    { status: 'waiting', waitUntil: after(9_000), error: { ...error, node_id: 'each[1].a' } },
  ]);
  expect(last().events).toMatchObject([
    { key: 'each[1].a:2:failed', type: 'node:failed', data: { will_retry: true, duration_ms: 1_000 } },
  ]);
});

test('or with the port that catches it, and then with progress', () => {
  chronicle.attemptFailed(attempt, error, after(2_000), { port: 'error', progress: { ended: 3, total: 3 } });
  expect(last().steps).toMatchObject([{ status: 'failed', port: 'error', completedAt: after(2_000) }]);
  expect(last().events).toMatchObject([
    { data: { will_retry: false } },
    { type: 'execution:progress', data: { progress: 100 } },
  ]);
});

test('what failed before its first attempt counts as that', () => {
  chronicle.attemptFailed({ ...attempt, attempt: 0 }, error, after(2_000), { port: undefined, progress: undefined });
  expect(last().events).toMatchObject([{ key: 'each[1].a:0:failed', data: { attempt: 1 } }]);
});

test('nodes that are skipped are told by their paths; where there are none, nothing is', () => {
  chronicle.nodesSkipped('each[1].', []);
  expect(reports).toEqual([]);
  chronicle.nodesSkipped('each[1].', [attempt.node]);
  expect(last().steps).toEqual([
    { nodeId: 'each[1].a', nodeType: 'work', nodeName: 'First', status: 'skipped', attempt: 0 },
  ]);
});

test('the wait of a node that is cancelled is withdrawn, of the kind that it was', () => {
  chronicle.nodeCancelled(attempt);
  expect([last().steps.length, last().waits]).toEqual([1, []]);
  for (const kind of ['event', 'approval']) {
    chronicle.nodeCancelled({ ...attempt, openWait: `${kind}:a` });
    expect(last().waits).toEqual([
      { signal: `${kind}:a`, nodePath: 'each[1].a', kind, status: 'cancelled', at: after(0) },
    ]);
  }
});

test('a wait is told with its end, if it has one', () => {
  const wait = { kind: 'wait', for: 'event', message: 'Well?' } as const;
  chronicle.waitOpened(attempt, { wait, signal: 'event:a', at: beganAt, endsAt: null }, 'hash');
  expect(last().waits).toMatchObject([
    { signal: 'event:a', kind: 'event', tokenHash: 'hash', status: 'pending', at: after(0) },
  ]);
  expect(last().waits[0]).not.toHaveProperty('endsAt');
  chronicle.waitOpened(attempt, { wait, signal: 'event:a', at: beganAt, endsAt: beganAt + 5 });
  expect(last().waits).toMatchObject([{ endsAt: after(5) }]);
});

test('that it waits is told once, and that it goes on once after that', () => {
  chronicle.goesOn();
  expect(reports).toEqual([]);
  chronicle.waits('a', 'key', after(5_000), 'delay');
  chronicle.waits('b', 'other', undefined, 'approval');
  expect(reports).toHaveLength(1);
  expect(last().changes).toEqual({ status: 'waiting' });
  expect(last().events).toMatchObject([
    { key: 'waiting:key', data: { node_id: 'a', reason: 'delay', until: after(5_000).toISOString() } },
  ]);
  chronicle.goesOn();
  chronicle.goesOn();
  expect([reports.length, last().changes]).toEqual([2, { status: 'running' }]);
  chronicle.waits('b', 'other', undefined, 'approval');
  expect(last().events).toMatchObject([{ data: { until: null } }]);
  chronicle.attemptStarted(attempt);
  expect(last().changes).toEqual({ status: 'running' });
  chronicle.attemptStarted(attempt);
  expect(last().changes).toEqual({});
});

test('what was told is stored once, and asked for again when more is told; that it cannot be is no failure of the run', async () => {
  await Promise.all([chronicle.stored(), chronicle.stored()]);
  expect(asked).toBe(1);
  chronicle.attemptStarted(attempt);
  stored = () => Promise.reject(new Error('no database'));
  await chronicle.stored();
  expect(asked).toBe(2);
});

test('65,536 characters of a line are kept, and lines are told apart by their numbers', () => {
  expect([65_535, 65_536, 65_537].map((length) => lineOf('x'.repeat(length)).length)).toEqual([65_535, 65_536, 65_536]);
  chronicle.log(attempt, 'info', 'x'.repeat(70_000), { n: 1 });
  chronicle.log(attempt, 'warn', 'again');
  expect(reports.flatMap(({ logs }) => logs)).toMatchObject([
    { key: 'each[1].a:2:1', nodeId: 'each[1].a', attempt: 2, level: 'info', data: { n: 1 }, at: after(0) },
    { key: 'each[1].a:2:2', level: 'warn', message: 'again' },
  ]);
  expect(reports[0]!.logs[0]!.message).toHaveLength(65_536);
});

test('the execution is told of from its start to its end', () => {
  chronicle.started('wf_1', 3);
  expect(last().changes).toEqual({ status: 'running', startedAt: after(0) });
  expect(last().events).toEqual([
    { key: 'started', type: 'execution:started', data: { workflow_id: 'wf_1', workflow_version: 3 }, at: after(0) },
  ]);
  chronicle.completed({ n: 1 });
  expect(last().changes).toEqual({ status: 'completed', output: { n: 1 }, progress: 100, completedAt: after(0) });
  expect(last().events).toMatchObject([
    { key: 'ended', type: 'execution:completed', data: { status: 'completed', duration_ms: 0 } },
  ]);
  chronicle.failed(toFailure(error, 'a'));
  expect(last().changes).toEqual({ status: 'failed', error: { ...error, node_id: 'a' }, completedAt: after(0) });
  expect(last().events).toMatchObject([{ key: 'ended', type: 'execution:failed', data: { error: { code: 'oops' } } }]);
});

test('a node that ran in an earlier execution is told of by its progress alone', () => {
  chronicle.nodeKept({ path: 'a' }, { ended: 1, total: 2 });
  expect([last().steps, last().events.map(({ key }) => key)]).toEqual([[], ['progress:a']]);
});
