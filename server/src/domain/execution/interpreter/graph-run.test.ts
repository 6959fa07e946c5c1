import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import type { WorkflowDefinition } from '../../language/index.ts';
import { ExecutionBench, organisationId } from '../../../../test/executions/execution-bench.ts';
import { sketch } from '../../../../test/executions/sketch.ts';
import { testNodeTypes, worked } from '../../../../test/executions/node-types.ts';
import { until } from '../../../../test/until.ts';

let bench: ExecutionBench;
beforeAll(async () => {
  bench = await ExecutionBench.start(testNodeTypes);
});
afterEach(() => {
  worked.length = 0;
});
afterAll(() => bench.stop());

const [P, W] = [{ type: 'pure' }, { type: 'work' }];
const failing = (code = 'oops') => ({ type: 'work', params: { fail: code } });

describe('which nodes run', () => {
  const table: [name: string, definition: WorkflowDefinition, status: string, steps: Record<string, string>][] = [
    [
      'a chain',
      sketch({ a: W, b: P, c: W }, ['a -> b', 'b -> c']),
      'completed',
      { a: 'completed', b: 'completed', c: 'completed' },
    ],
    ['a diamond', sketch({ a: W, b: W, c: W, d: W }, ['a -> b c', 'b -> d', 'c -> d']), 'completed', all('a b c d')],
    ['two starts', sketch({ a: W, b: P }, []), 'completed', all('a b')],
    [
      'a port: the other side is skipped, and all that hangs on it',
      sketch({ a: { type: 'port', params: { port: 'yes' } }, b: P, c: P, d: P }, ['a:yes -> b', 'a:no -> c', 'c -> d']),
      'completed',
      { ...all('a b'), ...all('c d', 'skipped') },
    ],
    [
      'join all after a branch: dead paths do not count',
      sketch({ a: { type: 'port', params: { port: 'yes' } }, b: W, c: W, d: P }, [
        'a:yes -> b',
        'a:no -> c',
        'b -> d',
        'c -> d',
      ]),
      'completed',
      { ...all('a b d'), c: 'skipped' },
    ],
    [
      'join any: the first one is enough, and it runs once',
      sketch({ a: W, b: { type: 'work', params: { ms: 150 } }, c: { ...W, join: 'any' } }, ['a -> c', 'b -> c']),
      'completed',
      all('a b c'),
    ],
    [
      'join 2 of 3',
      sketch({ a: W, b: W, c: { ...P, when: 'false' }, d: { ...W, join: 2 } }, ['a -> d', 'b -> d', 'c -> d']),
      'completed',
      { ...all('a b d'), c: 'skipped' },
    ],
    [
      'join 2 of 3 of which two die',
      sketch({ a: W, b: { ...P, when: 'false' }, c: { ...P, when: 'false' }, d: { ...W, join: 2 } }, [
        'a -> d',
        'b -> d',
        'c -> d',
      ]),
      'completed',
      { a: 'completed', ...all('b c d', 'skipped') },
    ],
    [
      'edges with when: those that hold fire',
      sketch({ a: P, b: P, c: P, d: P }, ['a -> b if input.n > 1', 'a -> c if input.n > 100', 'a -> d']),
      'completed',
      { ...all('a b d'), c: 'skipped' },
    ],
    [
      'firing first: only the first edge that holds',
      sketch({ a: { type: 'choose' }, b: P, c: P, d: P }, [
        'a -> b if input.n > 100',
        'a -> c if input.n > 1',
        'a -> d',
      ]),
      'completed',
      { ...all('a c'), ...all('b d', 'skipped') },
    ],
    [
      'firing first: when none holds, the default edges',
      sketch({ a: { type: 'choose', params: { port: 'x' } }, b: P, c: P, d: P }, ['a:x -> b if false', 'a -> c d']),
      'completed',
      { ...all('a c d'), b: 'skipped' },
    ],
    [
      'a node with a falsy when',
      sketch({ a: { ...P, when: '{{ input.n > 100 }}' }, b: P }, ['a -> b']),
      'completed',
      all('a b', 'skipped'),
    ],
    [
      'a failure ends the execution',
      sketch({ a: failing(), b: P }, ['a -> b']),
      'failed',
      { a: 'failed', b: 'skipped' },
    ],
    [
      'a failure stops the other branches',
      sketch({ a: failing(), b: { type: 'work', params: { ms: 30_000 } }, c: P }, ['b -> c']),
      'failed',
      { a: 'failed', b: 'cancelled' },
    ],
    [
      'on_failure continue: the other branches end first',
      sketch({ a: failing(), b: { type: 'work', params: { ms: 50 } }, c: W }, ['b -> c'], {
        settings: { on_failure: 'continue' },
      }),
      'failed',
      { a: 'failed', ...all('b c') },
    ],
    [
      'error edges catch a failure',
      sketch({ a: failing(), b: P, c: P }, ['a -> b', 'a:error -> c']),
      'completed',
      { a: 'failed', b: 'skipped', c: 'completed' },
    ],
    [
      'error edges are dead on success',
      sketch({ a: W, b: P, c: P }, ['a -> b', 'a:error -> c']),
      'completed',
      { ...all('a b'), c: 'skipped' },
    ],
    [
      'on_error continue goes on by the default port',
      sketch({ a: { ...failing(), on_error: 'continue' }, b: P }, ['a -> b']),
      'completed',
      { a: 'failed', b: 'completed' },
    ],
    [
      'on_error fail wins over error edges',
      sketch({ a: { ...failing(), on_error: 'fail' }, b: P }, ['a:error -> b']),
      'failed',
      { a: 'failed', b: 'skipped' },
    ],
    [
      'joining a caught failure with a success',
      sketch({ a: failing(), b: W, c: P, d: P }, ['a:error -> c', 'c -> d', 'b -> d']),
      'completed',
      { a: 'failed', ...all('b c d') },
    ],
    [
      'a when that throws fails its node',
      sketch({ a: P, b: P }, ['a -> b if input.x.y.z']),
      'failed',
      { a: 'failed', b: 'skipped' },
    ],
    [
      'params that throw fail their node',
      sketch({ a: { type: 'pure', params: { v: '{{ input.x.y.z }}' } } }, []),
      'failed',
      { a: 'failed' },
    ],
    ['an unknown node type', sketch({ a: { type: 'nonsense' } }, []), 'failed', { a: 'failed' }],
    [
      'retries until it works',
      sketch({ a: { ...retrying(2), retry: { max_attempts: 3, initial: '10ms' } } }, []),
      'completed',
      { a: 'completed@3' },
    ],
    [
      'retries until they are used up',
      sketch({ a: { ...retrying(9), retry: { max_attempts: 2, initial: '10ms' } } }, []),
      'failed',
      { a: 'failed@2' },
    ],
    [
      'no retry for a code that is not named',
      sketch({ a: { ...retrying(9), retry: { max_attempts: 5, initial: '10ms', on: ['other'] } } }, []),
      'failed',
      { a: 'failed' },
    ],
    [
      'a node that runs out of time',
      sketch({ a: { type: 'work', params: { ms: 30_000 }, timeout: '50ms' } }, []),
      'failed',
      { a: 'failed' },
    ],
    [
      'a deaf node that runs out of time',
      sketch({ a: { type: 'deaf', params: { ms: 600 }, timeout: '50ms' } }, []),
      'failed',
      { a: 'failed' },
    ],
    [
      'a sleep that runs out of time',
      sketch({ a: { type: 'pause', params: { ms: 30_000 }, timeout: '50ms' } }, []),
      'failed',
      { a: 'failed' },
    ],
    [
      'an execution that runs out of time in a step',
      sketch({ a: { type: 'work', params: { ms: 30_000 }, on_error: 'continue' } }, [], {
        settings: { timeout: '100ms' },
      }),
      'failed',
      { a: 'cancelled' },
    ],
    [
      'an execution that runs out of time asleep',
      sketch({ a: { type: 'pause', params: { ms: 30_000 } } }, [], { settings: { timeout: '100ms' } }),
      'failed',
      { a: 'cancelled' },
    ],
    [
      'an execution that runs out of time before a retry',
      sketch({ a: { ...retrying(9), retry: { max_attempts: 5, initial: '1h' } } }, [], {
        settings: { timeout: '100ms' },
      }),
      'failed',
      { a: 'cancelled' },
    ],
    ['many commands in one node', sketch({ a: { type: 'long' }, b: { type: 'long' } }, []), 'completed', all('a b')],
  ];

  test.each(table)('%s', async (_, definition, status, steps) => {
    const execution = await bench.run(definition, { n: 5 });
    expect({ status: execution.status, steps: await bench.steps(execution.id) }).toEqual({ status, steps });
  });
});

