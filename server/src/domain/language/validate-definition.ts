import { allNodes, bodiesOf, type NodeBody } from './bodies.ts';
import type { WorkflowDefinition, WorkflowNode } from './definition.ts';
import { limits } from './definition.schema.ts';
import type { NodeTypes } from './node-types.ts';
import { type DefinitionProblem, fieldPath } from './problem.ts';
import { edgeProblems } from './rules/edge-rules.ts';
import { graphProblems } from './rules/graph-rules.ts';
import { nodeProblems } from './rules/node-rules.ts';
import { vaultUse } from './rules/secret-rules.ts';
import { callbacksIn, durationProblem, graphOf, type Surroundings, templateProblems } from './rules/value-rules.ts';

/** What keeps a well-formed definition from being published, apart from the schemas in it: those are for `userSchemaProblems`. */
export function validateDefinition(definition: WorkflowDefinition, types: NodeTypes): DefinitionProblem[] {
  return [
    ...emptyProblem(definition),
    ...sizeProblems(definition),
    ...bodyProblems({ keys: [], body: definition }, types, new Map()),
    ...settingsProblems(definition),
    ...vaultUse(definition, types).problems,
  ];
}

/** Problems of a workflow, or of a body inside it, and of the bodies inside that. */
function bodyProblems(within: Surroundings, types: NodeTypes, seen: Map<string, string>): DefinitionProblem[] {
  const { body, keys } = within;
  return [
    ...nodeProblems(within, types, seen),
    ...edgeProblems(within, types),
    ...graphProblems(within),
    ...templateProblems(body.output ?? null, { keys: [...keys, 'output'], within }),
    ...body.nodes.flatMap((node, index) =>
      bodiesOf(node).flatMap((inner) => bodyProblems(inside(within, node, index, inner), types, seen)),
    ),
  ];
}

/** What the body of a node may refer to: all that the node may, and the loop that it makes. */
function inside(within: Surroundings, node: WorkflowNode, index: number, { keys, body }: NodeBody): Surroundings {
  const { around, names } = within;
  const ids = within.body.nodes.map(({ id }) => id);
  const loop = node.type === 'foreach' ? ['item', 'loop'] : node.type === 'while' ? ['loop'] : [];
  return {
    keys: [...within.keys, 'nodes', index, ...keys],
    body,
    around: {
      before: new Set([...(around?.before ?? []), ...graphOf(within.body).upstream(node.id)]),
      others: new Set([...(around?.others ?? []), ...ids]),
    },
    names: new Set([...(names ?? []), ...loop]),
    callbacks: callbacksIn(within),
  };
}

function sizeProblems(definition: WorkflowDefinition): DefinitionProblem[] {
  const found = [...allNodes(definition)];
  const problems: DefinitionProblem[] = [];
  if (found.length > limits.nodes) {
    problems.push({
      code: 'too_many_nodes',
      field: 'nodes',
      message: `The workflow has ${found.length} nodes with those in bodies; at most ${limits.nodes} are allowed.`,
      hint: 'Move a part into a workflow of its own, and call it by workflow.call.',
    });
  }
  // Each level adds `nodes`, an index and the keys of the body.
  const deep = found.find(({ keys }) => keys.filter((key) => key === 'nodes').length > limits.nesting + 1);
  if (deep) {
    problems.push({
      code: 'nested_too_deep',
      node: deep.node.id,
      field: fieldPath(deep.keys),
      message: `Bodies stand in each other more than ${limits.nesting} deep.`,
      hint: 'Move the inner ones into a workflow of its own, and call it by workflow.call.',
    });
  }
  return problems;
}

function emptyProblem({ nodes }: WorkflowDefinition): DefinitionProblem[] {
  if (nodes.length > 0) return [];
  return [{ code: 'no_nodes', field: 'nodes', message: 'The workflow has no nodes.', hint: 'Add at least one node.' }];
}

function settingsProblems({ settings }: WorkflowDefinition): DefinitionProblem[] {
  return durationProblem(settings?.timeout, { field: 'settings.timeout' });
}
