import { describe, expect, test } from '@jest/globals';
import { compile, type WorkflowDefinition } from '../../language/index.ts';
import { sketch } from '../../../../test/executions/sketch.ts';
import { Flow } from './flow.ts';

const P = { type: 'pure' };

/** Numbers that look random and are the same for the same seed (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function randomDefinition(chance: () => number): WorkflowDefinition {
  const count = 2 + Math.floor(chance() * 12);
  const ids = Array.from({ length: count }, (_, index) => `n${String(index).padStart(2, '0')}`);
  const edges: string[] = [];
  const incoming = new Map<string, number>();
  for (const [index, id] of ids.entries()) {
    for (const from of ids.slice(0, index)) {
      if (chance() > 0.25) continue;
      edges.push(`${from} -> ${id}`);
      incoming.set(id, (incoming.get(id) ?? 0) + 1);
    }
  }
  const nodes = ids.map((id) => {
    const kind = chance();
    const edgesIn = incoming.get(id) ?? 0;
    if (edgesIn < 2 || kind < 0.5) return [id, P] as const;
    return [id, { ...P, join: kind < 0.75 ? ('any' as const) : 1 + Math.floor(chance() * edgesIn) }] as const;
  });
  return sketch(Object.fromEntries(nodes), edges);
}

describe('the accounts of edges', () => {
  test('of any graph come out even: every node is decided, once, and as its join says, whatever ends first', () => {
    for (let seed = 1; seed <= 2_000; seed++) {
      const chance = chances(seed);
      const graph = compile(randomDefinition(chance));
      const flow = new Flow(graph);
      const ready = [...flow.start()];
      const ran = new Set<string>();
      const skipped = new Set<string>();
      const fired = new Set<string>();
      while (ready.length > 0) {
        const [id] = ready.splice(Math.floor(chance() * ready.length), 1) as [string];
        expect(ran.has(id) || skipped.has(id)).toBe(false);
        ran.add(id);
        const leaving = graph.outgoing(id).filter(() => chance() < 0.6);
        for (const edge of leaving) fired.add(edge.id);
        const next = flow.leave(id, new Set(leaving.map((edge) => edge.id)));
        ready.push(...next.ready);
        for (const dead of next.skipped) {
          expect(ran.has(dead) || skipped.has(dead)).toBe(false);
          skipped.add(dead);
        }
      }
      expect({ seed, decided: ran.size + skipped.size }).toEqual({ seed, decided: graph.nodes.size });
      for (const id of graph.nodes.keys()) {
        const incoming = graph.incoming(id);
        if (incoming.length === 0) continue;
        const count = incoming.filter((edge) => fired.has(edge.id)).length;
        const { join = 'all' } = graph.node(id);
        const wanted = join === 'all' || join === 'any' ? 1 : join;
        expect({ seed, id, ran: ran.has(id) }).toEqual({ seed, id, ran: count >= wanted });
      }
    }
  });
});

describe('a join', () => {
  const edges = ['a -> d', 'b -> d', 'c -> d', 'd -> e'];
  const fires = (graph: ReturnType<typeof compile>, from: string): ReadonlySet<string> =>
    new Set(graph.outgoing(from).map(({ id }) => id));

  /** What comes of d as a, b and c end one after the other, each with its edge fired (1) or dead (0). */
  test.each([
    ['all', [1, 1, 1], ['', '', 'ready']],
    ['all', [1, 0, 0], ['', '', 'ready']],
    ['all', [0, 0, 0], ['', '', 'skipped']],
    ['any', [1, 1, 0], ['ready', '', '']],
    ['any', [0, 1, 1], ['', 'ready', '']],
    ['any', [0, 0, 0], ['', '', 'skipped']],
    [1, [0, 0, 1], ['', '', 'ready']],
    [2, [1, 1, 1], ['', 'ready', '']],
    [2, [1, 0, 1], ['', '', 'ready']],
    [2, [0, 0, 1], ['', 'skipped', '']],
    [3, [1, 1, 1], ['', '', 'ready']],
    [3, [1, 0, 1], ['', 'skipped', '']],
  ] as const)('of %s with %j is decided as soon as it can be, once: %j', (join, fired, decided) => {
    const graph = compile(sketch({ a: P, b: P, c: P, d: { ...P, join }, e: P }, edges));
    const flow = new Flow(graph);
    flow.start();
    const seen = ['a', 'b', 'c'].map((id, index) => {
      const { ready, skipped } = flow.leave(id, fired[index] === 1 ? fires(graph, id) : new Set());
      // What hangs on a node that is skipped is skipped with it.
      expect(skipped.includes('e')).toBe(skipped.includes('d'));
      return ready.includes('d') ? 'ready' : skipped.includes('d') ? 'skipped' : '';
    });
    expect(seen).toEqual(decided);
  });
});

test('what may begin and what is skipped is told by id, whatever the order of the edges', () => {
  const graph = compile(
    sketch({ a: P, z: P, y: P, m: P, k: P, b: P }, ['a -> z', 'a -> b', 'a -> y', 'a:error -> m', 'a:error -> k']),
  );
  const flow = new Flow(graph);
  expect(flow.start()).toEqual(['a']);
  const fired = new Set(graph.outgoing('a', 'default').map(({ id }) => id));
  expect(flow.leave('a', fired)).toEqual({ ready: ['b', 'y', 'z'], skipped: ['k', 'm'] });
});
