import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { controlNodes, set } from '../../nodes/index.ts';
import { ExecutionBench } from '../../../../test/executions/execution-bench.ts';
import { sketch } from '../../../../test/executions/sketch.ts';
import { testNodeTypes, worked } from '../../../../test/executions/node-types.ts';

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start([...controlNodes, ...testNodeTypes, set]);
});
afterEach(() => {
  worked.length = 0;
});
afterAll(() => bench.stop());

type Nodes = Parameters<typeof sketch>[0];
const body = (nodes: Nodes, edges: string[] = [], output?: unknown) =>
  JSON.parse(JSON.stringify(sketch(nodes, edges, output === undefined ? {} : { output: output as never })));
const W = { type: 'work' };
const echo = (v: unknown) => ({ type: 'pure', params: { v: v as never } });

describe('foreach', () => {
  const each = (params: object) => ({ type: 'foreach', params: params as never });

  test('runs its body for each item, and tells how each ended', async () => {
    const { output, id } = await bench.run(
      sketch(
        {
          each: each({
            items: '{{ input.orders }}',
            body: body({ fetch: W, show: echo('{{ item.name }} {{ loop.index }} of {{ loop.count }}') }, [
              'fetch -> show',
            ]),
          }),
          after: echo('{{ steps.each.output.results[1].output.show.v }}'),
        },
        ['each -> after'],
      ),
      { orders: [{ name: 'a' }, { name: 'b' }] },
    );
    expect(output).toEqual({ after: { v: 'b 1 of 2' } });
    expect(await bench.steps(id)).toEqual({
      after: 'completed',
      each: 'completed',
      'each[0].fetch': 'completed',
      'each[0].show': 'completed',
      'each[1].fetch': 'completed',
      'each[1].show': 'completed',
    });
    expect((await bench.step(id, 'each')).input).toEqual({ items: [{ name: 'a' }, { name: 'b' }] });
    expect(worked).toEqual([`${id} each[0].fetch 1`, `${id} each[1].fetch 1`]);
  });

  test('an empty list completes at once', async () => {
    const { output } = await bench.run(sketch({ each: each({ items: [], body: body({ a: W }) }) }, []));
    expect(output).toEqual({ each: { count: 0, failed: 0, results: [] } });
  });

  test('concurrency: so many items at a time, no more', async () => {
    const { id } = await bench.run(
      sketch(
        {
          each: each({
            items: [1, 2, 3, 4, 5],
            concurrency: 2,
            body: body({ a: { type: 'work', params: { ms: 60 } } }),
          }),
        },
        [],
      ),
    );
    const events = (await bench.eventsOf(id)).filter(({ data }) => String(data.node_id).includes('['));
    let at = 0;
    let most = 0;
    for (const { type } of events) {
      at += type === 'node:started' ? 1 : -1;
      most = Math.max(most, at);
    }
    expect({ most, events: events.length }).toEqual({ most: 2, events: 10 });
  });

  const third = { type: 'work', params: { fail: '{{ item }}' } };

  test('an item that fails ends the node, and the items beside it', async () => {
    const { error, id, status } = await bench.run(
      sketch(
        {
          each: each({
            items: ['ok', 'slow'],
            concurrency: 2,
            body: body(
              {
                a: { type: 'port', params: { port: '{{ item }}' } },
                b: { type: 'work', params: { fail: 'oops', ms: 50 } },
                c: { type: 'work', params: { ms: 20_000 } },
              },
              ['a:ok -> b', 'a:slow -> c'],
            ),
          }),
        },
        [],
      ),
    );
    expect({ status, error }).toMatchObject({
      status: 'failed',
      error: {
        code: 'item_failed',
        node_id: 'each',
        details: { index: 0, error: { code: 'oops', node_id: 'each[0].b' } },
      },
    });
    expect(await bench.steps(id)).toMatchObject({ each: 'failed', 'each[0].b': 'failed', 'each[1].c': 'cancelled' });
  });

  test('on_item_error continue: the others go on', async () => {
    const { output } = await bench.run(
      sketch(
        { each: each({ items: ['x', 'y'], on_item_error: 'continue', concurrency: 2, body: body({ a: third }) }) },
        [],
      ),
    );
    expect(output).toEqual({
      each: {
        count: 2,
        failed: 2,
        results: ['x', 'y'].map((code, index) => ({
          status: 'failed',
          output: null,
          error: { code, message: 'failed 1', node_id: `each[${index}].a`, details: {} },
        })),
      },
    });
  });

  test('a failure that an error edge catches inside is none outside', async () => {
    const { output } = await bench.run(
      sketch(
        {
          each: each({ items: ['x'], body: body({ a: third, b: echo('{{ steps.a.error.code }}') }, ['a:error -> b']) }),
        },
        [],
      ),
    );
    expect(output).toMatchObject({ each: { failed: 0, results: [{ output: { b: { v: 'x' } } }] } });
  });

  test('bodies in bodies see the loops around them', async () => {
    const inner = each({
      items: '{{ item.list }}',
      body: body({ a: echo('{{ loop.outer.item.name }}{{ item }}') }, [], '{{ steps.a.output.v }}'),
    });
    const { output, id } = await bench.run(
      sketch(
        { each: each({ items: '{{ input.groups }}', body: body({ inner }, [], '{{ steps.inner.output.results }}') }) },
        [],
        {
          output: '{{ steps.each.output.results }}',
        },
      ),
      {
        groups: [
          { name: 'p', list: [1, 2] },
          { name: 'q', list: [3] },
        ],
      },
    );
    expect(output).toMatchObject([{ output: [{ output: 'p1' }, { output: 'p2' }] }, { output: [{ output: 'q3' }] }]);
    expect(Object.keys(await bench.steps(id))).toContain('each[0].inner[1].a');
  });

  test('a retry runs the body again, under paths of its own', async () => {
    const flaky = { type: 'work', params: { fail: 'oops' } };
    const { status, id } = await bench.run(
      sketch(
        { each: { ...each({ items: [1], body: body({ a: flaky }) }), retry: { max_attempts: 2, initial: '1ms' } } },
        [],
      ),
    );
    expect(status).toBe('failed');
    expect(worked).toEqual([`${id} each[0].a 1`, `${id} each@2[0].a 1`]);
  });

  test('its time-out ends what is inside, whatever that would do about a failure', async () => {
    const { error, id } = await bench.run(
      sketch(
        {
          each: {
            ...each({
              items: [1, 2],
              concurrency: 2,
              body: body({ a: { type: 'work', params: { ms: 20_000 }, on_error: 'continue' }, b: W }, ['a -> b']),
            }),
            timeout: '150ms',
          },
        },
        [],
      ),
    );
    expect(error).toMatchObject({ code: 'timeout', node_id: 'each', message: 'The node took longer than 150ms.' });
    expect(await bench.steps(id)).toEqual({ each: 'failed', 'each[0].a': 'cancelled', 'each[1].a': 'cancelled' });
  });

  test('1,000 items', async () => {
    const { output } = await bench.run(
      sketch(
        {
          each: each({
            items: '{{ Array.from({ length: 1000 }, (_, i) => i) }}',
            concurrency: 10,
            body: body({ a: echo('{{ item }}') }),
          }),
        },
        [],
        {
          output: '{{ steps.each.output.results.length }}',
        },
      ),
    );
    expect(output).toBe(1000);
  });
});

