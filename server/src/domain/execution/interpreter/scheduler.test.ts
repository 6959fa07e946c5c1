import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { controlNodes, set } from '../../nodes/index.ts';
import { NodeFailure } from '../../nodes/node-type.ts';
import { code } from '../../nodes/code/code.node.ts';
import { eventLoop } from '../../tenancy/event-loop-turns.ts';
import {
  beganAt,
  GraphBench,
  pass,
  passUntil,
  settle,
  useRealTime,
  useVirtualTime,
} from '../../../../test/executions/graph-bench.ts';
import { nodeType, testNodeTypes } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';

const minute = 60_000;
/** Makes text of that length. */
const bulk = nodeType('bulk', function* ({ letters }) {
  const run = async (): Promise<string> => 'x'.repeat(letters as number);
  return { output: yield { kind: 'step', key: 'bulk', run } };
});
/** A sleep, and then a step that comes to nothing at all. */
const sleepsAndWorks = nodeType('sleeps_and_works', function* ({ ms }) {
  yield { kind: 'sleep', milliseconds: ms as number };
  const run = (): Promise<Json> =>
    new Promise((resolve) => setTimeout(() => resolve(undefined as unknown as Json), ms as number));
  return { output: yield { kind: 'step', key: 'work', run } };
});
const types = [...controlNodes, ...testNodeTypes, set, code, bulk, sleepsAndWorks];
const body = (...given: Parameters<typeof sketch>) => JSON.parse(JSON.stringify(sketch(...given))) as Json;
const work = (ms: number, more: object = {}) => ({ type: 'work', params: { ms, ...more } });

beforeEach(useVirtualTime);
afterEach(useRealTime);

describe('what is cancelled', () => {
  test('is left to itself, but what it came to may be recorded for a second', async () => {
    for (const [recordMs, tookMs] of [
      [0, 5_000],
      [900, 7_700],
      [1_100, 8_200],
      [50_000, 106_000],
    ] as const) {
      const bench = new GraphBench({ types, recordMs });
      const slow = { type: 'deaf', params: { ms: 10 * minute } };
      const ended = await bench.run(sketch({ a: work(5_000, { fail: 'oops' }), b: slow }, []));
      expect({ recordMs, ...ended }).toMatchObject({ recordMs, status: 'failed', tookMs });
      expect(bench.statuses).toEqual({ a: 'failed', b: 'cancelled' });
    }
  });

  test('is not waited for when it only lets time pass', async () => {
    const bench = new GraphBench({ types });
    const asleep = { type: 'pause', params: { ms: 600_000 } };
    const ended = await bench.run(sketch({ a: work(5_000, { fail: 'oops' }), b: asleep }, []));
    expect(ended).toMatchObject({ status: 'failed', tookMs: 5_000 });
    expect(jest.getTimerCount()).toBe(0);
  });

  test('holds nothing any more', async () => {
    const bench = new GraphBench({ types });
    const inner = body({ a: { type: 'bulk', params: { letters: 5_000 } }, b: work(minute) }, ['a -> b']);
    const branches = { bad: body({ bad: work(5_000, { fail: 'oops' }) }, []), good: inner };
    const fan = { type: 'parallel', params: { branches }, on_error: 'continue' as const };
    await bench.run(sketch({ fan, after: work(minute) }, ['fan -> after']));
    // What the workflow's own nodes were given and made is held to its end.
    expect(bench.memory.held).toBeLessThan(2_000);
  });

  test('holds nothing any more, nor does what it came to in the moment in which something else ended it', async () => {
    const gate = Promise.withResolvers<void>();
    const gated = nodeType('gated', function* ({ letters }) {
      const run = async (): Promise<string> => {
        await gate.promise;
        if (letters === undefined) throw new NodeFailure('oops', 'It failed.');
        return 'x'.repeat(letters as number);
      };
      return { output: yield { kind: 'step', key: 'gated', run } };
    });
    const bench = new GraphBench({ types: [...types, gated] });
    const inner = body({ a: { type: 'gated' }, b: { type: 'gated', params: { letters: 5_000 } } }, []);
    const each = { type: 'foreach', params: { items: [1], body: inner, on_item_error: 'continue' } };
    const ended = bench.begin(sketch({ each, after: work(minute) }, ['each -> after']));
    await pass(1_000);
    gate.resolve();
    await passUntil(() => bench.statuses.after === 'running');
    expect(bench.statuses).toMatchObject({ 'each[0].a': 'failed', 'each[0].b': 'cancelled' });
    expect(bench.memory.held).toBeLessThan(2_000);
    await passUntil(() => bench.statuses.after === 'completed');
    await ended;
  });

  test('is left when somebody else has ended the execution', async () => {
    let isEnded = false;
    const bench = new GraphBench({ types, isEnded: () => isEnded });
    const ended = bench.begin(sketch({ a: work(5_000), b: work(minute), c: work(1_000) }, ['a -> c']));
    await pass(1_000);
    isEnded = true;
    await passUntil(() => bench.statuses.b === 'cancelled');
    expect(await ended).toMatchObject({ status: 'left', tookMs: 5_000 });
    expect(bench.statuses).toEqual({ a: 'completed', b: 'cancelled' });
  });
});

