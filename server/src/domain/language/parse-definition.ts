import type { Json } from '../domain-error.ts';
import { depthOf } from '../json-bounds.ts';
import { bodiesOf, hasBodies, withBodies } from './bodies.ts';
import type { WorkflowBody, WorkflowDefinition, WorkflowNode } from './definition.ts';
import { bodySchema, definitionSchema, limits } from './definition.schema.ts';
import { type SchemaFault, schemaFaults } from './json-schema.ts';
import { type DefinitionProblem, fieldPath } from './problem.ts';

/** A definition, or everything that keeps the value from being one. */
export type ParsedDefinition =
  { definition: WorkflowDefinition; problems: [] } | { definition?: undefined; problems: DefinitionProblem[] };

/**
 * Reads the canonical form, or lists everything that keeps it from being one. `edges`, `params`, and an edge's `port` and
 * `id` may be left out; they are filled in.
 */
export function parseDefinition(value: Json): ParsedDefinition {
  const oversize = sizeProblem(value);
  if (oversize) return { problems: [oversize] };
  const complete = withDefaults(value);
  const faults = structureFaults(complete);
  if (faults.length === 0) return { definition: complete as unknown as WorkflowDefinition, problems: [] };
  return { problems: faults.map((fault) => toProblem(fault.keys, fault.message, fault.hint, complete)) };
}

/** Of the definition, and, when that is as it should be, of the bodies in it. */
function structureFaults(complete: Json): SchemaFault[] {
  const faults = schemaFaults(definitionSchema, complete);
  return faults.length > 0 ? faults : bodyFaults(complete as unknown as WorkflowDefinition, []);
}

function bodyFaults({ nodes }: WorkflowBody, keys: readonly (string | number)[]): SchemaFault[] {
  return nodes.flatMap((node, index) =>
    bodiesOf(node).flatMap(({ keys: inside, body }) => {
      const here = [...keys, 'nodes', index, ...inside];
      const faults = schemaFaults(bodySchema, body as unknown as Json);
      if (faults.length === 0) return bodyFaults(body, here);
      return faults.map((fault) => ({ ...fault, keys: [...here, ...fault.keys] }));
    }),
  );
}

function toProblem(keys: (string | number)[], message: string, hint: string, definition: Json): DefinitionProblem {
  const [list, index] = keys;
  const items = isObject(definition) ? definition[String(list)] : undefined;
  const owner = Array.isArray(items) ? (items[Number(index)] as Json | undefined) : undefined;
  const id = isObject(owner) && typeof owner.id === 'string' ? owner.id : undefined;
  const field = fieldPath(keys);
  const subject = field === '' ? 'The definition' : field;
  return {
    code: 'invalid_structure',
    ...(list === 'nodes' && id !== undefined && { node: id }),
    ...(list === 'edges' && id !== undefined && { edge: id }),
    field,
    message: `${subject} ${message}.`,
    hint,
  };
}

function sizeProblem(value: Json): DefinitionProblem | undefined {
  if (depthOf(value, limits.depth) > limits.depth) {
    return {
      code: 'too_deep',
      field: '',
      message: `The definition nests deeper than ${limits.depth} levels.`,
      hint: 'Flatten the params.',
    };
  }
  const json = JSON.stringify(value);
  const bytes = Buffer.byteLength(json);
  if (bytes > limits.bytes) {
    return {
      code: 'too_large',
      field: '',
      message: `The definition has ${bytes} bytes; at most ${limits.bytes} are allowed.`,
      hint: 'Split the workflow, or read large values from a URL when it runs.',
    };
  }
  // Parsing them is the costly part of validation, so their number is looked at first.
  const expressions = json.split('{{').length - 1;
  if (expressions <= limits.expressions) return undefined;
  return {
    code: 'too_many_expressions',
    field: '',
    message: `The definition has ${expressions} expressions; at most ${limits.expressions} are allowed.`,
    hint: 'Do more of the work in fewer expressions, or in a code node.',
  };
}

function withDefaults(value: Json): Json {
  if (!isObject(value)) return value;
  const nodes = Array.isArray(value.nodes) ? value.nodes.map(withNodeDefaults) : value.nodes;
  const edges =
    value.edges === undefined ? [] : Array.isArray(value.edges) ? withEdgeDefaults(value.edges) : value.edges;
  return { ...value, ...(nodes !== undefined && { nodes }), edges };
}

function withNodeDefaults(node: Json): Json {
  if (!isObject(node)) return node;
  if (node.params === undefined) return { ...node, params: {} };
  if (typeof node.type !== 'string' || !hasBodies(node.type) || !isObject(node.params)) return node;
  const inner = node as unknown as WorkflowNode;
  return withBodies(
    inner,
    (body) => withDefaults(body as unknown as Json) as unknown as WorkflowBody,
  ) as unknown as Json;
}

function withEdgeDefaults(edges: readonly Json[]): Json[] {
  const taken = new Set(edges.flatMap((edge) => (isObject(edge) && typeof edge.id === 'string' ? [edge.id] : [])));
  return edges.map((edge) => {
    if (!isObject(edge)) return edge;
    const port = edge.port ?? 'default';
    if (edge.id !== undefined) return { ...edge, port };
    const id = freeEdgeId(taken, String(edge.from), String(port), String(edge.to));
    return { ...edge, id, port };
  });
}

/** The id that an edge has when its author gave none; adds it to `taken`. */
export function freeEdgeId(taken: Set<string>, from: string, port: string, to: string): string {
  const base = port === 'default' ? `${from}_to_${to}` : `${from}_${port}_to_${to}`;
  let id = base;
  for (let number = 2; taken.has(id); number++) id = `${base}_${number}`;
  taken.add(id);
  return id;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
