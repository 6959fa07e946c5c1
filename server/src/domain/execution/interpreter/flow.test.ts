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
