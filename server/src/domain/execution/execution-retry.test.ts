import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ExecutionBench, organisationId, startedBy } from '../../../test/executions/execution-bench.ts';
import { nodeType, testNodeTypes, worked } from '../../../test/executions/node-types.ts';
import { sketch } from '../../../test/executions/sketch.ts';
import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import { controlNodes, NodeFailure, set } from '../nodes/index.ts';
import type { Execution } from './execution.entity.ts';
import type { RetryFrom } from './execution.service.ts';
import { until } from '../../../test/until.ts';

/** What `fragile` nodes fail for. */
const broken = new Set<Json>();

/** Works unless the part that it needs is broken. */
const fragile = nodeType('fragile', function* ({ part = 'part' }, { nodeId, executionId }) {
  yield {
    kind: 'step',
    key: 'work',
    run: async ({ idempotencyKey }) => {
      worked.push(idempotencyKey.replaceAll(':', ' '));
      if (broken.has(part)) throw new NodeFailure('broken', `${nodeId} of ${executionId} is broken`);
      return null;
    },
  };
  return { output: { part } };
});

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes, set, fragile]);
});
afterEach(() => {
  worked.length = 0;
  broken.clear();
});
afterAll(() => bench.stop());

const W = { type: 'work' };
const F = { type: 'fragile' };

async function retry({ id }: Execution, from: RetryFrom = 'failure'): Promise<Execution> {
  const started = await bench.service.retry({ organisationId, executionId: id, startedBy, from });
  worked.length = 0;
  return bench.ended(started.id);
}

/** What ran really, without the execution's id. */
const ran = (): string[] => worked.map((entry) => entry.split(' ').slice(1).join(' '));

describe('from failure', () => {
  test('what was completed is kept with its output and variables; what failed and what follows runs', async () => {
    broken.add('part');
    const failed = await bench.run(
      sketch(
        {
          a: { type: 'work', params: { value: { n: 1 } } },
          name: { type: 'set', params: { values: { greeting: 'hello' } } },
          b: F,
          c: W,
        },
        ['a -> name', 'name -> b', 'b -> c'],
        { output: { n: '{{ steps.a.output.n }}', greeting: '{{ variables.greeting }}', c: '{{ steps.c.status }}' } },
      ),
      { order: 7 },
    );
    expect(failed.status).toBe('failed');
    broken.clear();
    const again = await retry(failed);
    expect(again).toMatchObject({
      status: 'completed',
      retryOf: failed.id,
      input: { order: 7 },
      output: { n: 1, greeting: 'hello', c: 'completed' },
      progress: 100,
    });
    expect(ran()).toEqual(['b 1', 'c 1']);
    const { items } = await bench.queries.steps(organisationId, again.id, { page: 1, perPage: 20 });
    expect(items.map(({ nodeId, status, reused }) => [nodeId, status, reused])).toEqual([
      ['a', 'completed', true],
      ['name', 'completed', true],
      ['b', 'completed', false],
      ['c', 'completed', false],
    ]);
    expect((await bench.queries.get(organisationId, failed.id)).status).toBe('failed');
  });

  test('a failure that was caught is kept as it was, and not tried again', async () => {
    broken.add('part').add('other');
    const failed = await bench.run(
      sketch({ a: F, rescue: W, b: { ...F, params: { part: 'other' } } }, ['a:error -> rescue', 'rescue -> b'], {
        output: { caught: '{{ steps.a.error.code }}', rescue: '{{ steps.rescue.status }}' },
      }),
    );
    expect(failed).toMatchObject({ status: 'failed', error: { node_id: 'b' } });
    broken.clear();
    expect(await retry(failed)).toMatchObject({
      status: 'completed',
      output: { caught: 'broken', rescue: 'completed' },
    });
    expect(ran()).toEqual(['b 1']);
  });

  test('inside a body, the items that were done are kept', async () => {
    broken.add('y');
    const body = sketch({ fetch: { ...F, params: { part: '{{ item }}' } } }, []) as unknown as Json;
    const failed = await bench.run(
      sketch({ each: { type: 'foreach', params: { items: ['x', 'y', 'z'], body } } }, [], {
        output: '{{ steps.each.output.results.map((result) => result.output.fetch.part) }}',
      }),
    );
    expect(failed.status).toBe('failed');
    broken.clear();
    expect(await retry(failed)).toMatchObject({ status: 'completed', output: ['x', 'y', 'z'] });
    expect(ran()).toEqual(['each[1].fetch 1', 'each[2].fetch 1']);
  });

  test('of a retry: what either has completed is kept', async () => {
    broken.add('one').add('two');
    const part = (name: string) => ({ ...F, params: { part: name } });
    const failed = await bench.run(sketch({ a: W, b: part('one'), c: part('two') }, ['a -> b', 'b -> c']));
    broken.delete('one');
    const second = await retry(failed);
    expect([second.status, ran()]).toEqual(['failed', ['b 1', 'c 1']]);
    broken.delete('two');
    expect((await retry(second)).status).toBe('completed');
    expect(ran()).toEqual(['c 1']);
  });

  test('an answer that was given is given again', async () => {
    broken.add('part');
    const failed = await bench.run(sketch({ a: { type: 'answer', params: { body: 'early' } }, b: F }, ['a -> b']));
    broken.clear();
    expect((await retry(failed)).response).toMatchObject({ body: 'early' });
  });

  test('of a cancelled execution: what was at work runs again', async () => {
    const { id } = await bench.begin(sketch({ a: W, b: { type: 'work', params: { ms: 60_000 } } }, ['a -> b']));
    await until(() => worked.includes(`${id} b 1`));
    await until(async () => (await bench.steps(id)).a === 'completed');
    await bench.control.cancel(organisationId, id);
    const again = await bench.service.retry({ organisationId, executionId: id, startedBy, from: 'failure' });
    await until(() => worked.includes(`${again.id} b 1`));
    expect(worked).not.toContain(`${again.id} a 1`);
    await bench.control.cancel(organisationId, again.id);
  });
});

test('from start, everything runs anew', async () => {
  broken.add('part');
  const failed = await bench.run(sketch({ a: W, b: F }, ['a -> b']));
  broken.clear();
  expect(await retry(failed, 'start')).toMatchObject({ status: 'completed', retryOf: failed.id });
  expect(ran()).toEqual(['a 1', 'b 1']);
});

test('what is completed or not ours is refused', async () => {
  const { id } = await bench.run(sketch({ a: W }, []));
  const request = { executionId: id, startedBy, from: 'failure' as const };
  await expect(bench.service.retry({ organisationId, ...request })).rejects.toMatchObject({
    code: 'execution_status_conflict',
    details: { id, status: 'completed', allowed: ['failed', 'cancelled'] },
  });
  await expect(bench.service.retry({ organisationId: newId('org'), ...request })).rejects.toMatchObject({
    code: 'resource_not_found',
  });
});
