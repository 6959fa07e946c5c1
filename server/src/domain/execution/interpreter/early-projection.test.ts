import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import type { WorkflowDefinition } from '../../language/index.ts';
import { controlNodes, set } from '../../nodes/index.ts';
import { code } from '../../nodes/code/code.node.ts';
import {
  GraphBench,
  type GraphBenchOptions,
  pass,
  passUntil,
  useRealTime,
  useVirtualTime,
} from '../../../../test/executions/graph-bench.ts';
import { nodeType, testNodeTypes } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';

/** Milliseconds: the work ends while the execution is paused, which lasts long. */
const endsAt = 5_000;
const resumedAt = 3_600_000;
const pausesNow = () => [{ from: Date.now() + 1_000, to: Date.now() + resumedAt }];

/** A step, and then another one. */
const two = nodeType('two', function* ({ ms }) {
  const run = (): Promise<null> => new Promise((resolve) => setTimeout(() => resolve(null), ms as number));
  yield { kind: 'step', key: 'one', run };
  return { output: yield { kind: 'step', key: 'two', run } };
});
/** A step whose answer ends the node in a way that no node should end. */
const breaks = nodeType('breaks', function* ({ ms }) {
  const run = (): Promise<null> => new Promise((resolve) => setTimeout(() => resolve(null), ms as number));
  yield { kind: 'step', key: 'one', run };
  throw new TypeError('secret detail');
});
/** A step, whose value leaves by a port and goes into the variables. */
const remembers = nodeType(
  'remembers',
  function* ({ ms }) {
    const run = (): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(7), ms as number));
    const n = yield { kind: 'step', key: 'one', run };
    return { output: n, port: 'yes', variables: { n } };
  },
  { ports: () => ['yes'] },
);
const types = [...controlNodes, ...testNodeTypes, set, code, two, breaks, remembers];
const work = (more: object = {}) => ({ type: 'work', params: { ms: endsAt, value: 'done', ...more } });

beforeEach(useVirtualTime);
afterEach(useRealTime);

interface Seen {
  readonly bench: GraphBench;
  /** Status of the node `a` long after its step has ended, and while the execution is still paused. */
  readonly paused: string | undefined;
  readonly status: string;
}

async function seenOf(definition: WorkflowDefinition, more: Partial<GraphBenchOptions> = {}): Promise<Seen> {
  const bench = new GraphBench({ types, pauses: pausesNow(), ...more });
  const ended = bench.begin(definition);
  await pass(endsAt * 4);
  const paused = bench.statuses.a;
  let isOver = false;
  const over = (): void => void (isOver = true);
  ended.then(over, over);
  await passUntil(() => isOver);
  return { bench, paused, status: (await ended).status };
}

test('a node that ends while the execution is paused is reported as it ended, once, and before anything else goes on', async () => {
  const { bench, paused, status } = await seenOf(sketch({ a: work(), b: { type: 'pure' } }, ['a -> b']));
  expect({ paused, status }).toEqual({ paused: 'completed', status: 'completed' });
  expect(bench.times).toMatchObject({ 'a:1:completed': endsAt, 'b:1:started': resumedAt });
  expect(bench.steps.get('a')).toMatchObject({ output: 'done', port: 'default' });
  expect(bench.events.filter(({ key }) => key === 'progress:a')).toHaveLength(1);
});

test('its port and its variables are reported with it', async () => {
  const { bench, paused } = await seenOf(
    sketch({ a: { type: 'remembers', params: { ms: endsAt } }, b: { type: 'pure' } }, ['a:yes -> b']),
  );
  expect(paused).toBe('completed');
  expect(bench.steps.get('a')).toMatchObject({ output: 7, port: 'yes', variables: { n: 7 } });
});

test('so is a failure, with the attempt that follows or the port that catches it', async () => {
  const retried = await seenOf(
    sketch({ a: { ...work({ fail: 'oops', times: 1 }), retry: { max_attempts: 2, initial: '1h' } } }, []),
  );
  expect(retried).toMatchObject({ paused: 'waiting', status: 'completed' });
  expect(retried.bench.events.find(({ key }) => key === 'a:1:failed')).toMatchObject({
    data: { will_retry: true, error: { code: 'oops' } },
  });
  expect(retried.bench.times['a:2:started']).toBe(endsAt + 3_600_000);
  const caught = await seenOf(sketch({ a: work({ fail: 'oops' }), b: { type: 'pure' } }, ['a:error -> b']));
  expect(caught).toMatchObject({ paused: 'failed', status: 'completed' });
  expect(caught.bench.steps.get('a')).toMatchObject({ port: 'error', error: { code: 'oops' } });
  const final = await seenOf(sketch({ a: work({ fail: 'oops' }) }, []));
  expect(final).toMatchObject({ paused: 'failed', status: 'failed' });
});

