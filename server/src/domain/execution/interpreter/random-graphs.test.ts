import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Json } from '../../domain-error.ts';
import type { WorkflowBody, WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../language/index.ts';
import { controlNodes } from '../../nodes/index.ts';
import { ExecutionBench } from '../../../../test/executions/execution-bench.ts';
import { testNodeTypes } from '../../../../test/executions/node-types.ts';
import { expectedOf } from '../../../../test/executions/reference-interpreter.ts';

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes]);
});
afterAll(() => bench.stop());

type NodeSketch = Omit<WorkflowNode, 'id'>;

/** Expressions that may stand at a place: `{{ loop.index }}` in loops, `{{ item }}` in those over items. */
type Names = readonly string[];

const value = (names: Names): fc.Arbitrary<Json> => fc.constantFrom<Json>(1, 'x', null, ...names);

const leaf = (names: Names): fc.Arbitrary<NodeSketch> =>
  fc.oneof(
    value(names).map((v) => ({ type: 'pure', params: { v } })),
    fc.constantFrom('yes', 'no', 'default').map((port) => ({ type: 'port', params: { port } })),
    fc
      .record({ v: value(names), ms: fc.constantFrom(0, 0, 3) })
      .map(({ v, ms }) => ({ type: 'work', params: { value: v, ms } })),
    fc
      .constantFrom<Json>(1, 2, 9)
      .map((times) => ({ type: 'work', params: { fail: 'oops', times, value: 'at last' } })),
  );

const holder = (depth: number, names: Names): fc.Arbitrary<NodeSketch> =>
  fc.oneof(
    fc
      .record({
        items: fc.array(fc.constantFrom<Json>('p', 'q', 3), { maxLength: 3 }),
        onItemError: fc.constantFrom('fail', 'continue'),
        concurrency: fc.constantFrom(1, 3),
        body: body(depth - 1, ['{{ item }}', '{{ loop.index }}']),
      })
      .map(({ items, onItemError, concurrency, body: inner }) => ({
        type: 'foreach',
        // Which items had begun when one fails depends on time, unless they go one by one.
        params: {
          items,
          on_item_error: onItemError,
          concurrency: onItemError === 'fail' ? 1 : concurrency,
          body: plain(inner),
        },
      })),
    fc
      .record({
        times: fc.integer({ min: 0, max: 3 }),
        limit: fc.constantFrom(2, 5),
        body: body(depth - 1, [...names, '{{ loop.index }}']),
      })
      .map(({ times, limit, body: inner }) => ({
        type: 'while',
        params: { condition: `loop.index <${times}`, limit, body: plain(inner) },
      })),
    fc.tuple(body(depth - 1, names), body(depth - 1, names)).map(([left, right]) => ({
      type: 'parallel',
      params: { on_branch_error: 'continue', branches: { left: plain(left), right: plain(right) } },
    })),
  );

const policies = fc.record(
  {
    join: fc.constantFrom<'all' | 'any' | 2>('all', 'any', 2),
    when: fc.constantFrom('true', 'false'),
    on_error: fc.constantFrom<'fail' | 'continue' | 'route'>('fail', 'continue', 'route'),
    retry: fc.constant({ max_attempts: 2, initial: '1ms' }),
  },
  { requiredKeys: [] },
);

/** A graph without cycles: edges lead from earlier nodes to later ones. */
function body(depth: number, names: Names): fc.Arbitrary<WorkflowBody> {
  const kind = depth > 0 ? fc.oneof({ weight: 4, arbitrary: leaf(names) }, holder(depth, names)) : leaf(names);
  const node = fc.tuple(kind, policies).map(([sketch, more]) => ({ ...sketch, ...more }));
  return fc.array(node, { minLength: 1, maxLength: 5 }).chain((sketches) => {
    const nodes = sketches.map((sketch, index) => ({ id: `n${index}`, ...sketch }));
    const pairs = nodes.flatMap((_, to) => nodes.slice(0, to).map((__, from) => [from, to] as const));
    const edge = fc.record({
      taken: fc.constantFrom(true, false, false),
      port: fc.constantFrom('default', 'default', 'error', 'yes'),
      when: fc.constantFrom(undefined, undefined, 'true', 'false'),
    });
    return fc.array(edge, { minLength: pairs.length, maxLength: pairs.length }).map((choices) => ({
      nodes,
      edges: pairs.flatMap(([from, to], index): WorkflowEdge[] => {
        const { taken, port, when } = choices[index]!;
        return taken ? [{ id: `e${index}`, from: `n${from}`, to: `n${to}`, port, ...(when && { when }) }] : [];
      }),
    }));
  });
}

const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

/** What the reference does not know: the words of errors. */
function withoutErrors(output: Json): Json {
  return JSON.parse(JSON.stringify(output, (key, inner: Json) => (key === 'error' ? undefined : inner))) as Json;
}

test('random graphs come to what the reference interpreter says', async () => {
  const definition = body(2, []).map((inner): WorkflowDefinition => ({
    ...inner,
    settings: { on_failure: 'continue' },
  }));
  await fc.assert(
    fc.asyncProperty(definition, async (given) => {
      const execution = await bench.run(plain(given) as unknown as WorkflowDefinition);
      const seen = {
        status: execution.status,
        output: withoutErrors(execution.output ?? null),
        steps: await bench.steps(execution.id),
      };
      expect(seen).toEqual(expectedOf(given));
    }),
    { numRuns: 80 },
  );
});