describe('before each node', () => {
  test('a turn on the event loop is asked for, in the name of the organisation, and after each outcome', async () => {
    const turn = jest.spyOn(eventLoop, 'turn');
    turn.mockClear();
    await new GraphBench({ types }).run(sketch({ a: { type: 'pure' }, b: work(1_000) }, []));
    expect(turn.mock.calls).toEqual([['org_1'], ['org_1'], ['org_1']]);
  });

  test('a turn that does not come at once is waited for, and a pause that came meanwhile is kept', async () => {
    const granted = Promise.withResolvers<void>();
    jest.spyOn(eventLoop, 'turn').mockReturnValue(granted.promise);
    const pauses = [{ from: beganAt + 1_000, to: beganAt + minute }];
    const bench = new GraphBench({ types, pauses });
    const ended = bench.begin(sketch({ a: { type: 'pure' } }, []));
    await pass(2_000);
    expect(bench.statuses).toEqual({});
    granted.resolve();
    await settle();
    expect(bench.statuses).toEqual({});
    jest.spyOn(eventLoop, 'turn').mockReturnValue(undefined);
    await passUntil(() => bench.statuses.a === 'completed');
    expect(await ended).toMatchObject({ status: 'completed', tookMs: minute });
    expect(bench.memory.making).toBe(0);
  });

  test('what was reported has to be stored', async () => {
    let room: Promise<void> | undefined;
    const bench = new GraphBench({ types, room: () => room });
    const storing = Promise.withResolvers<void>();
    room = storing.promise;
    const ended = bench.begin(sketch({ a: { type: 'pure' } }, []));
    await pass(1_000);
    expect(bench.statuses).toEqual({});
    room = undefined;
    storing.resolve();
    expect(await ended).toMatchObject({ status: 'completed' });
  });

  test('an execution for which there is no room any more ends, and what is at work with it', async () => {
    let isFull = false;
    const failure = { code: 'storage_limit_exceeded', message: 'Full.', node_id: null, details: {} };
    const bench = new GraphBench({ types, excess: () => (isFull ? failure : undefined) });
    const ended = bench.begin(sketch({ a: work(5_000), b: work(minute), c: { type: 'pure' } }, ['a -> c']));
    await pass(1_000);
    isFull = true;
    await passUntil(() => bench.statuses.b === 'cancelled');
    expect(await ended).toMatchObject({ status: 'failed', error: failure, tookMs: 5_000 });
    expect(bench.statuses).toEqual({ a: 'completed', b: 'cancelled' });
  });
});

