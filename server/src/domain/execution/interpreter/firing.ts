import type { WorkflowEdge, WorkflowNode } from '../../language/index.ts';
import type { Expressions } from './expressions.ts';
import type { Frame } from './frame.ts';
import type { NodeRun } from './node-run.ts';

/** The edges that fire when the node is left by `port`. Throws a NodeFailure when a `when` cannot be evaluated. */
export async function firing(
  { frame, node, type }: NodeRun,
  port: string,
  expressions: Expressions,
): Promise<WorkflowEdge[]> {
  const edges = frame.graph.outgoing(node.id, port);
  if (type.firing !== 'first') return holding(frame, edges, expressions);
  for (const edge of edges) if (await holds(frame, edge, expressions)) return [edge];
  return port === 'default' ? [] : holding(frame, frame.graph.outgoing(node.id, 'default'), expressions);
}

/** Those of the edges without a `when`, or whose `when` holds. Throws a NodeFailure when one cannot be evaluated. */
export async function holding(
  frame: Frame,
  edges: readonly WorkflowEdge[],
  expressions: Expressions,
): Promise<WorkflowEdge[]> {
  const held: WorkflowEdge[] = [];
  for (const edge of edges) if (await holds(frame, edge, expressions)) held.push(edge);
  return held;
}

/** The port by which a node that has failed is left; undefined when nothing catches the failure. */
export function portAfterFailure({
  frame: { graph },
  node,
}: {
  readonly frame: Frame;
  readonly node: WorkflowNode;
}): string | undefined {
  const policy = graph.onError(node.id);
  if (policy === 'continue') return 'default';
  return policy === 'route' && graph.outgoing(node.id, 'error').length > 0 ? 'error' : undefined;
}

async function holds(frame: Frame, { id, when }: WorkflowEdge, expressions: Expressions): Promise<boolean> {
  return when === undefined || expressions.isTrue(when, frame.scope, { path: frame.pathOf(id) });
}
