import type { Json } from '../domain-error.ts';
import type { WorkflowBody, WorkflowNode } from './definition.ts';

/** A body inside a node, where it stands in the node, and how paths name it. */
export interface NodeBody {
  /** Keys from the node to the body, for example `params`, `branches`, `prices`. */
  readonly keys: readonly string[];
  /** Name of the branch, where a node has several. */
  readonly name?: string;
  readonly body: WorkflowBody;
}

/** The bodies of a node of type `foreach`, `while` or `parallel`; what does not look like a body is left out. */
export function bodiesOf({ type, params }: Pick<WorkflowNode, 'type' | 'params'>): NodeBody[] {
  if (type === 'foreach' || type === 'while') return bodyAt(['params', 'body'], params.body);
  if (type !== 'parallel' || !isObject(params.branches)) return [];
  return Object.entries(params.branches).flatMap(([name, body]) => bodyAt(['params', 'branches', name], body, name));
}

/** True for types whose node carries bodies. */
export function hasBodies(type: string): boolean {
  return type === 'foreach' || type === 'while' || type === 'parallel';
}

/** The node with every body replaced by what `change` makes of it. */
export function withBodies<Node extends Pick<WorkflowNode, 'type' | 'params'>>(
  node: Node,
  change: (body: WorkflowBody) => WorkflowBody,
): Node {
  const { type, params } = node;
  if (bodiesOf(node).length === 0) return node;
  const changed = (body: Json | undefined): Json =>
    isObject(body) ? (change(body as unknown as WorkflowBody) as unknown as Json) : (body ?? null);
  if (type !== 'parallel') return { ...node, params: { ...params, body: changed(params.body) } };
  const branches = Object.entries(params.branches as Record<string, Json>);
  return {
    ...node,
    params: { ...params, branches: Object.fromEntries(branches.map(([name, body]) => [name, changed(body)])) },
  };
}

/** Every node of a definition with those in its bodies, each with the keys that lead to it. */
export function* allNodes(
  { nodes }: Pick<WorkflowBody, 'nodes'>,
  keys: readonly (string | number)[] = [],
): Generator<{ node: WorkflowNode; keys: readonly (string | number)[] }> {
  for (const [index, node] of nodes.entries()) {
    const here = [...keys, 'nodes', index];
    yield { node, keys: here };
    for (const { keys: inside, body } of bodiesOf(node)) yield* allNodes(body, [...here, ...inside]);
  }
}

function bodyAt(keys: string[], body: Json | undefined, name?: string): NodeBody[] {
  if (!isObject(body) || !Array.isArray(body.nodes)) return [];
  return [{ keys, body: body as unknown as WorkflowBody, ...(name !== undefined && { name }) }];
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
