import { compile, type Graph, type WorkflowBody, type WorkflowEdge, type WorkflowNode } from '../../language/index.ts';
import type { Scope } from '../../nodes/node-type.ts';
import type { Failure } from '../execution.entity.ts';
import { Flow } from './flow.ts';
import type { NodeRun } from './node-run.ts';
import type { TimeLimit } from './time-limit.ts';

const graphs = new WeakMap<WorkflowBody, Graph>();

/** The graph of a body, which is the same object at every run through it. */
export function graphOf(body: WorkflowBody): Graph {
  const known = graphs.get(body) ?? compile(body);
  graphs.set(body, known);
  return known;
}

/** What a frame is made of. */
export interface FrameStart {
  readonly graph: Graph;
  readonly scope: Scope;
  /** What the paths of its nodes begin with: empty, or `each[3].`. */
  readonly prefix: string;
  /** The node whose body it runs, and which of the bodies under way there it is; none for the workflow itself. */
  readonly owner?: { readonly run: NodeRun; readonly index: number };
  /** The first time limit around it. */
  readonly limit: TimeLimit | undefined;
}

/** One run through a graph: the workflow itself, or the body of a node for one item, iteration or branch. */
export class Frame {
  readonly graph: Graph;
  readonly scope: Scope;
  readonly prefix: string;
  readonly owner: FrameStart['owner'];
  readonly limit: TimeLimit | undefined;
  /** Nodes that may begin, by id. */
  readonly ready = new Set<string>();
  /** Nodes at work, by id. */
  readonly active = new Map<string, NodeRun>();
  /** Bytes of the values that are held until it is over. */
  heldBytes = 0;
  readonly #flow: Flow;
  #ended = 0;
  #failure: Failure | undefined;
  #stopped = false;

  constructor({ graph, scope, prefix, owner, limit }: FrameStart) {
    this.graph = graph;
    this.scope = scope;
    this.prefix = prefix;
    this.owner = owner;
    this.limit = limit;
    this.#flow = new Flow(graph);
    for (const id of this.#flow.start()) this.ready.add(id);
  }

  /** How many of its nodes have ended. */
  get ended(): number {
    return this.#ended;
  }

  /** The first failure that nothing caught. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** True after a failure that lets no other branch go on. */
  get stopped(): boolean {
    return this.#stopped;
  }

  get isOver(): boolean {
    return this.active.size === 0 && (this.#stopped || this.ready.size === 0);
  }

  pathOf(nodeId: string): string {
    return this.prefix + nodeId;
  }

  fail(failure: Failure, stop: boolean): void {
    this.#failure ??= failure;
    if (!stop) return;
    this.#stopped = true;
    this.ready.clear();
  }

  /** The node has ended and these of its edges fire; returns the nodes that are skipped by it. */
  leave(nodeId: string, fired: readonly WorkflowEdge[]): WorkflowNode[] {
    const { ready, skipped } = this.#flow.leave(nodeId, new Set(fired.map(({ id }) => id)));
    this.#ended += 1 + skipped.length;
    if (!this.#stopped) for (const next of ready) this.ready.add(next);
    for (const dead of skipped) this.scope.steps[dead] = { output: null, status: 'skipped' };
    return skipped.map((dead) => this.graph.node(dead));
  }
}
