import type { WorkflowEdge, WorkflowNode } from '../definition.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import type { NodeTypes } from '../node-types.ts';
import { closest, type Place, type Surroundings, whenProblems } from './value-rules.ts';

/** Problems of each edge: its id, its two ends, its port and its condition. */
export function edgeProblems(within: Surroundings, types: NodeTypes): DefinitionProblem[] {
  const nodes = new Map(within.body.nodes.map((node) => [node.id, node]));
  const seen = new Map<string, string>();
  return within.body.edges.flatMap((edge, index) => {
    const keys = [...within.keys, 'edges', index];
    const field = fieldPath(keys);
    const first = seen.get(edge.id);
    if (first === undefined) seen.set(edge.id, field);
    const place: Place = { keys: [...keys, 'when'], within, node: edge.from, edge: edge.id, after: true };
    return [
      ...duplicateProblem(edge, field, first),
      ...endProblems(edge, field, nodes),
      ...portProblems(edge, field, nodes, types),
      ...whenProblems(edge.when, place),
    ];
  });
}

function duplicateProblem(edge: WorkflowEdge, field: string, first: string | undefined): DefinitionProblem[] {
  if (first === undefined) return [];
  return [
    {
      code: 'duplicate_edge_id',
      edge: edge.id,
      field: `${field}.id`,
      message: `The edge id ${JSON.stringify(edge.id)} is already that of ${first}.`,
      hint: 'Give each edge an id of its own, or leave it out.',
    },
  ];
}

function endProblems(edge: WorkflowEdge, field: string, nodes: ReadonlyMap<string, WorkflowNode>): DefinitionProblem[] {
  return (['from', 'to'] as const).flatMap((end): DefinitionProblem[] => {
    if (nodes.has(edge[end])) return [];
    const nearest = closest(edge[end], [...nodes.keys()]);
    return [
      {
        code: 'unknown_node',
        edge: edge.id,
        field: `${field}.${end}`,
        message: `There is no node ${JSON.stringify(edge[end])}.`,
        hint: nearest ? `Did you mean "${nearest}"?` : 'Name a node of this workflow.',
      },
    ];
  });
}

function portProblems(
  edge: WorkflowEdge,
  field: string,
  nodes: ReadonlyMap<string, WorkflowNode>,
  types: NodeTypes,
): DefinitionProblem[] {
  const node = nodes.get(edge.from);
  const type = node && types.get(node.type);
  if (!node || !type) return [];
  const where = { edge: edge.id, node: node.id, field: `${field}.port` };
  if (edge.port === 'error') return errorPortProblems(node, where);
  const ports = portsOf(node, type.ports(node.params));
  if (ports === 'any' || ports.includes(edge.port)) return [];
  return [
    {
      ...where,
      code: 'unknown_port',
      message: `The node "${node.id}" (${node.type}) has no port ${JSON.stringify(edge.port)}.`,
      hint: `Use one of ${[...ports, 'error'].join(', ')}.`,
    },
  ];
}

function portsOf(node: WorkflowNode, ports: readonly string[] | 'any'): readonly string[] | 'any' {
  if (ports === 'any') return ports;
  return node.on_error === 'continue' && !ports.includes('default') ? [...ports, 'default'] : ports;
}

function errorPortProblems(
  node: WorkflowNode,
  where: Pick<DefinitionProblem, 'edge' | 'node' | 'field'>,
): DefinitionProblem[] {
  if (node.on_error === undefined || node.on_error === 'route') return [];
  return [
    {
      ...where,
      code: 'dead_error_edge',
      message: `This edge never fires, because the node "${node.id}" has on_error: ${node.on_error}.`,
      hint: 'Set on_error to route, or remove the edge.',
    },
  ];
}
