import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { controlNodes } from '../../nodes/index.ts';
import { beganAt, GraphBench, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { nodeType, testNodeTypes } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';

const minute = 60_000;
/** A sleep, and then a step that takes as long. */
const sleepThenWork = nodeType('sleep_then_work', function* ({ ms }) {
  yield { kind: 'sleep', milliseconds: ms as number };
  const run = (): Promise<null> => new Promise((resolve) => setTimeout(() => resolve(null), ms as number));
  return { output: yield { kind: 'step', key: 'work', run } };
});
const types = [...controlNodes, ...testNodeTypes, sleepThenWork];
/** The limit of the whole execution stands still meanwhile, so that it is later than that of the node. */
const pausedNow = () => [{ from: Date.now() + minute, to: Date.now() + 30 * minute }];
const settings = { timeout: '2m' };

beforeEach(useVirtualTime);
afterEach(useRealTime);

test.each([
  ['that sleeps', { type: 'pause', params: { ms: 600 * minute } }],
  ['that waits for an approval', { type: 'approval', params: { message: 'Ship it?' } }],
])('the time limit of a node %s does not begin anew when the run is replayed after a pause', async (_, node) => {
  const bench = new GraphBench({ types, pauses: pausedNow() });
  const { error, tookMs } = await bench.run(sketch({ a: { ...node, timeout: '25m' } }, [], { settings }));
  expect(bench.begun).toBeGreaterThan(1);
  expect({ code: error?.code, tookMs }).toEqual({ code: 'timeout', tookMs: 30 * minute });
});

test('of several limits that pass during a pause the one holds that has not stood still', async () => {
  const call = { type: 'workflow.call', params: { workflow_id: `wf_0${'0'.repeat(25)}` }, timeout: '25m' };
  const called = new GraphBench({ types, pauses: pausedNow() });
  const caught = { ...call, on_error: 'continue' as const };
  expect(await called.run(sketch({ a: caught }, [], { settings }))).toMatchObject({ status: 'completed' });
  expect(called.steps.get('a')).toMatchObject({ status: 'failed', error: { code: 'timeout' } });
  expect(called.calls.cancelled).toEqual(['child_1']);
  const asked = new GraphBench({ types, pauses: pausedNow() });
  const approval = { type: 'approval', params: { message: 'Ship it?', timeout: '20m' } };
  expect(await asked.run(sketch({ a: approval }, [], { settings }))).toMatchObject({ status: 'completed' });
  expect(asked.steps.get('a')).toMatchObject({ status: 'completed', port: 'timeout' });
  expect(asked.expired).toEqual(['approval:a']);
});

test('a wait goes on for as long as the execution has stood still', async () => {
  const bench = new GraphBench({ types, pauses: pausedNow() });
  const approval = { type: 'approval', params: { message: 'Ship it?' } };
  const { error, tookMs } = await bench.run(sketch({ a: approval }, [], { settings }));
  expect({ code: error?.code, tookMs }).toEqual({ code: 'execution_timeout', tookMs: 31 * minute });
  const call = { type: 'workflow.call', params: { workflow_id: `wf_0${'0'.repeat(25)}` } };
  const called = new GraphBench({ types, pauses: pausedNow() });
  const ended = await called.run(sketch({ a: call }, [], { settings }));
  expect({ code: ended.error?.code, tookMs: ended.tookMs }).toEqual({
    code: 'execution_timeout',
    tookMs: 31 * minute,
  });
  expect(called.calls.cancelled).toEqual(['child_1']);
});

test('a step after a sleep has what is left of the time of its node', async () => {
  const bench = new GraphBench({ types });
  const node = { type: 'sleep_then_work', params: { ms: 20 * minute }, timeout: '25m' };
  const { error, tookMs } = await bench.run(sketch({ a: node }, []));
  expect(bench.begun).toBe(2);
  expect({ code: error?.code, tookMs }).toEqual({ code: 'timeout', tookMs: 25 * minute });
});

test('each attempt has the time of its node for itself', async () => {
  const bench = new GraphBench({ types });
  const node = { type: 'sleep_then_work', params: { ms: 20 * minute }, timeout: '25m', retry: { max_attempts: 2 } };
  const { error, tookMs } = await bench.run(sketch({ a: node }, []));
  expect({ code: error?.code, tookMs }).toEqual({ code: 'timeout', tookMs: 50 * minute + 1_000 });
});

test('a sleep that ends in the very moment of the limit, as a pause has left it, ends well', async () => {
  const pauses = [{ from: beganAt + minute, to: beganAt + 31 * minute }];
  for (const [ms, status] of [
    [32 * minute, 'completed'],
    [32 * minute + 1, 'failed'],
  ] as const) {
    const bench = new GraphBench({ types, pauses });
    const nodes = sketch({ a: { type: 'pause', params: { ms } } }, [], { settings });
    expect({ ms, ...(await bench.run(nodes)) }).toMatchObject({ ms, status, tookMs: 32 * minute });
  }
});