describe('what an execution keeps', () => {
  const sizes = { node: 10_000, execution: 1_000 };

  test.each([
    ['outputs', sketch({ a: work(0, { value: 'x'.repeat(400) }), b: work(0, { value: 'x'.repeat(400) }) }, ['a -> b'])],
    [
      'what nodes are given',
      sketch(
        { a: { type: 'pure', params: { v: 'x'.repeat(400) } }, b: { type: 'pure', params: { v: 'y'.repeat(400) } } },
        ['a -> b'],
      ),
    ],
  ])('is bounded: %s that are too much end it, whatever catches failures', async (_, definition) => {
    const bench = new GraphBench({ types, sizes });
    const nodes = definition.nodes.map((node) => ({
      ...node,
      on_error: 'continue' as const,
      retry: { max_attempts: 9 },
    }));
    const ended = await bench.run({ ...definition, nodes });
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'execution_too_large', node_id: 'b' }, tookMs: 0 });
    expect(bench.statuses).toEqual({ a: 'completed', b: 'failed' });
  });

  test('a node is given no more than its own bound, and what catches failures catches that', async () => {
    const bench = new GraphBench({ types, sizes: { node: 300, execution: 100_000 } });
    const large = { type: 'pure', params: { v: 'x'.repeat(300) } };
    const ended = await bench.run(sketch({ a: large, b: { type: 'pure' } }, ['a:error -> b']));
    expect(ended.status).toBe('completed');
    expect(bench.steps.get('a')).toMatchObject({ status: 'failed', error: { code: 'input_too_large' } });
  });
});

describe('nodes that an earlier execution has run', () => {
  const definition = sketch(
    { a: work(1_000), b: { type: 'pure', params: { v: '{{ steps.a.output }}' } }, c: { type: 'pure' } },
    ['a:yes -> b', 'a:error -> c'],
  );

  test('go their way without being run, and count as progress', async () => {
    const kept = new Map([['a', { output: 7, port: 'yes', variables: { n: 1 } }]]);
    const bench = new GraphBench({ types, kept });
    const ended = await bench.run({ ...definition, output: '{{ variables.n }}' });
    expect(ended).toMatchObject({ status: 'completed', output: 1, tookMs: 0 });
    expect(bench.statuses).toEqual({ b: 'completed', c: 'skipped' });
    expect(bench.steps.get('b')!.output).toEqual({ v: 7 });
    expect(bench.events.find(({ key }) => key === 'progress:a')).toMatchObject({
      data: { progress: 33, completed_nodes: 1 },
    });
  });

  test('fail as they did, and are caught again', async () => {
    const error = { code: 'oops', message: 'failed 1', details: {} };
    const bench = new GraphBench({ types, kept: new Map([['a', { error }]]) });
    expect(await bench.run(definition)).toMatchObject({ status: 'completed', tookMs: 0 });
    expect(bench.statuses).toEqual({ b: 'skipped', c: 'completed' });
  });
});

describe('an approval before a node', () => {
  const asked = sketch({ a: { ...work(1_000), needs_approval: true, name: 'Ship' }, b: { type: 'pure' } }, [
    'a:error -> b',
  ]);
  const decision = (status: string) => ({
    status,
    payload: null,
    decided_by: 'ada',
    note: 'so be it',
    at: '2026-01-01T00:00:10.000Z',
  });

  test('lets it begin, which is its first attempt', async () => {
    const bench = new GraphBench({ types });
    const ended = bench.begin(asked);
    await pass(10_000);
    expect(bench.waits).toMatchObject([
      {
        signal: 'approval:a',
        kind: 'approval',
        nodePath: 'a',
        message: 'Ship needs an approval before it begins.',
        status: 'pending',
      },
    ]);
    bench.signal('approval:a', decision('approved'));
    await passUntil(() => bench.statuses.a === 'completed');
    expect(await ended).toMatchObject({ status: 'completed', tookMs: 11_000 });
    expect(bench.times['a:1:started']).toBe(10_000);
  });

  test('that is declined fails it, without another attempt', async () => {
    const bench = new GraphBench({ types });
    const nodes = asked.nodes.map((node) => ({ ...node, retry: { max_attempts: 5 } }));
    const ended = bench.begin({ ...asked, nodes });
    await pass(10_000);
    bench.signal('approval:a', decision('declined'));
    await passUntil(() => bench.statuses.b === 'completed');
    expect(await ended).toMatchObject({ status: 'completed', tookMs: 10_000 });
    expect(bench.steps.get('a')).toMatchObject({
      status: 'failed',
      error: { code: 'approval_declined', details: { decided_by: 'ada', note: 'so be it' } },
    });
  });

  test('is withdrawn with what was around it', async () => {
    const bench = new GraphBench({ types });
    await bench.run(sketch({ a: { ...work(1_000), needs_approval: true }, bad: work(5_000, { fail: 'oops' }) }, []));
    expect(bench.waits.at(-1)).toMatchObject({ signal: 'approval:a', status: 'cancelled', kind: 'approval' });
  });
});