function all(ids: string, status = 'completed'): Record<string, string> {
  return Object.fromEntries(ids.split(' ').map((id) => [id, status]));
}

function retrying(times: number) {
  return { type: 'work', params: { fail: 'oops', times, value: 'at last' } };
}

describe('what comes out', () => {
  test('without an output template the outputs of the end nodes, by id', async () => {
    const { output } = await bench.run(
      sketch(
        { a: { type: 'work', params: { value: 1 } }, b: { type: 'pure', params: { v: '{{ steps.a.output }}' } } },
        ['a -> b'],
      ),
    );
    expect(output).toEqual({ b: { v: 1 } });
  });

  test('the output template sees input, steps and variables', async () => {
    const definition = sketch({ a: { type: 'long' } }, [], {
      variables: { greeting: 'hello' },
      output: {
        text: '{{ variables.greeting }} {{ input.name }}',
        sum: '{{ variables.sum }}',
        a: '{{ steps.a.output }}',
      },
    });
    const { output } = await bench.run(definition, { name: 'Ada' });
    expect(output).toEqual({ text: 'hello Ada', sum: 3, a: 3 });
  });

  test('a failure names the node and its reason', async () => {
    const { error, output } = await bench.run(sketch({ a: failing('no_luck') }, []));
    expect(error).toEqual({ code: 'no_luck', message: 'failed 1', node_id: 'a', details: {} });
    expect(output).toBeNull();
  });

  test('a fault of the platform is told without its words', async () => {
    const { error } = await bench.run(sketch({ a: { type: 'broken' } }, []));
    expect(error).toMatchObject({ code: 'internal_error', node_id: 'a' });
    expect(JSON.stringify(error)).not.toContain('secret');
    expect(bench.faults.splice(0)).toHaveLength(1);
  });

  test('time-outs are told apart', async () => {
    const node = await bench.run(sketch({ a: { type: 'work', params: { ms: 9_000 }, timeout: '20ms' } }, []));
    expect(node.error).toMatchObject({ code: 'timeout', node_id: 'a', message: 'The node took longer than 20ms.' });
    const whole = await bench.run(
      sketch({ a: { type: 'work', params: { ms: 9_000 } } }, [], { settings: { timeout: '20ms' } }),
    );
    expect(whole.error).toMatchObject({ code: 'execution_timeout', node_id: null });
  });

  test('an early answer is kept', async () => {
    const { response, status } = await bench.run(
      sketch({ a: { type: 'answer', params: { body: { ok: true } } }, b: W }, ['a -> b']),
    );
    expect(status).toBe('completed');
    expect(response).toEqual({ status: 201, headers: {}, body: { ok: true } });
  });

  test('steps that wrap what others made do not nest beyond what can be stored', async () => {
    const wrapped = (text: string) => ({
      type: 'pure',
      params: { v: JSON.parse(`${'['.repeat(50)}${JSON.stringify(text)}${']'.repeat(50)}`) as Json },
    });
    const { error, status } = await bench.run(
      sketch(
        {
          a: wrapped('x'),
          b: wrapped('{{ steps.a.output }}'),
          c: wrapped('{{ steps.b.output }}'),
        },
        ['a -> b', 'b -> c'],
      ),
    );
    expect({ status, error }).toMatchObject({ status: 'failed', error: { code: 'result_too_deep', node_id: 'c' } });
  });

  test('a wait beyond all calendars fails its node', async () => {
    const { error } = await bench.run(sketch({ a: { type: 'pause', params: { ms: 1e15 } } }, []));
    expect(error).toMatchObject({ code: 'invalid_params', node_id: 'a' });
  });

  test('characters that PostgreSQL does not store are replaced', async () => {
    const { output, status } = await bench.run(sketch({ a: { type: 'odd' } }, []));
    expect({ status, output }).toEqual({ status: 'completed', output: { a: 'a\ufffdb\ufffdc\\u0000' } });
  });

  test('a step tells its params, its output, its port and its times', async () => {
    const { id } = await bench.run(sketch({ a: { type: 'pure', name: 'First', params: { v: '{{ input.n }}' } } }, []), {
      n: 3,
    });
    const step = await bench.step(id, 'a');
    expect(step).toMatchObject({
      nodeType: 'pure',
      nodeName: 'First',
      input: { v: 3 },
      output: { v: 3 },
      port: 'default',
      attempt: 1,
    });
    expect(step.durationMs).toBeGreaterThanOrEqual(0);
  });

  test('log lines are stored with their node', async () => {
    const { id } = await bench.run(sketch({ a: { type: 'long' } }, []));
    expect(await bench.logsOf(id)).toMatchObject([
      { nodeId: 'a', attempt: 1, level: 'info', message: 'between', data: { first: 1 } },
    ]);
  });
});

