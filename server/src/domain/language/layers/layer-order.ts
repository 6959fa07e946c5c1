import type { WorkflowEdge, WorkflowNode } from '../definition.ts';
import { freeEdgeId } from '../parse-definition.ts';

/** What decides the edges between layers. */
export interface Placed {
  readonly id: string;
  readonly index: number;
  readonly when?: string;
}

/**
 * The edges that make each layer wait for the one before it. Where every node of that may be filtered out, those of the
 * layer before lead past it, so that what comes after still runs.
 */
export function impliedEdges(layers: readonly Placed[]): WorkflowEdge[] {
  const groups = grouped(layers);
  const taken = new Set<string>();
  return groups.flatMap((group, position) =>
    group.flatMap(({ id: to }) =>
      sourcesOf(groups, position).map(({ id: from }) => {
        return { id: freeEdgeId(taken, from, 'default', to), from, to, port: 'default' };
      }),
    ),
  );
}

/** The layer of each node, from 0: behind everything that it waits for. Nodes in a cycle are in the first. */
export function layerIndexes(nodes: readonly WorkflowNode[], edges: readonly WorkflowEdge[]): number[] {
  const depths = new Map(nodes.map(({ id }) => [id, 0]));
  const waiting = new Map(nodes.map(({ id }) => [id, edges.filter(({ to }) => to === id).length]));
  const ready = nodes.filter(({ id }) => waiting.get(id) === 0).map(({ id }) => id);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    for (const { from, to } of edges) {
      if (from !== id || !depths.has(to)) continue;
      depths.set(to, Math.max(depths.get(to)!, depths.get(id)! + 1));
      waiting.set(to, waiting.get(to)! - 1);
      if (waiting.get(to) === 0) ready.push(to);
    }
  }
  return nodes.map(({ id }) => (waiting.get(id) === 0 ? depths.get(id)! : 0));
}

function grouped(layers: readonly Placed[]): Placed[][] {
  const groups = Map.groupBy(layers, ({ index }) => index);
  return [...groups.keys()].sort((a, b) => a - b).map((index) => groups.get(index)!);
}

function sourcesOf(groups: readonly Placed[][], position: number): Placed[] {
  const sources: Placed[] = [];
  for (let before = position - 1; before >= 0; before--) {
    sources.unshift(...groups[before]!);
    if (groups[before]!.some(({ when }) => when === undefined)) break;
  }
  return sources;
}