describe('a run that is suspended', () => {
  test('does nothing again that it did before, and goes on in time', async () => {
    const bench = new GraphBench({ types });
    const chain = sketch({ a: work(5_000), b: { type: 'pause', params: { ms: 10 * minute } }, c: work(5_000) }, [
      'a -> b',
      'b -> c',
    ]);
    expect(await bench.run(chain)).toMatchObject({ status: 'completed', tookMs: 10 * minute + 10_000 });
    expect(bench.begun).toBe(2);
    expect(bench.times).toMatchObject({ 'a:1:completed': 5_000, 'b:1:completed': 605_000, 'c:1:started': 605_000 });
  });

  test('waits for its signals outside of the process', async () => {
    const bench = new GraphBench({ types });
    const ended = bench.begin(sketch({ a: { type: 'approval', params: { message: 'Ship it?' } } }, []));
    await pass(minute);
    expect(bench.suspension).toMatchObject({ signals: ['approval:a'], isHeld: false });
    bench.signal('approval:a', {
      status: 'approved',
      payload: null,
      decided_by: null,
      note: null,
      at: '2026-01-01T00:01:00.000Z',
    });
    await passUntil(() => bench.statuses.a === 'completed');
    expect(await ended).toMatchObject({ status: 'completed', tookMs: minute });
  });

  test('says that it waits, and that it runs when it goes on', async () => {
    const bench = new GraphBench({ types });
    await bench.run(sketch({ a: { type: 'pause', params: { ms: 5_000 } }, b: { type: 'pure' } }, ['a -> b']));
    const statuses = bench.changes.flatMap(({ status }) => status ?? []);
    expect(statuses).toEqual(['waiting', 'running']);
    expect(bench.events.find(({ type }) => type === 'execution:waiting')).toMatchObject({
      data: { node_id: 'a', reason: 'delay', until: new Date(beganAt + 5_000).toISOString() },
    });
  });

  test('says that it runs also where the node that waited goes on by itself', async () => {
    const bench = new GraphBench({ types });
    const ended = bench.begin(sketch({ a: { type: 'sleeps_and_works', params: { ms: 5_000 } } }, []));
    await pass(6_000);
    expect(bench.changes.flatMap(({ status }) => status ?? [])).toEqual(['waiting', 'running']);
    await passUntil(() => bench.statuses.a === 'completed');
    expect(await ended).toMatchObject({ status: 'completed', output: { a: null }, tookMs: 10_000 });
  });

  test('that is taken from its process begins again what was at work, and nothing else', async () => {
    const bench = new GraphBench({ types, crashes: [7_000] });
    expect(await bench.run(sketch({ a: work(5_000), b: work(5_000) }, ['a -> b']))).toMatchObject({
      status: 'completed',
      tookMs: 13_000,
    });
    expect(bench.times).toMatchObject({ 'a:1:completed': 5_000, 'b:1:completed': 13_000 });
  });
});

test('progress is the part of the nodes that are decided, those that are skipped included', async () => {
  const bench = new GraphBench({ types });
  const choice = { type: 'port', params: { port: 'yes' } };
  const P = { type: 'pure' };
  await bench.run(sketch({ a: choice, b: P, c: P, d: P }, ['a:yes -> b', 'a:no -> c', 'b -> d']));
  const progress = bench.events.filter(({ type }) => type === 'execution:progress');
  expect(progress.map(({ data }) => [data.progress, data.completed_nodes, data.total_nodes])).toEqual([
    [25, 1, 4],
    [75, 3, 4],
    [100, 4, 4],
  ]);
});

test('the time that passed is what expressions see as now', async () => {
  const bench = new GraphBench({ types });
  const { output } = await bench.run(
    sketch({ a: work(5_000), b: { type: 'pure', params: { v: '{{ steps.a.output }}' } } }, ['a -> b'], {
      settings: { timeout: '1h' },
    }),
  );
  expect(output).toEqual({ b: { v: null } });
});
