import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { controlNodes } from '../../nodes/index.ts';
import { sharedResources } from '../../tenancy/shared-resources.ts';
import { ExecutionBench } from '../../../../test/executions/execution-bench.ts';
import { nodeType, testNodeTypes } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';
import { until } from '../../../../test/until.ts';

const bound = 2_000_000;
const letters = 300_000;
/** What was held whenever a node made something. */
const seen: number[] = [];
const held = (): number => sharedResources.memory.get('executions')!().held;

const bulky = nodeType('bulky', function* () {
  const make = async (): Promise<Json> => {
    seen.push(held());
    return 'y'.repeat(letters);
  };
  return { output: yield { kind: 'step', key: 'make', run: make } };
});
const node = { type: 'bulky' };

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes, bulky], undefined, {}, { memoryBytes: bound });
});
beforeEach(() => {
  seen.length = 0;
});
afterAll(() => bench.stop());

test('executions that together would hold four times what they may wait for each other, and all of them end', async () => {
  const definition = sketch({ a: node, b: node, c: node }, ['a -> b', 'b -> c']);
  const workflowId = bench.publish({ ...definition, output: '{{ steps.c.output.length }}' });
  const ids: string[] = [];
  for (let each = 0; each < 9; each++) ids.push((await bench.beginOf(workflowId)).id);
  for (const id of ids) expect(await bench.ended(id)).toMatchObject({ status: 'completed', output: letters });
  expect(Math.max(...seen)).toBeGreaterThan(letters);
  expect(Math.max(...seen)).toBeLessThan(bound);
  await until(() => held() === 0);
});

test('what an iteration made is held until it is over', async () => {
  const body = { ...sketch({ a: node }, []), output: '{{ steps.a.output.length }}' };
  const each = { type: 'foreach', params: { items: Array.from({ length: 20 }, (_, index) => index), body } };
  const { status, error, output } = await bench.run(sketch({ each: JSON.parse(JSON.stringify(each)) }, []));
  expect({ status, error, output }).toMatchObject({ status: 'completed' });
  expect(seen).toHaveLength(20);
  expect(Math.max(...seen)).toBeLessThan(2 * letters);
  await until(() => held() === 0);
});
