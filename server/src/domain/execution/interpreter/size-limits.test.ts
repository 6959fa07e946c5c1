import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import type { WorkflowDefinition } from '../../language/index.ts';
import { code } from '../../nodes/code/code.node.ts';
import { controlNodes } from '../../nodes/index.ts';
import { executionBytes, nodeBytes } from '../../organisation/plan.ts';
import { ExecutionBench } from '../../../../test/executions/execution-bench.ts';
import { nodeType, testNodeTypes, worked } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';
import { SizeLimits } from './size-limits.ts';

/** Makes a text that is larger than any node of the free plan may make. */
const large = nodeType('large', function* () {
  const make = async (): Promise<Json> => {
    worked.push('large');
    return 'y'.repeat(nodeBytes.free + 1);
  };
  return { output: yield { kind: 'step', key: 'make', run: make } };
});

/** Writes as many lines of 64 KiB as its params say. */
const chatty = nodeType('chatty', function* ({ lines }) {
  const message = 'l'.repeat(65_536);
  for (let line = 0; line < Number(lines); line++) yield { kind: 'log', level: 'info', message };
  return { output: null };
});

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes, code, large, chatty]);
});
afterAll(() => bench.stop());

/** An organisation that nobody knows has the free plan. */
const limit = nodeBytes.free;
const half = 'x'.repeat(limit / 2 - 1_000);
const input = { half };
const twice: Json = { a: '{{ input.half }}', b: '{{ input.half }}', c: '{{ input.half }}' };

async function run(definition: WorkflowDefinition): Promise<Record<string, unknown>> {
  const { id } = await bench.begin(definition, input);
  const { status, error, output } = await bench.ended(id, 50_000);
  return { status, error, output, steps: await bench.steps(id) };
}

test('a node that is given more than the plan allows fails in words', async () => {
  const { status, error } = await run(sketch({ a: { type: 'pure', params: { twice } } }, []));
  expect({ status, error }).toMatchObject({
    status: 'failed',
    error: { code: 'input_too_large', node_id: 'a', details: { limit_bytes: limit } },
  });
  expect((error as { message: string }).message).toContain('2 MiB');
});

test('a node that makes more than the plan allows fails in words, once, and on_error catches it', async () => {
  worked.length = 0;
  const node = { type: 'large', retry: { max_attempts: 3, initial: '1ms' }, on_error: 'continue' as const };
  const { id } = await bench.run(sketch({ a: node, b: { type: 'pure' } }, ['a -> b']));
  expect(await bench.steps(id)).toEqual({ a: 'failed', b: 'completed' });
  expect((await bench.step(id, 'a')).error).toMatchObject({ code: 'output_too_large', node_id: 'a' });
  expect(worked).toEqual(['large']);
});

test('values that double from node to node end before anybody has to write them', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `n${String(index).padStart(2, '0')}`);
  const nodes = Object.fromEntries(
    names.map((name, index) => {
      const before = index === 0 ? '{{ input.half }}' : `{{ steps.${names[index - 1]}.output }}`;
      return [name, { type: 'pure', params: { a: before, b: before } }];
    }),
  );
  const edges = names.slice(1).map((name, index) => `${names[index]} -> ${name}`);
  const { status, error } = await run(sketch(nodes, edges));
  expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'input_too_large' } });
});

test('an execution that keeps more than the plan allows ends, whatever catches failures', async () => {
  const count = Math.ceil(executionBytes.free / limit);
  const node = { type: 'pure', params: { half: '{{ input.half }}' }, on_error: 'continue' as const };
  const nodes = Object.fromEntries(Array.from({ length: count * 2 }, (_, index) => [`n${100 + index}`, node]));
  const { status, error, steps } = await run(sketch(nodes, []));
  expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'execution_too_large' } });
  const statuses = Object.values(steps as Record<string, string>);
  expect(statuses).toContain('completed');
  expect(statuses.filter((each) => each === 'failed')).toHaveLength(1);
});

test.each([
  ['of a node', 600, 'a'],
  ['of a program', 500, 'b'],
])('log lines %s count in what an execution keeps', async (_, lines, failed) => {
  const source = `for (let line = 0; line < 200; line++) console.log('p'.repeat(10_000))`;
  const nodes = {
    a: { type: 'chatty', params: { lines }, on_error: 'continue' as const },
    ...(failed === 'b' && { b: { type: 'code', params: { source }, on_error: 'continue' as const } }),
  };
  const { status, error, steps } = await run(sketch(nodes, failed === 'b' ? ['a -> b'] : []));
  expect({ status, error }).toMatchObject({
    status: 'failed',
    error: { code: 'execution_too_large', node_id: failed, details: { limit_bytes: executionBytes.free } },
  });
  expect(steps).toMatchObject({ [failed]: 'failed' });
});

test('what the last nodes made together, or the output of the workflow, is held to the same bound', async () => {
  const node = { type: 'pure', params: { half: '{{ input.half }}' } };
  const ends = await run(sketch({ a: node, b: node, c: node }, []));
  expect(ends).toMatchObject({ status: 'failed', error: { code: 'output_too_large', node_id: null } });
  const output = await run({ ...sketch({ a: { type: 'pure' } }, []), output: twice });
  expect(output).toMatchObject({ status: 'failed', error: { code: 'output_too_large', node_id: null } });
});

describe('limits', () => {
  test('what is kept is counted in the order in which it comes, and each time', () => {
    const limits = new SizeLimits({ node: 100, execution: 120 });
    limits.keep('x'.repeat(30), undefined);
    limits.keep('x'.repeat(30));
    expect(() => limits.keep('x'.repeat(30))).toThrow('keeps more than');
  });

  test('an execution that was accepted when there were none has none', () => {
    const limits = new SizeLimits();
    limits.checkInput('x'.repeat(50_000_000));
    limits.checkOutput('x'.repeat(50_000_000));
    limits.keep('x'.repeat(50_000_000));
  });
});
