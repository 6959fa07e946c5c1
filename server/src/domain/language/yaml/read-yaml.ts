import { type Document, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Json } from '../../domain-error.ts';
import { limits } from '../definition.schema.ts';
import { schemaFaults } from '../json-schema.ts';
import type { NodeTypes } from '../node-types.ts';
import { freeEdgeId, parseDefinition } from '../parse-definition.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import type { WorkflowDocument } from './workflow-document.ts';
import { fromYamlCondition, fromYamlText } from './yaml-text.ts';

export type ReadDocument =
  { document: WorkflowDocument; problems: [] } | { document?: undefined; problems: DefinitionProblem[] };

type JsonObject = { readonly [key: string]: Json | undefined };

/**
 * Reads a workflow from YAML, or lists what keeps the text from being one. The text holds `metadata` (name, description,
 * tags), `nodes`, and beside them what else a definition has. `nodes` is either a map from id to node, whose `next` names
 * what follows each port and whose expressions may be written `${ }`, or the canonical list with `edges` beside it.
 */
export function readYaml(text: string, types: NodeTypes): ReadDocument {
  if (Buffer.byteLength(text) > limits.bytes)
    return refused('too_large', `The text has more than ${limits.bytes} bytes.`);
  const expressions = text.split(/\{\{|\$\{/).length - 1;
  if (expressions > 2 * limits.expressions) {
    return refused(
      'too_many_expressions',
      `The text has ${expressions} expressions; at most ${limits.expressions} are allowed.`,
    );
  }
  const parsed = parseText(text);
  if ('problems' in parsed) return parsed;
  if (!isObject(parsed.value)) return refused('invalid_structure', 'The text is not a map.');
  return readDocument(normalised(parsed.value, types));
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

/** How many faults of a text are told. */
const mostFaults = 20;

function parseText(text: string): { value: Json } | { problems: DefinitionProblem[] } {
  const lines = new LineCounter();
  // YAML 1.2 core: no dates, no binary, no merge keys; what is left is JSON except for the numbers checked below. The
  // library's own check for double keys takes quadratic time, and so do its pretty errors.
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const faults = document.errors.length > 0 ? document.errors.slice(0, mostFaults) : doubleKeys(document);
  if (faults.length > 0) {
    return {
      problems: faults.map(({ message, pos: [offset] }) => ({
        code: 'invalid_yaml',
        field: `line ${lines.linePos(offset).line}, column ${lines.linePos(offset).col}`,
        message: `The text is not YAML: ${message}.`,
        hint: 'Correct the text at that place.',
      })),
    };
  }
  try {
    const value = document.toJS({ maxAliasCount: 100 }) as Json;
    return { value: JSON.parse(JSON.stringify(value, finite) ?? 'null') as Json };
  } catch (error) {
    return refused('invalid_yaml', `The text cannot be read as JSON: ${(error as Error).message}.`);
  }
}

function doubleKeys(document: Document): { message: string; pos: [number, number] }[] {
  const faults: { message: string; pos: [number, number] }[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<string>();
      for (const { key } of items) {
        const name = isScalar(key) ? String(key.value) : undefined;
        if (name === undefined) faults.push({ message: 'The keys of a map must be text', pos: positionOf(key) });
        else if (seen.has(name)) faults.push({ message: `The key "${name}" is there twice`, pos: positionOf(key) });
        else seen.add(name);
      }
      return faults.length > mostFaults ? visit.BREAK : undefined;
    },
  });
  return faults;
}

function positionOf(node: unknown): [number, number] {
  const range = isNode(node) ? node.range : undefined;
  return range ? [range[0], range[1]] : [0, 0];
}

function finite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${key} is not a finite number`);
  return value;
}

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
    params: isObject(params)
      ? mapParams(params, String(node.type), types, fromYamlText, fromYamlCondition)
      : (params ?? {}),
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

/** Rewrites the templates of params; programs stay, since `${ }` is JavaScript there. */
export function mapParams(params: JsonObject, type: string, types: NodeTypes, text: Rewrite, condition: Rewrite): Json {
  const node = types.get(type);
  const entries = Object.entries(params).map(([key, value]): [string, Json] => {
    if (node?.programs?.includes(key)) return [key, value ?? null];
    return [key, mapText(value ?? null, node?.expressions?.includes(key) ? condition : text)];
  });
  return Object.fromEntries(entries);
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
