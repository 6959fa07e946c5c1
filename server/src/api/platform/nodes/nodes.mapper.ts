import type * as contract from '#generated/platform/index.ts';
import type { WorkflowEdge, WorkflowNode } from '../../../domain/language/index.ts';
import type { NodeType } from '../../../domain/nodes/index.ts';
import type { DraftChange, DraftRemoval } from '../../../domain/workflow/draft.service.ts';
import { toWorkflowProblem } from '../workflows/workflows.mapper.ts';

/** The contract describes nodes as the language does. */
export function toNode(node: WorkflowNode): contract.WorkflowNode {
  return node as contract.WorkflowNode;
}

export function toNodeChange({ part, problems, revision }: DraftChange<WorkflowNode>): contract.WorkflowNodeChange {
  return { node: toNode(part), problems: problems.map(toWorkflowProblem), revision };
}

export function toEdgeChange({ part, problems, revision }: DraftChange<WorkflowEdge>): contract.WorkflowEdgeChange {
  return { edge: part, problems: problems.map(toWorkflowProblem), revision };
}

export function toRemoval({ removedEdges, revision }: DraftRemoval): contract.WorkflowRemoval {
  return { removed_edges: [...removedEdges], revision };
}

export function toNodeType({ type, description, params, output, ports }: NodeType): contract.NodeType {
  // Where the ports depend on the params, the function takes them.
  const fixed = ports.length === 0 ? ports({}) : 'any';
  return { type, description, params, output, ports: fixed === 'any' ? null : [...fixed, 'error'] };
}
