import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { controlNodes } from '../../nodes/index.ts';
import { GraphBench, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { testNodeTypes } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';

beforeEach(useVirtualTime);
afterEach(useRealTime);

const types = [...controlNodes, ...testNodeTypes];
const each = (items: number, more: object = {}) => {
  const body = JSON.parse(JSON.stringify(sketch({ a: { type: 'pure' } }, []))) as Json;
  return { type: 'foreach', params: { items: Array.from({ length: items }, (_, index) => index), body, ...more } };
};

test('as many nodes begin as an execution may begin, those of bodies included, and not one more', async () => {
  const enough = await new GraphBench({ types, maxNodes: 6 }).run(sketch({ each: each(5) }, []));
  expect(enough.status).toBe('completed');
  const bench = new GraphBench({ types, maxNodes: 6 });
  const { status, error } = await bench.run(sketch({ each: each(6) }, []));
  expect({ status, error }).toMatchObject({
    status: 'failed',
    error: { code: 'item_failed', details: { error: { code: 'too_many_steps', node_id: 'each[5].a' } } },
  });
  expect(JSON.stringify(error)).toContain('An execution takes at most 6 steps.');
});

test('a node beyond that fails as nodes do: what catches failures catches this one', async () => {
  const bench = new GraphBench({ types, maxNodes: 3 });
  const { output } = await bench.run(sketch({ each: each(4, { on_item_error: 'continue' }) }, []));
  expect(output).toMatchObject({ each: { count: 4, failed: 2 } });
});

test('what a suspended run goes through again counts once', async () => {
  const chain = sketch({ a: { type: 'pause', params: { ms: 60_000 } }, b: { type: 'pause', params: { ms: 60_000 } } }, [
    'a -> b',
  ]);
  const bench = new GraphBench({ types, maxNodes: 2 });
  expect(await bench.run(chain)).toMatchObject({ status: 'completed', tookMs: 120_000 });
  expect(bench.begun).toBe(3);
});

test('an execution of which nothing else is known may begin many', async () => {
  expect(await new GraphBench({ types }).run(sketch({ each: each(300) }, []))).toMatchObject({ status: 'completed' });
});
