import type { Json } from '../domain-error.ts';
import type { WorkflowDefinition } from './definition.ts';
import { metaSchemaFault } from './json-schema.ts';
import type { NodeTypes } from './node-types.ts';
import type { DefinitionProblem } from './problem.ts';
import { edgeProblems } from './rules/edge-rules.ts';
import { graphProblems } from './rules/graph-rules.ts';
import { nodeProblems } from './rules/node-rules.ts';
import { durationProblem, templateProblems } from './rules/value-rules.ts';

/** Everything that keeps a well-formed definition from being published; empty when it may be. */
export function validateDefinition(definition: WorkflowDefinition, types: NodeTypes): DefinitionProblem[] {
  return [
    ...emptyProblem(definition),
    ...nodeProblems(definition, types),
    ...edgeProblems(definition, types),
    ...graphProblems(definition),
    ...settingsProblems(definition),
    ...templateProblems(definition.output ?? null, { keys: ['output'], definition }),
  ];
}

function emptyProblem({ nodes }: WorkflowDefinition): DefinitionProblem[] {
  if (nodes.length > 0) return [];
  return [{ code: 'no_nodes', field: 'nodes', message: 'The workflow has no nodes.', hint: 'Add at least one node.' }];
}

function settingsProblems({ settings, input_schema: inputSchema }: WorkflowDefinition): DefinitionProblem[] {
  const problems = durationProblem(settings?.timeout, { field: 'settings.timeout' });
  const fault = inputSchema === undefined ? undefined : inputSchemaFault(inputSchema);
  if (fault === undefined) return problems;
  return [
    ...problems,
    {
      code: 'invalid_input_schema',
      field: 'input_schema',
      message: `input_schema is not a JSON Schema 2020-12: ${fault}.`,
      hint: 'Correct the schema, or leave it out to accept any input.',
    },
  ];
}

/** Compiling makes code some fifty times as long as the schema. */
const longestSchema = 64 * 1024;

function inputSchemaFault(schema: Record<string, Json>): string | undefined {
  if (JSON.stringify(schema).length > longestSchema) return `it is longer than ${longestSchema} characters`;
  return metaSchemaFault(schema);
}
