import type { WorkflowBody, WorkflowDefinition, WorkflowEdge, WorkflowNode } from './definition.ts';

/** A definition that passed validation, arranged for walking. */
export interface Graph {
  readonly definition: WorkflowDefinition;
  readonly nodes: ReadonlyMap<string, WorkflowNode>;
  /** Ids of the nodes without incoming edges, sorted. */
  readonly start: readonly string[];
  /** Ids of the nodes without outgoing edges other than `error`, sorted: their outputs are the answer of a workflow without `output`. */
  readonly end: readonly string[];
  /** Every id, each after all that lead to it; ties in id order. */
  readonly order: readonly string[];
  node(id: string): WorkflowNode;
  /** Edges into a node, by id. */
  incoming(id: string): readonly WorkflowEdge[];
  /** Edges out of a node, of one port or of all, by priority (lower first), then by id. */
  outgoing(id: string, port?: string): readonly WorkflowEdge[];
  /** Ids of all nodes that lead to this one. */
  upstream(id: string): ReadonlySet<string>;
  /** What a failure of the node does; a node with `error` edges routes unless it says otherwise. */
  onError(id: string): 'fail' | 'continue' | 'route';
}

const none: readonly WorkflowEdge[] = [];

/** Arranges a valid definition; of an invalid one, edges to unknown nodes and nodes in cycles are left out of `order`. */
export function compile(definition: WorkflowDefinition): Graph {
  const nodes = new Map(definition.nodes.map((node) => [node.id, node]));
  const edges = definition.edges.filter((edge) => nodes.has(edge.from) && nodes.has(edge.to)).sort(byPriority);
  const outgoing = grouped(edges, (edge) => edge.from);
  const incoming = grouped([...edges].sort(byId), (edge) => edge.to);
  const ids = [...nodes.keys()].sort();
  const order = topological(ids, edges);
  const upstream = new Map<string, ReadonlySet<string>>();
  return {
    definition,
    nodes,
    start: ids.filter((id) => !incoming.has(id)),
    end: ids.filter((id) => !(outgoing.get(id) ?? none).some((edge) => edge.port !== 'error')),
    order,
    node: (id) => required(nodes, id),
    incoming: (id) => incoming.get(id) ?? none,
    outgoing: (id, port) => {
      const all = outgoing.get(id) ?? none;
      return port === undefined ? all : all.filter((edge) => edge.port === port);
    },
    upstream: (id) => {
      const known = upstream.get(id) ?? ancestors(id, incoming);
      upstream.set(id, known);
      return known;
    },
    onError: (id) => {
      const routes = (outgoing.get(id) ?? none).some((edge) => edge.port === 'error');
      return required(nodes, id).on_error ?? (routes ? 'route' : 'fail');
    },
  };
}

/** The cycles of a definition, each as the ids on it, the smallest first; at most one for each group of tangled nodes. */
export function cycles(definition: WorkflowBody): string[][] {
  const order = new Set(compile(definition).order);
  const left = definition.nodes.map((node) => node.id).filter((id) => !order.has(id));
  const seen = new Set<string>();
  const found: string[][] = [];
  for (const id of [...new Set(left)].sort()) {
    if (seen.has(id)) continue;
    const cycle = cycleThrough(id, definition.edges, new Set(left));
    if (!cycle || cycle.some((member) => seen.has(member))) continue;
    cycle.forEach((member) => seen.add(member));
    found.push(cycle);
  }
  return found;
}

function cycleThrough(
  start: string,
  edges: readonly WorkflowEdge[],
  within: ReadonlySet<string>,
): string[] | undefined {
  const next = grouped(
    edges.filter((edge) => within.has(edge.from) && within.has(edge.to)),
    (edge) => edge.from,
  );
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    for (const edge of next.get(id) ?? none) {
      if (edge.to === start) return pathTo(id, start, cameFrom);
      if (cameFrom.has(edge.to)) continue;
      cameFrom.set(edge.to, id);
      queue.push(edge.to);
    }
  }
  return undefined;
}

function pathTo(end: string, start: string, cameFrom: ReadonlyMap<string, string>): string[] {
  const path = [end];
  while (path[0] !== start) path.unshift(cameFrom.get(path[0]!)!);
  return path;
}

/** Kahn's algorithm, always taking the smallest ready id, so that the order is the same everywhere. */
function topological(ids: readonly string[], edges: readonly WorkflowEdge[]): string[] {
  const waiting = new Map(ids.map((id) => [id, 0]));
  for (const edge of edges) waiting.set(edge.to, waiting.get(edge.to)! + 1);
  const next = grouped(edges, (edge) => edge.from);
  const ready = ids.filter((id) => waiting.get(id) === 0);
  const order: string[] = [];
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    order.push(id);
    for (const edge of next.get(id) ?? none) {
      const left = waiting.get(edge.to)! - 1;
      waiting.set(edge.to, left);
      if (left === 0) ready.push(edge.to);
    }
    ready.sort();
  }
  return order;
}

function ancestors(id: string, incoming: ReadonlyMap<string, readonly WorkflowEdge[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const queue = [id];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    for (const edge of incoming.get(at) ?? none) {
      if (found.has(edge.from)) continue;
      found.add(edge.from);
      queue.push(edge.from);
    }
  }
  return found;
}

function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

function required<T>(map: ReadonlyMap<string, T>, id: string): T {
  const found = map.get(id);
  if (!found) throw new Error(`The workflow has no node "${id}".`);
  return found;
}

function byPriority(a: WorkflowEdge, b: WorkflowEdge): number {
  return (a.priority ?? 0) - (b.priority ?? 0) || byId(a, b);
}

function byId(a: WorkflowEdge, b: WorkflowEdge): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
