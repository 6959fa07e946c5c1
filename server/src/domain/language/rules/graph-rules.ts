import { cycles } from '../graph.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import { graphOf, type Surroundings } from './value-rules.ts';

/** Problems of the nodes and edges as a whole: cycles, what cannot be reached, joins, routes that lead nowhere. */
export function graphProblems(within: Surroundings): DefinitionProblem[] {
  const found = cycles(within.body);
  return [
    ...cycleProblems(within, found),
    ...reachProblems(within, new Set(found.flat())),
    ...within.body.nodes.flatMap((_, index) => joinProblems(within, index)),
    ...within.body.nodes.flatMap((_, index) => routeProblems(within, index)),
  ];
}

function fieldOf({ keys }: Surroundings, index: number, ...more: string[]): string {
  return fieldPath([...keys, 'nodes', index, ...more]);
}

function cycleProblems(within: Surroundings, found: readonly string[][]): DefinitionProblem[] {
  const { nodes } = within.body;
  return found.map((cycle) => ({
    code: 'cycle',
    node: cycle[0]!,
    field: fieldOf(
      within,
      nodes.findIndex((node) => node.id === cycle[0]),
    ),
    message: `The nodes ${[...cycle, cycle[0]].join(' -> ')} form a cycle, so the workflow might never end.`,
    hint: 'Remove one of the edges between them; what repeats goes into the body of a foreach or while node.',
  }));
}

function reachProblems(within: Surroundings, inCycle: ReadonlySet<string>): DefinitionProblem[] {
  const reachable = new Set(graphOf(within.body).order);
  return within.body.nodes.flatMap((node, index): DefinitionProblem[] => {
    if (reachable.has(node.id) || inCycle.has(node.id)) return [];
    return [
      {
        code: 'unreachable_node',
        node: node.id,
        field: fieldOf(within, index),
        message: `The node "${node.id}" can never run, because a cycle stands before it.`,
        hint: 'Resolve the cycle, or connect the node to one that runs.',
      },
    ];
  });
}

function joinProblems(within: Surroundings, index: number): DefinitionProblem[] {
  const { nodes, edges } = within.body;
  const node = nodes[index]!;
  if (node.join === undefined || node.join === 'all') return [];
  const incoming = edges.filter((edge) => edge.to === node.id).length;
  const needed = node.join === 'any' ? 1 : node.join;
  if (needed <= incoming) return [];
  return [
    {
      code: 'invalid_join',
      node: node.id,
      field: fieldOf(within, index, 'join'),
      message: `The node "${node.id}" waits for ${needed} of its edges and has ${incoming}.`,
      hint:
        incoming === 0 ? 'Remove the join, or add edges to the node.' : `Use all, any or a number up to ${incoming}.`,
    },
  ];
}

function routeProblems(within: Surroundings, index: number): DefinitionProblem[] {
  const { nodes, edges } = within.body;
  const node = nodes[index]!;
  if (node.on_error !== 'route' || edges.some((edge) => edge.from === node.id && edge.port === 'error')) return [];
  return [
    {
      code: 'missing_error_edge',
      node: node.id,
      field: fieldOf(within, index, 'on_error'),
      message: `The node "${node.id}" routes its failures, and no edge leaves its error port.`,
      hint: 'Add an edge with port error, or set on_error to fail or continue.',
    },
  ];
}
