import type { Json } from '../domain-error.ts';
import { allNodes } from './bodies.ts';
import type { WorkflowDefinition } from './definition.ts';
import { type EvaluationTurn, userSchemaFaults } from './evaluator.ts';
import type { SchemaFault } from './json-schema.ts';
import type { NodeTypes } from './node-types.ts';
import { type DefinitionProblem, fieldPath } from './problem.ts';
import type { Sandbox } from './sandbox.ts';
import { SandboxUnavailableError } from './sandbox.errors.ts';
import { isTemplate } from './template.ts';

/** A JSON Schema that the author of a workflow wrote, and where it stands. */
interface UserSchema {
  readonly keys: readonly (string | number)[];
  readonly node?: string;
  readonly schema: Json;
}

/** Characters of a schema: compiling makes code some fifty times as long. */
const maxSchemaLength = 64 * 1024;

/**
 * What keeps the schemas of a definition from being used: `input_schema`, and params that are schemas. They are compiled in
 * the sandbox, one after the other, since that can take long. Throws SandboxUnavailableError, also when all of them together
 * take longer than `maxWaitMs`.
 */
export async function userSchemaProblems(
  definition: WorkflowDefinition,
  types: NodeTypes,
  sandbox: Sandbox,
  { maxWaitMs = Infinity, ...turn }: EvaluationTurn,
): Promise<DefinitionProblem[]> {
  const until = performance.now() + maxWaitMs;
  const known = new Map<string, readonly SchemaFault[]>();
  const problems: DefinitionProblem[] = [];
  for (const found of userSchemasOf(definition, types)) {
    const text = JSON.stringify(found.schema);
    const left = until - performance.now();
    if (left <= 0) throw new SandboxUnavailableError('busy');
    const faults = known.get(text) ?? (await faultsOf(found.schema, text, sandbox, { ...turn, maxWaitMs: left }));
    known.set(text, faults);
    problems.push(...faults.map((fault) => toProblem(found, fault)));
  }
  return problems;
}

function* userSchemasOf(definition: WorkflowDefinition, types: NodeTypes): Generator<UserSchema> {
  for (const { node, keys } of allNodes(definition)) {
    for (const param of types.get(node.type)?.schemas ?? []) {
      const schema = node.params[param];
      // With expressions in it, it is known only when it runs.
      if (isObject(schema) && !isTemplate(JSON.stringify(schema)))
        yield { keys: [...keys, 'params', param], node: node.id, schema };
    }
  }
  const { input_schema: schema } = definition;
  if (schema !== undefined) yield { keys: ['input_schema'], schema };
}

async function faultsOf(
  schema: Json,
  text: string,
  sandbox: Sandbox,
  turn: EvaluationTurn,
): Promise<readonly SchemaFault[]> {
  if (text.length <= maxSchemaLength) return userSchemaFaults(schema, sandbox, turn);
  return [{ keys: [], message: `is longer than ${maxSchemaLength} characters`, hint: 'Shorten the schema.' }];
}

function toProblem({ keys, node }: UserSchema, fault: SchemaFault): DefinitionProblem {
  const field = fieldPath([...keys, ...fault.keys]);
  return {
    code: node === undefined ? 'invalid_input_schema' : 'invalid_params',
    ...(node !== undefined && { node }),
    field,
    message: `${field} ${fault.message}.`,
    hint: fault.hint,
  };
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
