import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { controlNodes, set } from '../../nodes/index.ts';
import { GraphBench, pass, passUntil, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { testNodeTypes } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';

const types = [...controlNodes, ...testNodeTypes, set];
const called = { type: 'workflow.call', params: { workflow_id: `wf_0${'0'.repeat(25)}` } };
const failing = (ms: number) => ({ type: 'work', params: { ms, fail: 'oops' } });
const body = (...given: Parameters<typeof sketch>) => JSON.parse(JSON.stringify(sketch(...given))) as Json;

beforeEach(useVirtualTime);
afterEach(useRealTime);

describe('a called execution is cancelled with its caller', () => {
  test('when another branch of the workflow fails', async () => {
    const bench = new GraphBench({ types });
    const { status } = await bench.run(sketch({ call: called, bad: failing(5_000) }, []));
    expect({ status, steps: bench.statuses }).toEqual({
      status: 'failed',
      steps: { bad: 'failed', call: 'cancelled' },
    });
    expect(bench.calls.cancelled).toEqual(['child_1']);
  });

  test('when what is around it fails, at any depth', async () => {
    const inner = { type: 'foreach', params: { items: [1], body: body({ call: called }, []) } };
    const branches = { bad: body({ bad: failing(5_000) }, []), deep: body({ each: inner }, []) };
    const bench = new GraphBench({ types });
    const { error } = await bench.run(sketch({ fan: { type: 'parallel', params: { branches } } }, []));
    expect(error).toMatchObject({ code: 'branch_failed' });
    expect(bench.statuses).toMatchObject({ 'fan[deep].each[0].call': 'cancelled' });
    expect(bench.calls.cancelled).toEqual(['child_1']);
  });

  test('when the time of its node, or of the execution, is over', async () => {
    for (const limits of [{ timeout: '7s' }, { settings: { timeout: '7s' } }]) {
      const { timeout, ...more } = limits as { timeout?: string };
      const bench = new GraphBench({ types });
      const { error, tookMs } = await bench.run(sketch({ call: { ...called, ...(timeout && { timeout }) } }, [], more));
      expect(error).toMatchObject({ details: { timeout: '7s' } });
      expect({ tookMs, cancelled: bench.calls.cancelled }).toEqual({ tookMs: 7_000, cancelled: ['child_1'] });
    }
  });

  test('and not once it has ended', async () => {
    const bench = new GraphBench({ types });
    const ended = bench.begin(sketch({ call: called, bad: failing(60_000) }, []));
    await pass(5_000);
    bench.childEnded('child_1', { execution_id: 'child_1', status: 'completed', output: 1, error: null });
    await passUntil(() => bench.statuses.bad === 'failed');
    await ended;
    expect(bench.statuses).toEqual({ bad: 'failed', call: 'completed' });
    expect(bench.calls.cancelled).toEqual([]);
  });
});

test('once the time of the execution is over nothing begins any more, whatever other branches still come to', async () => {
  const bench = new GraphBench({ types, callMs: 20_000 });
  const call = { type: called.type, params: { ...called.params, wait: false } };
  const definition = sketch({ slow: { type: 'work', params: { ms: 60_000 } }, call, next: { type: 'pure' } }, [
    'call -> next',
  ]);
  const { error, tookMs } = await bench.run({ ...definition, settings: { timeout: '5s' } });
  expect({ code: error?.code, tookMs }).toEqual({ code: 'execution_timeout', tookMs: 5_000 });
  expect(bench.statuses).toEqual({ call: 'cancelled', slow: 'cancelled' });
});

describe('an edge after a failure whose condition throws', () => {
  const caught = sketch({ bad: failing(1_000), next: { type: 'pure' } }, ['bad:error -> next if input.x.y.z']);

  test('ends the execution', async () => {
    const bench = new GraphBench({ types });
    const { status, error } = await bench.run(caught);
    expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'expression_error', node_id: 'bad' } });
  });

  test('ends the body around it, and with it whatever else is at work there', async () => {
    const slow = { type: 'work', params: { ms: 60_000 } };
    const inner = { ...caught, nodes: [...caught.nodes, { id: 'slow', ...slow }] };
    const each = { items: [1], on_item_error: 'continue', body: JSON.parse(JSON.stringify(inner)) as Json };
    const bench = new GraphBench({ types });
    const { status, output, tookMs } = await bench.run(sketch({ each: { type: 'foreach', params: each } }, []));
    expect({ status, tookMs }).toEqual({ status: 'completed', tookMs: 1_000 });
    expect(output).toMatchObject({
      each: { failed: 1, results: [{ status: 'failed', error: { code: 'expression_error' } }] },
    });
    expect(bench.statuses).toMatchObject({ 'each[0].bad': 'failed', 'each[0].slow': 'cancelled' });
  });
});
