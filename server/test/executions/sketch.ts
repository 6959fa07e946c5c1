import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../../src/domain/language/index.ts';

type NodeSketch = Partial<WorkflowNode> & { type: string };

/**
 * A definition in short: nodes by id, edges as `a -> b`, `a -> b c` (a fork), `a:error -> b` (by a port) and
 * `a -> b if input.x`.
 */
export function sketch(
  nodes: Record<string, NodeSketch>,
  edges: readonly string[],
  more: Partial<WorkflowDefinition> = {},
): WorkflowDefinition {
  return {
    nodes: Object.entries(nodes).map(([id, node]) => ({ id, params: {}, ...node })),
    edges: edges.flatMap((line, index) => edgesOf(line, index)),
    ...more,
  };
}

function edgesOf(line: string, index: number): WorkflowEdge[] {
  const [path, when] = line.split(' if ') as [string, string | undefined];
  const [source, targets] = path.split(' -> ') as [string, string];
  const [from, port = 'default'] = source.split(':') as [string, string | undefined];
  return targets
    .split(' ')
    .map((to) => ({ id: `e${String(index).padStart(2, '0')}_${to}`, from, to, port, when, priority: index }));
}
