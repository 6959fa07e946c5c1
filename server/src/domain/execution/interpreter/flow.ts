import type { Graph } from '../../language/index.ts';

type Join = 'ready' | 'dead' | 'open';

/** What the end of a node leads to, both in id order. */
export interface Consequences {
  /** Nodes that may begin. */
  ready: string[];
  /** Nodes that no path leads to any more. */
  skipped: string[];
}

/**
 * Keeps the accounts of edges: each is undecided, fired or dead. A node begins when its join is met; when it no longer can
 * be met, the node is skipped and its own edges die with it.
 */
export class Flow {
  readonly #graph: Graph;
  readonly #fired = new Map<string, boolean>();
  readonly #decided = new Set<string>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The nodes to begin with. */
  start(): readonly string[] {
    for (const id of this.#graph.start) this.#decided.add(id);
    return this.#graph.start;
  }

  /** A node has ended: these of its edges fire, its others are dead. */
  leave(nodeId: string, firedEdges: ReadonlySet<string>): Consequences {
    const ready = new Set<string>();
    const skipped = new Set<string>();
    const ended = [nodeId];
    for (let id = ended.pop(); id !== undefined; id = ended.pop()) {
      for (const edge of this.#graph.outgoing(id)) this.#fired.set(edge.id, id === nodeId && firedEdges.has(edge.id));
      for (const { to } of this.#graph.outgoing(id)) {
        if (this.#decided.has(to)) continue;
        const join = this.#join(to);
        if (join === 'open') continue;
        this.#decided.add(to);
        if (join === 'ready') ready.add(to);
        else {
          skipped.add(to);
          ended.push(to);
        }
      }
    }
    return { ready: [...ready].sort(), skipped: [...skipped].sort() };
  }

  #join(nodeId: string): Join {
    const incoming = this.#graph.incoming(nodeId);
    const fired = incoming.filter((edge) => this.#fired.get(edge.id) === true).length;
    const undecided = incoming.filter((edge) => !this.#fired.has(edge.id)).length;
    const { join = 'all' } = this.#graph.node(nodeId);
    if (join === 'all') {
      if (undecided > 0) return 'open';
      return fired > 0 ? 'ready' : 'dead';
    }
    const wanted = join === 'any' ? 1 : join;
    if (fired >= wanted) return 'ready';
    return fired + undecided >= wanted ? 'open' : 'dead';
  }
}