test('a time limit of the node itself is reported; that of the execution stands still', async () => {
  const own = await seenOf(sketch({ a: { type: 'work', params: { ms: 60_000 }, timeout: '5s' } }, []));
  expect(own).toMatchObject({ paused: 'failed', status: 'failed' });
  const whole = await seenOf(
    sketch({ a: { type: 'work', params: { ms: 600_000 } } }, [], { settings: { timeout: '5s' } }),
  );
  expect(whole).toMatchObject({ paused: 'running', status: 'completed' });
});

test('the limit of a node around it is left until the execution goes on', async () => {
  const body = JSON.parse(JSON.stringify(sketch({ a: { type: 'work', params: { ms: 60_000 } } }, []))) as Json;
  const each = { type: 'foreach', params: { items: [1], body }, timeout: '5s' };
  const bench = new GraphBench({ types, pauses: pausesNow() });
  const ended = bench.begin(sketch({ each }, []));
  await pass(20_000);
  expect(bench.statuses).toEqual({ each: 'running', 'each[0].a': 'running' });
  await passUntil(() => bench.statuses.each === 'failed');
  expect((await ended).error).toMatchObject({ code: 'timeout', node_id: 'each' });
  expect(bench.statuses['each[0].a']).toBe('cancelled');
});

test.each([
  ['edges that read variables', sketch({ a: work(), b: { type: 'pure' } }, ['a -> b if variables.n'])],
  ['edges that cannot be evaluated', sketch({ a: work(), b: { type: 'pure' } }, ['a -> b if input.x.y.z'])],
  ['another step to come', sketch({ a: { type: 'two', params: { ms: endsAt } } }, [])],
  ['a fault of the platform', sketch({ a: { type: 'breaks', params: { ms: endsAt } } }, [])],
])('what may come out otherwise is reported when the execution goes on: a node with %s', async (_, definition) => {
  const { bench, paused } = await seenOf(definition);
  expect(paused).toBe('running');
  expect(bench.statuses.a).not.toBe('running');
});

test('edges of other ports do not matter, those without conditions do no harm', async () => {
  const edges = ['a -> b', 'a -> c if true', 'a:other -> d if variables.n'];
  const P = { type: 'pure' };
  expect(await seenOf(sketch({ a: work(), b: P, c: P, d: P }, edges))).toMatchObject({ paused: 'completed' });
});

test('an output that is too large is reported as the failure that it is', async () => {
  const sizes = { node: 300, execution: 100_000 };
  const { bench, paused } = await seenOf(sketch({ a: work({ value: 'x'.repeat(180) }) }, []), { sizes });
  expect(paused).toBe('completed');
  const node = nodeType('doubles', function* ({ ms }) {
    const run = (): Promise<string> =>
      new Promise((resolve) => setTimeout(() => resolve('x'.repeat(180)), ms as number));
    const text = yield { kind: 'step', key: 'one', run };
    return { output: [text, text] };
  });
  expect(bench.steps.get('a')).toMatchObject({ status: 'completed' });
  const large = await seenOf(sketch({ a: { type: 'doubles', params: { ms: endsAt } } }, []), {
    sizes,
    types: [...types, node],
  });
  expect(large).toMatchObject({ paused: 'failed', status: 'failed' });
  expect(large.bench.steps.get('a')).toMatchObject({ error: { code: 'output_too_large' } });
});

test('a program is reported with its value', async () => {
  const source = `await new Promise((resolve) => setTimeout(resolve, ${endsAt})); return { sum: 3 };`;
  const { bench, paused } = await seenOf(sketch({ a: { type: 'code', params: { source } } }, []));
  expect(paused).toBe('completed');
  expect(bench.steps.get('a')!.output).toMatchObject({ sum: 3 });
});

test('that a node may begin, or begin again, is no end of it', async () => {
  const gate = new GraphBench({ types, pauses: pausesNow() });
  const approved = gate.begin(sketch({ a: { type: 'pure', needs_approval: true }, b: work() }, []));
  await pass(2_000);
  gate.signal('approval:a', { status: 'approved', payload: null, decided_by: null, note: null, at: '2026-01-01' });
  await pass(20_000);
  expect(gate.statuses.a).toBe('waiting');
  await passUntil(() => gate.statuses.a === 'completed');
  await approved;
  const again = await seenOf(
    sketch(
      { a: { ...work({ fail: 'oops', times: 1, ms: 500 }), retry: { max_attempts: 2, initial: '2s' } }, b: work() },
      [],
    ),
  );
  expect(again).toMatchObject({ paused: 'waiting', status: 'completed' });
});
