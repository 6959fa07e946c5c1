import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { controlNodes } from '../../nodes/index.ts';
import { sha256 } from '../../secret.ts';
import { GraphBench, pass, passUntil, useRealTime, useVirtualTime } from '../../../../test/executions/graph-bench.ts';
import { testNodeTypes } from '../../../../test/executions/node-types.ts';
import { sketch } from '../../../../test/executions/sketch.ts';

const types = [...controlNodes, ...testNodeTypes];
const event = (params: object = {}) => ({ type: 'wait.event', params: params as Record<string, Json> });
const base = 'http://flowpact.test/v1/callbacks/';
const received = (payload: Json) => ({
  status: 'received',
  payload,
  decided_by: null,
  note: null,
  at: '2026-01-01T00:00:01.000Z',
});

beforeEach(useVirtualTime);
afterEach(useRealTime);

test('the URL of a wait is known before its node begins, opens it, and only its hash is told', async () => {
  const schema = { type: 'object' };
  const bench = new GraphBench({ types });
  const show = { type: 'pure', params: { url: '{{ execution.callbacks.hook }}', ms: 1 } };
  const ended = bench.begin(
    sketch({ a: show, w: { type: 'work', params: { ms: 60_000 } }, hook: event({ payload_schema: schema }) }, [
      'w -> hook',
    ]),
  );
  await pass(1_000);
  const { url } = bench.steps.get('a')!.output as { url: string };
  expect(url.slice(0, base.length)).toBe(base);
  expect(url.slice(base.length)).toMatch(/^[\w-]{43}$/);
  expect(bench.waits).toMatchObject([
    {
      signal: 'event:hook',
      kind: 'event',
      nodePath: 'hook',
      tokenHash: sha256(url.slice(base.length)),
      payloadSchema: schema,
      status: 'pending',
    },
  ]);
  expect(JSON.stringify(bench.waits)).not.toContain(url.slice(base.length));
  bench.signal('event:hook', received({ n: 1 }));
  await passUntil(() => bench.statuses.hook === 'completed');
  expect(await ended).toMatchObject({ status: 'completed', tookMs: 60_000 });
});

test('each run through a body has a URL of its own, which a replay knows again', async () => {
  const url = '{{ execution.callbacks.hook }}';
  const inner = sketch(
    {
      a: { type: 'pure', params: { url } },
      p: { type: 'pause', params: { ms: 600_000 } },
      b: { type: 'pure', params: { url } },
      hook: { ...event(), when: 'false' },
    },
    ['p -> b', 'b -> hook'],
  );
  const body = JSON.parse(JSON.stringify(inner)) as Json;
  const bench = new GraphBench({ types });
  await bench.run(
    sketch({ each: { type: 'foreach', params: { items: [1, 2], body } }, hook: { ...event(), when: 'false' } }, []),
  );
  expect(bench.begun).toBeGreaterThan(1);
  const urlOf = (path: string): unknown => (bench.steps.get(path)!.output as { url: string }).url;
  const urls = [urlOf('each[0].a'), urlOf('each[1].a')];
  expect(new Set(urls).size).toBe(2);
  expect([urlOf('each[0].b'), urlOf('each[1].b')]).toEqual(urls);
});

test('a schema with expressions is told when its node begins', async () => {
  const bench = new GraphBench({ types });
  const ended = bench.begin(
    sketch(
      { w: { type: 'work', params: { ms: 5_000 } }, hook: event({ payload_schema: { const: '{{ input.n }}' } }) },
      ['w -> hook'],
    ),
    { n: 7 },
  );
  await pass(1_000);
  expect(bench.waits.map(({ payloadSchema }) => payloadSchema)).toEqual([undefined]);
  await pass(5_000);
  expect(bench.waits.at(-1)).toMatchObject({ payloadSchema: { const: 7 }, tokenHash: bench.waits[0]!.tokenHash });
  bench.signal('event:hook', received(7));
  await passUntil(() => bench.statuses.hook === 'completed');
  await ended;
});

test('an approval has no URL', async () => {
  const bench = new GraphBench({ types });
  const ended = bench.begin(
    sketch({ a: { type: 'approval', params: { message: 'Ship it?' } }, hook: { ...event(), when: 'false' } }, []),
  );
  await pass(1_000);
  expect(bench.waits.find(({ signal }) => signal === 'approval:a')!.tokenHash).toBeUndefined();
  bench.signal('approval:a', { ...received(null), status: 'approved' });
  await passUntil(() => bench.statuses.a === 'completed');
  await ended;
});
