import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Json } from '../../domain-error.ts';
import type { WorkflowBody, WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../language/index.ts';
import { controlNodes } from '../../nodes/index.ts';
import { GraphBench, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { testNodeTypes } from '../../../../test/executions/node-types.ts';
import type { PauseWindow } from '../../../../test/executions/pauses.ts';
import { type ExpectedInTime, expectedInTime, TooCloseError } from '../../../../test/executions/timed-model.ts';

/** Told with a counterexample; RANDOM_TIMES_SEED chooses the same graphs again, RANDOM_TIMES_RUNS more of them. */
const seed = Number(process.env.RANDOM_TIMES_SEED ?? Math.floor(Math.random() * 2 ** 31));
const numRuns = Number(process.env.RANDOM_TIMES_RUNS ?? 100);
/** A counterexample is told before the test runs out of time, however far it has shrunk. */
const options = { numRuns, seed, interruptAfterTimeLimit: 60_000 };
/** Milliseconds by which what is limited may be late after a pause, for each that comes before. */
const lateMs = 5_000;

beforeEach(useVirtualTime);
afterEach(useRealTime);

type NodeSketch = Omit<WorkflowNode, 'id'>;
type Names = readonly string[];

const ms = fc.integer({ min: 10_000, max: 10_000_000 });
const duration = ms.map((span) => `${span}ms`);
const value = (names: Names): fc.Arbitrary<Json> => fc.constantFrom<Json>(1, 'x', null, ...names);
/** How long it takes, in loops over items as long as the item says. */
const taken = (names: Names): fc.Arbitrary<Json> =>
  names.includes('{{ item }}') ? fc.oneof(ms, fc.constant<Json>('{{ item }}')) : ms;

const leaf = (names: Names): fc.Arbitrary<NodeSketch> =>
  fc.oneof(
    value(names).map((v) => ({ type: 'pure', params: { v } })),
    fc.constantFrom('yes', 'default').map((port) => ({ type: 'port', params: { port } })),
    taken(names).map((span) => ({ type: 'pause', params: { ms: span } })),
    fc.tuple(value(names), taken(names)).map(([v, span]) => ({ type: 'work', params: { value: v, ms: span } })),
    fc
      .tuple(fc.constantFrom<Json>(1, 2, 9), ms)
      .map(([times, span]) => ({ type: 'work', params: { fail: 'oops', times, value: 'at last', ms: span } })),
  );

const holder = (depth: number, names: Names): fc.Arbitrary<NodeSketch> =>
  fc.oneof(
    fc
      .record({
        items: fc.array(ms, { maxLength: 3 }),
        on_item_error: fc.constantFrom('fail', 'continue'),
        concurrency: fc.constantFrom(1, 2, 3),
        body: body(depth - 1, ['{{ item }}', '{{ loop.index }}']).map(plain),
      })
      .map((params) => ({ type: 'foreach', params })),
    fc
      .record({
        condition: fc.integer({ min: 0, max: 3 }).map((times) => `loop.index <${times}`),
        limit: fc.constantFrom(2, 5),
        body: body(depth - 1, [...names, '{{ loop.index }}']).map(plain),
      })
      .map((params) => ({ type: 'while', params })),
    fc
      .record({
        on_branch_error: fc.constantFrom('fail', 'continue'),
        branches: fc.record({ left: body(depth - 1, names).map(plain), right: body(depth - 1, names).map(plain) }),
      })
      .map((params) => ({ type: 'parallel', params })),
  );

const policies = fc.record(
  {
    join: fc.constantFrom<'all' | 'any' | 2>('all', 'any', 2),
    when: fc.constantFrom('true', 'true', 'false'),
    on_error: fc.constantFrom<'fail' | 'continue' | 'route'>('fail', 'continue', 'route'),
    timeout: duration,
    retry: fc.record(
      {
        max_attempts: fc.constantFrom(2, 3, 4),
        initial: duration,
        max: duration,
        backoff: fc.constantFrom<'constant' | 'exponential'>('constant', 'exponential'),
      },
      { requiredKeys: ['max_attempts'] },
    ),
  },
  { requiredKeys: [] },
);

/** A graph without cycles: edges lead from earlier nodes to later ones. */
function body(depth: number, names: Names): fc.Arbitrary<WorkflowBody> {
  const kind = depth > 0 ? fc.oneof({ weight: 3, arbitrary: leaf(names) }, holder(depth, names)) : leaf(names);
  const node = fc.tuple(kind, policies).map(([sketch, more]) => ({ ...sketch, ...more }));
  return fc.array(node, { minLength: 1, maxLength: 4 }).chain((sketches) => {
    const nodes = sketches.map((sketch, index) => ({ id: `n${index}`, ...sketch }));
    const pairs = nodes.flatMap((_, to) => nodes.slice(0, to).map((__, from) => [from, to] as const));
    const edge = fc.record({
      taken: fc.constantFrom(true, false),
      port: fc.constantFrom('default', 'default', 'error', 'yes'),
      when: fc.constantFrom(undefined, undefined, 'true', 'false'),
    });
    return fc.array(edge, { minLength: pairs.length, maxLength: pairs.length }).map((choices) => ({
      nodes,
      edges: pairs.flatMap(([from, to], index): WorkflowEdge[] => {
        const choice = choices[index]!;
        const { port, when } = choice;
        return choice.taken ? [{ id: `e${index}`, from: `n${from}`, to: `n${to}`, port, ...(when && { when }) }] : [];
      }),
    }));
  });
}

function plain(given: unknown): Json {
  return JSON.parse(JSON.stringify(given)) as Json;
}

const settings = fc.record(
  { timeout: duration, on_failure: fc.constantFrom<'fail' | 'continue'>('fail', 'continue') },
  { requiredKeys: [] },
);
const definitions = fc.tuple(body(2, []), settings).map(([inner, given]): WorkflowDefinition => ({
  ...inner,
  settings: given,
}));
/** Pauses one after the other: how long the execution goes on before each, and how long it is paused. */
const pauses = fc.array(fc.tuple(ms, ms), { maxLength: 3 }).map((spans): PauseWindow[] => {
  let now = 0;
  return spans.map(([going, paused]) => {
    const from = now + going;
    now = from + paused;
    return { from, to: now };
  });
});

/** What the model says; undefined where that depends on which of simultaneous things comes first. */
function expected(definition: WorkflowDefinition, windows: readonly PauseWindow[]): ExpectedInTime | undefined {
  try {
    const one = expectedInTime(definition, windows, 'oldest');
    const other = expectedInTime(definition, windows, 'newest');
    return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other)) ? one : undefined;
  } catch (error) {
    if (error instanceof TooCloseError) return undefined;
    throw error;
  }
}

