import type { Json } from '../../domain-error.ts';
import { exceededBound, exceeds } from '../../json-bounds.ts';
import { limits } from '../definition.schema.ts';
import { type EvaluationTurn, limitOf } from '../evaluator.ts';
import { schemaFaults } from '../json-schema.ts';
import type { NodeTypes } from '../node-types.ts';
import { freeEdgeId, parseDefinition } from '../parse-definition.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import type { Sandbox, SandboxTask } from '../sandbox.ts';
import { parseYaml, type ParsedYaml } from './parse-yaml.ts';
import type { WorkflowDocument } from './workflow-document.ts';
import { fromYamlCondition, fromYamlText } from './yaml-text.ts';

/** A document, or everything that keeps the text from being one. */
export type ReadDocument =
  { document: WorkflowDocument; problems: [] } | { document?: undefined; problems: DefinitionProblem[] };

type JsonObject = { readonly [key: string]: Json | undefined };

/**
 * Reads a workflow from YAML, or lists what keeps the text from being one. The text holds `metadata` (name, description,
 * tags), `nodes`, and beside them what else a definition has. `nodes` is either a map from id to node, whose `next` names
 * what follows each port and whose expressions may be written `${ }`, or the canonical list with `edges` beside it. Like
 * in JSON requests, the name `__proto__` is refused. Throws SandboxUnavailableError.
 */
export async function readYaml(
  text: string,
  types: NodeTypes,
  sandbox: Sandbox,
  turn: EvaluationTurn,
): Promise<ReadDocument> {
  const oversize = sizeProblem(text);
  if (oversize) return { problems: [oversize] };
  const { organisationId } = turn;
  const task: SandboxTask = { organisationId, kind: 'yaml', source: text, globals: () => ({}), seed: '', now: 0 };
  const [outcome] = await sandbox.run([task], turn);
  if (!outcome!.ok) {
    limitOf(outcome!, turn);
    return refused('invalid_yaml', `The text cannot be read: ${outcome!.message}.`);
  }
  if (outcome!.json!.includes('"__proto__":'))
    return refused('invalid_structure', 'The text holds the name __proto__, which is not allowed.');
  return readParsed(JSON.parse(outcome!.json!) as ParsedYaml, types);
}

/** `readYaml` for text that we wrote. */
export function readOwnYaml(text: string, types: NodeTypes): ReadDocument {
  return readParsed(parseYaml(text), types);
}

function sizeProblem(text: string): DefinitionProblem | undefined {
  const hint = 'Split the workflow into several.';
  if (Buffer.byteLength(text) > limits.bytes) {
    return { code: 'too_large', field: '', message: `The text has more than ${limits.bytes} bytes.`, hint };
  }
  // Programs have `${` of their own, which do not count in the definition.
  const expressions = text.split(/\{\{|\$\{/).length - 1;
  if (expressions <= 2 * limits.expressions) return undefined;
  const message = `The text has ${expressions} expressions; at most ${limits.expressions} are allowed.`;
  return { code: 'too_many_expressions', field: '', message, hint };
}

function readParsed({ value, problems }: ParsedYaml, types: NodeTypes): ReadDocument {
  if (value === undefined) return { problems };
  if (!isObject(value)) return refused('invalid_structure', 'The text is not a map.');
  const exceeded = exceededBound(value);
  if (exceeded) return refused('too_deep', `The text ${exceeds[exceeded]}.`);
  return readDocument(normalised(value, types));
}

/** Checks a document that came as JSON. */
export function readDocument(value: Json): ReadDocument {
  const problems = schemaFaults(documentSchema, value).map((fault): DefinitionProblem => {
    const field = fieldPath(fault.keys);
    return {
      code: 'invalid_structure',
      field,
      message: `${field === '' ? 'The document' : field} ${fault.message}.`,
      hint: fault.hint,
    };
  });
  const { definition, ...rest } = (isObject(value) ? value : {}) as JsonObject;
  const parsed = definition === undefined ? undefined : parseDefinition(definition);
  const all = [
    ...problems,
    ...(parsed?.problems ?? []).map((problem) => ({ ...problem, field: below(problem.field) })),
  ];
  if (all.length > 0 || !parsed?.definition) return { problems: all };
  return {
    document: { ...(rest as Omit<WorkflowDocument, 'definition'>), definition: parsed.definition },
    problems: [],
  };
}

function below(field: string): string {
  return field === '' ? 'definition' : `definition.${field}`;
}

const documentSchema: Record<string, Json> = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'definition'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200 },
    description: { type: ['string', 'null'], maxLength: 5_000 },
    tags: { type: 'array', maxItems: 20, uniqueItems: true, items: { type: 'string', minLength: 1, maxLength: 50 } },
    definition: { type: 'object' },
  },
};

