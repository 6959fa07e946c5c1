import type { WorkflowDefinition } from '../definition.ts';
import { compile, cycles } from '../graph.ts';
import type { DefinitionProblem } from '../problem.ts';

/** Problems of the nodes and edges as a whole: cycles, what cannot be reached, joins, routes that lead nowhere. */
export function graphProblems(definition: WorkflowDefinition): DefinitionProblem[] {
  const found = cycles(definition);
  return [
    ...cycleProblems(definition, found),
    ...reachProblems(definition, new Set(found.flat())),
    ...definition.nodes.flatMap((_, index) => joinProblems(definition, index)),
    ...definition.nodes.flatMap((_, index) => routeProblems(definition, index)),
  ];
}

function cycleProblems({ nodes }: WorkflowDefinition, found: readonly string[][]): DefinitionProblem[] {
  return found.map((cycle) => ({
    code: 'cycle',
    node: cycle[0]!,
    field: `nodes[${nodes.findIndex((node) => node.id === cycle[0])}]`,
    message: `The nodes ${[...cycle, cycle[0]].join(' -> ')} form a cycle, so the workflow might never end.`,
    hint: 'Remove one of the edges between them.',
  }));
}

function reachProblems(definition: WorkflowDefinition, inCycle: ReadonlySet<string>): DefinitionProblem[] {
  const reachable = new Set(compile(definition).order);
  return definition.nodes.flatMap((node, index): DefinitionProblem[] => {
    if (reachable.has(node.id) || inCycle.has(node.id)) return [];
    return [
      {
        code: 'unreachable_node',
        node: node.id,
        field: `nodes[${index}]`,
        message: `The node "${node.id}" can never run, because a cycle stands before it.`,
        hint: 'Resolve the cycle, or connect the node to one that runs.',
      },
    ];
  });
}

function joinProblems({ nodes, edges }: WorkflowDefinition, index: number): DefinitionProblem[] {
  const node = nodes[index]!;
  if (node.join === undefined || node.join === 'all') return [];
  const incoming = edges.filter((edge) => edge.to === node.id).length;
  const needed = node.join === 'any' ? 1 : node.join;
  if (needed <= incoming) return [];
  return [
    {
      code: 'invalid_join',
      node: node.id,
      field: `nodes[${index}].join`,
      message: `The node "${node.id}" waits for ${needed} of its edges and has ${incoming}.`,
      hint:
        incoming === 0 ? 'Remove the join, or add edges to the node.' : `Use all, any or a number up to ${incoming}.`,
    },
  ];
}

function routeProblems({ nodes, edges }: WorkflowDefinition, index: number): DefinitionProblem[] {
  const node = nodes[index]!;
  if (node.on_error !== 'route' || edges.some((edge) => edge.from === node.id && edge.port === 'error')) return [];
  return [
    {
      code: 'missing_error_edge',
      node: node.id,
      field: `nodes[${index}].on_error`,
      message: `The node "${node.id}" routes its failures, and no edge leaves its error port.`,
      hint: 'Add an edge with port error, or set on_error to fail or continue.',
    },
  ];
}