function sorted(given: ExpectedInTime): unknown {
  const order = (record: object): unknown => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...given, steps: order(given.steps), times: order(given.times) };
}

/** What the model does not know: the words of errors. */
function withoutErrors(output: Json): Json {
  return JSON.parse(JSON.stringify(output, (key, inner: Json) => (key === 'error' ? undefined : inner))) as Json;
}

/** As the model has them, where they are about as late. */
function asExpected(seen: Record<string, number>, wanted: Record<string, number>): Record<string, number> {
  const close = (key: string, at: number): boolean => Math.abs((wanted[key] ?? Infinity) - at) <= lateMs;
  return Object.fromEntries(Object.entries(seen).map(([key, at]) => [key, close(key, at) ? wanted[key]! : at]));
}

async function compare(definition: WorkflowDefinition, windows: readonly PauseWindow[]): Promise<void> {
  const wanted = expected(definition, windows);
  fc.pre(wanted !== undefined);
  const now = Date.now();
  const shifted = windows.map(({ from, to }) => ({ from: now + from, to: now + to }));
  const bench = new GraphBench({ types: [...controlNodes, ...testNodeTypes], pauses: shifted });
  const { status, error, output, tookMs } = await bench.run(plain(definition) as unknown as WorkflowDefinition);
  // The model knows when steps and sleeps end; of the others it knows that from what is in them.
  const times = Object.fromEntries(Object.entries(bench.times).filter(([key]) => isKnown(key, wanted!)));
  const tolerant = windows.length > 0;
  expect({
    status,
    code: error?.code ?? null,
    output: withoutErrors(output),
    steps: bench.statuses,
    times: tolerant ? asExpected(times, wanted!.times) : times,
    tookMs: tolerant && Math.abs(tookMs - wanted!.tookMs) <= lateMs ? wanted!.tookMs : tookMs,
  }).toEqual(wanted);
  expect(bench.memory.making).toBe(0);
}

function isKnown(key: string, { times }: ExpectedInTime): boolean {
  return key.endsWith(':started') || key in times;
}

test('random graphs do in time what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(definitions, (definition) => compare(definition, [])),
    options,
  );
});

test('and so they do when they are paused and resumed', async () => {
  await fc.assert(
    fc.asyncProperty(definitions, pauses, (definition, windows) => compare(definition, windows)),
    options,
  );
});