describe('while', () => {
  const loop = (params: object) => ({ type: 'while', params: params as never });

  test('runs as long as the condition holds, which reads the latest result', async () => {
    const { output } = await bench.run(
      sketch(
        {
          pages: loop({
            condition: 'loop.index === 0 || loop.last.next !== null',
            body: body({ fetch: { type: 'work', params: { value: '{{ loop.index }}' } } }, [], {
              next: '{{ loop.index < 2 ? loop.index + 1 : null }}',
            }),
          }),
        },
        [],
      ),
    );
    expect(output).toEqual({ pages: { iterations: 3, last: { next: null } } });
  });

  test('variables carry over from time to time', async () => {
    const { output } = await bench.run(
      sketch(
        {
          count: loop({
            condition: '{{ variables.n < 4 }}',
            body: body({ add: { type: 'set', params: { values: { n: '{{ variables.n + 1 }}' } } } }),
          }),
        },
        [],
        { variables: { n: 0 }, output: '{{ variables.n }}' },
      ),
    );
    expect(output).toBe(4);
  });

  test('the limit ends it as a failure', async () => {
    const { error } = await bench.run(
      sketch({ w: loop({ condition: true, limit: 3, body: body({ a: echo(1) }) }) }, []),
    );
    expect(error).toMatchObject({ code: 'loop_limit_reached', node_id: 'w' });
  });
});

describe('parallel', () => {
  test('branches run at the same time and are told by name', async () => {
    const branch = (value: string) =>
      body({ [`work_${value}`]: { type: 'work', params: { ms: 100, value } } }, [], `{{ steps.work_${value}.output }}`);
    const { output, id } = await bench.run(
      sketch({ fan: { type: 'parallel', params: { branches: { left: branch('l'), right: branch('r') } } } }, []),
    );
    expect(output).toEqual({
      fan: {
        failed: 0,
        results: {
          left: { status: 'completed', output: 'l', error: null },
          right: { status: 'completed', output: 'r', error: null },
        },
      },
    });
    const nodes = (await bench.eventsOf(id)).filter(({ data }) => String(data.node_id).includes('['));
    expect(nodes.slice(0, 2).map(({ type }) => type)).toEqual(['node:started', 'node:started']);
    expect(Object.keys(await bench.steps(id))).toEqual(['fan', 'fan[left].work_l', 'fan[right].work_r']);
  });

  test('a branch that fails ends the others, unless told to continue', async () => {
    const branches = {
      bad: body({ a: { type: 'work', params: { fail: 'oops' } } }),
      slow: body({ b: { type: 'work', params: { ms: 300 } } }),
    };
    const failed = await bench.run(sketch({ fan: { type: 'parallel', params: { branches } } }, []));
    expect(failed.error).toMatchObject({ code: 'branch_failed', details: { branch: 'bad' } });
    expect(await bench.steps(failed.id)).toMatchObject({ 'fan[slow].b': 'cancelled' });
    const gone = await bench.run(
      sketch({ fan: { type: 'parallel', params: { branches, on_branch_error: 'continue' } } }, []),
    );
    expect(gone.output).toMatchObject({ fan: { failed: 1, results: { slow: { status: 'completed' } } } });
  });
});