test('branches run at the same time', async () => {
  const slow = { type: 'work', params: { ms: 300 } };
  const { id } = await bench.run(
    sketch({ a: slow, b: slow, c: slow, d: slow, e: P }, ['a -> e', 'b -> e', 'c -> e', 'd -> e']),
  );
  const nodes = (await bench.eventsOf(id)).map(({ type }) => type).filter((type) => type.startsWith('node:'));
  expect(nodes.slice(0, 4)).toEqual(Array(4).fill('node:started'));
});

test('the attempts of a node have keys of their own', async () => {
  const { id } = await bench.run(
    sketch({ a: { ...retrying(1), retry: { max_attempts: 3, initial: '10ms', jitter: 1 } } }, []),
  );
  expect(worked).toEqual([`${id} a 1`, `${id} a 2`]);
});

test('events tell the story in order, with progress', async () => {
  const { id } = await bench.run(
    sketch({ a: { ...retrying(1), retry: { max_attempts: 2, initial: '1ms' } }, b: P }, ['a -> b']),
  );
  const events = await bench.eventsOf(id);
  expect(events.map(({ type, data }) => `${type} ${data.node_id ?? ''} ${data.progress ?? ''}`.trim())).toEqual([
    'execution:started',
    'node:started a',
    'node:failed a',
    'node:started a',
    'node:completed a',
    'execution:progress a 50',
    'node:started b',
    'node:completed b',
    'execution:progress b 100',
    'execution:completed',
  ]);
  expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('an execution that only waits says so, and until when', async () => {
  const { id } = await bench.begin(sketch({ a: { type: 'pause', params: { ms: 1_500 } }, b: P }, ['a -> b']));
  const waiting = await until(async () => {
    const execution = await bench.queries.get(organisationId, id);
    return execution.status === 'waiting' && execution;
  });
  expect(waiting.progress).toBe(0);
  expect((await bench.step(id, 'a')).waitUntil!.getTime()).toBeGreaterThan(Date.now());
  expect((await bench.ended(id)).status).toBe('completed');
  const types = (await bench.eventsOf(id)).map(({ type }) => type);
  expect(types.filter((type) => type === 'execution:waiting')).toHaveLength(1);
});

test('400 nodes in a row', async () => {
  const ids = Array.from({ length: 400 }, (_, index) => `n${String(index).padStart(3, '0')}`);
  const nodes = Object.fromEntries(ids.map((id) => [id, P]));
  const definition = sketch(
    nodes,
    ids.slice(1).map((id, index) => `${ids[index]} -> ${id}`),
  );
  expect((await bench.run(definition)).status).toBe('completed');
});
