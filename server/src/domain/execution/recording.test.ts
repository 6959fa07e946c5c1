import { expect, test } from '@jest/globals';
import { Recording } from './recording.ts';
import { Report, type StepChange, type WaitRecord } from './report.ts';

const at = (ms: number): Date => new Date(1_000_000 + ms);
const recordingOf = (...tell: ((report: Report) => void)[]): Recording =>
  new Recording(
    'exec_1',
    tell.map((one) => {
      const report = new Report();
      one(report);
      return report;
    }),
  );
const step = (more: Partial<StepChange>): StepChange => ({
  nodeId: 'a',
  nodeType: 'work',
  status: 'running',
  attempt: 1,
  ...more,
});
const wait = (more: Partial<WaitRecord>): WaitRecord => ({
  signal: 'approval:a',
  status: 'pending',
  nodePath: 'a',
  kind: 'approval',
  at: at(0),
  ...more,
});

test('of a step the latest counts, with what it was given and when it began at first', () => {
  const rows = recordingOf(
    (report) => report.step(step({ input: { n: 1 }, startedAt: at(10) })),
    (report) => report.step(step({ status: 'completed', output: 7, startedAt: at(20), completedAt: at(30) })),
    (report) => report.step(step({ nodeId: 'b', startedAt: at(5) })),
  ).stepRows();
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({
    execution_id: 'exec_1',
    node_id: 'a',
    status: 'completed',
    input: { n: 1 },
    output: 7,
    started_at: at(10),
    created_at: at(10),
    completed_at: at(30),
  });
});

test('a step that is told of again may have begun earlier; one that never began has no start', () => {
  const [again] = recordingOf(
    (report) => report.step(step({ startedAt: at(20) })),
    (report) => report.step(step({ startedAt: at(10), input: { n: 2 } })),
  ).stepRows();
  expect(again).toMatchObject({ started_at: at(10), input: { n: 2 } });
  const [late] = recordingOf(
    (report) => report.step(step({ status: 'waiting' })),
    (report) => report.step(step({ startedAt: at(10) })),
    (report) => report.step(step({ status: 'completed' })),
  ).stepRows();
  expect(late).toMatchObject({ started_at: at(10), status: 'completed' });
  const [skipped] = recordingOf((report) => report.step(step({ status: 'skipped' }))).stepRows();
  expect(skipped!.started_at).toBeUndefined();
  expect(skipped!.created_at).toBeInstanceOf(Date);
});

test('what a wait is for stays, how long it lasts may change', () => {
  const [row] = recordingOf(
    (report) => report.wait(wait({ message: 'Ship it?', details: { n: 1 }, endsAt: at(50), tokenHash: 'hash' })),
    (report) =>
      report.wait(wait({ message: 'Other?', details: { n: 2 }, endsAt: at(90), payloadSchema: { type: 'object' } })),
  ).waitRows();
  expect(row).toMatchObject({
    message: 'Ship it?',
    details: { n: 1 },
    ends_at: at(90),
    token_hash: 'hash',
    payload_schema: { type: 'object' },
  });
  const [later] = recordingOf(
    (report) => report.wait(wait({ endsAt: at(50), payloadSchema: { type: 'object' } })),
    (report) => report.wait(wait({ message: 'Ship it?', details: { n: 1 } })),
  ).waitRows();
  expect(later).toMatchObject({ message: 'Ship it?', details: { n: 1 } });
  expect([later!.ends_at, later!.payload_schema]).toEqual([undefined, undefined]);
});

test('a wait that was withdrawn stays so', () => {
  const rows = recordingOf(
    (report) => report.wait(wait({ message: 'Ship it?' })),
    (report) => report.wait(wait({ status: 'cancelled' })),
    (report) => report.wait(wait({ message: 'Again?' })),
    (report) => report.wait(wait({ signal: 'approval:b', nodePath: 'b' })),
  ).waitRows();
  expect(rows).toMatchObject([
    { signal: 'approval:a', status: 'cancelled', message: 'Ship it?' },
    { signal: 'approval:b', status: 'pending' },
  ]);
});

test('events keep their order, and the last one may end the execution', () => {
  const event = (key: string, type: 'node:started' | 'execution:completed') => (report: Report) =>
    report.event({ key, type, data: {}, at: at(0) });
  const open = recordingOf(event('one', 'node:started'), event('two', 'node:started'));
  expect(open.eventRows()).toMatchObject([
    { key: 'one', position: 1 },
    { key: 'two', position: 2 },
  ]);
  expect([open.hasEvents, open.ends, open.executionRow().events]).toEqual([true, false, 2]);
  const over = recordingOf(event('one', 'node:started'), event('ended', 'execution:completed'));
  expect([over.hasEvents, over.ends]).toEqual([true, true]);
  const silent = recordingOf((report) => report.change({ progress: 50 }));
  expect([silent.hasEvents, silent.ends]).toEqual([false, false]);
  expect(silent.executionRow()).toMatchObject({ id: 'exec_1', progress: 50, events: 0 });
});

test('of the execution the latest of each field counts', () => {
  const recording = recordingOf(
    (report) => report.change({ status: 'running', progress: 10, startedAt: at(0) }),
    (report) => report.change({ status: 'waiting' }),
    (report) => report.log({ key: 'k', level: 'info', message: 'hello', at: at(0) }),
  );
  expect(recording.executionRow()).toMatchObject({ status: 'waiting', progress: 10, started_at: at(0) });
  expect(recording.logRows()).toMatchObject([{ key: 'k', level: 'info', message: 'hello', created_at: at(0) }]);
});