function refused(code: string, message: string): { problems: DefinitionProblem[] } {
  return { problems: [{ code, field: '', message, hint: 'See an exported workflow for the form.' }] };
}

/** Any of the accepted forms as name, description, tags and definition. */
function normalised(value: JsonObject, types: NodeTypes): Json {
  if (value.definition !== undefined) return value;
  const { metadata, ...definition } = value;
  const { version: _, ...described } = isObject(metadata) ? metadata : {};
  return {
    ...described,
    definition: isObject(definition.nodes) ? fromMap(definition, definition.nodes, types) : definition,
  };
}

function fromMap(definition: JsonObject, map: JsonObject, types: NodeTypes): Json {
  const nodes = Object.entries(map).map(([id, node]) =>
    isObject(node) ? fromMapNode(id, node, types) : (node ?? null),
  );
  const edges = Object.entries(map).flatMap(([id, node]) => (isObject(node) ? edgesOf(id, node.next) : []));
  const taken = new Set(edges.flatMap((edge) => (typeof edge.id === 'string' ? [edge.id] : [])));
  return {
    ...definition,
    nodes,
    edges: edges.map((edge) => ({
      ...edge,
      id: edge.id ?? freeEdgeId(taken, String(edge.from), String(edge.port), String(edge.to)),
    })),
    ...(definition.output !== undefined && { output: mapText(definition.output, fromYamlText) }),
  };
}

function fromMapNode(id: string, node: JsonObject, types: NodeTypes): Json {
  const { next: _, when, params, ...rest } = node;
  return {
    id,
    ...rest,
    params: isObject(params) ? mapParams(params, String(node.type), types, fromYaml(types)) : (params ?? {}),
    ...(when !== undefined && { when: typeof when === 'string' ? fromYamlCondition(when) : when }),
  };
}

/** `next` is the id that follows, a list of them, or a map from port to either; an id may be a map with `to`, `when` and more. */
function edgesOf(from: string, next: Json | undefined): JsonObject[] {
  if (next === undefined || next === null) return [];
  const isPortMap = isObject(next) && next.to === undefined;
  const ports = isPortMap ? Object.entries(next) : [['default', next] as const];
  return ports.flatMap(([port, targets]) =>
    (Array.isArray(targets) ? (targets as Json[]) : [targets ?? null]).map((target) => edgeTo(from, port, target)),
  );
}

function edgeTo(from: string, port: string, target: Json): JsonObject {
  if (!isObject(target)) return { from, port, to: target };
  const { when, ...rest } = target;
  return {
    from,
    port,
    ...rest,
    ...(when !== undefined && { when: typeof when === 'string' ? fromYamlCondition(when) : when }),
  };
}

type Rewrite = (text: string) => string;

/** How params are written in the other form. */
export interface Rewriting {
  readonly text: Rewrite;
  readonly condition: Rewrite;
  readonly body: (body: JsonObject) => Json;
}

function fromYaml(types: NodeTypes): Rewriting {
  return {
    text: fromYamlText,
    condition: fromYamlCondition,
    body: (body) => (isObject(body.nodes) ? fromMap(body, body.nodes, types) : body),
  };
}

/** Rewrites the templates and bodies of params; programs stay, since `${ }` is JavaScript there. */
export function mapParams(params: JsonObject, type: string, types: NodeTypes, rewriting: Rewriting): Json {
  const node = types.get(type);
  const entries = Object.entries(params).map(([key, value = null]): [string, Json] => {
    if (node?.programs?.includes(key)) return [key, value];
    if (node?.bodies?.includes(key)) return [key, mapBodies(value, rewriting)];
    return [key, mapText(value, node?.expressions?.includes(key) ? rewriting.condition : rewriting.text)];
  });
  return Object.fromEntries(entries);
}

/** A body, or several by name. */
function mapBodies(value: Json, { body }: Rewriting): Json {
  if (!isObject(value)) return value;
  if (value.nodes !== undefined) return body(value);
  return Object.fromEntries(
    Object.entries(value).map(([name, branch]) => [name, isObject(branch) ? body(branch) : (branch ?? null)]),
  );
}

/** Rewrites every string in a value. */
export function mapText(value: Json, rewrite: Rewrite): Json {
  if (typeof value === 'string') return rewrite(value);
  if (Array.isArray(value)) return value.map((item) => mapText(item as Json, rewrite));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapText(item ?? null, rewrite)]));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
