import type { Json } from '../../domain-error.ts';
import { limits } from '../definition.schema.ts';
import { schemaFaults } from '../json-schema.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import { readDocument, type ReadDocument } from '../yaml/read-yaml.ts';
import { isReversible, toWhen } from './filters.ts';
import { impliedEdges } from './layer-order.ts';
import { toRetryPolicy, toTimeout } from './layer-policies.ts';
import { filterOperators, type Layer, type LayerFilter, type LayersDocument } from './layers-document.ts';

/** Reads a workflow from layers, or lists what keeps the document from being one. */
export function readLayers(value: Json): ReadDocument {
  const problems = schemaFaults(layersSchema, value).map((fault): DefinitionProblem => {
    const field = fieldPath(fault.keys);
    const subject = field === '' ? 'The document' : field;
    return { code: 'invalid_structure', field, message: `${subject} ${fault.message}.`, hint: fault.hint };
  });
  if (problems.length > 0) return { problems };
  const { name, description, tags, layers, edges, ...rest } = value as unknown as LayersDocument;
  const wrong = layers.flatMap(filterProblems);
  if (wrong.length > 0) return { problems: wrong };
  const nodes = layers.map(toNode);
  const placed = nodes.map(({ id, when }, position) => ({ id, when, index: layers[position]!.index }));
  const definition = { nodes, edges: edges ?? impliedEdges(placed), ...rest };
  const read = readDocument({
    name,
    ...(description !== undefined && { description }),
    ...(tags && { tags }),
    definition: definition as unknown as Json,
  });
  if (read.document) return read;
  return { problems: read.problems.map(inLayers) };
}

function toNode({
  index: _index,
  filters,
  retry,
  timeout,
  ...node
}: Layer): Omit<Layer, 'index' | 'filters' | 'retry'> {
  return {
    ...node,
    ...(filters && { when: toWhen(joined(filters)) }),
    ...(retry && { retry: toRetryPolicy(retry) }),
    ...(timeout !== undefined && { timeout: toTimeout(timeout) }),
  };
}

/** With `mode` where it is read, and nowhere else. */
function joined(filters: readonly LayerFilter[]): LayerFilter[] {
  return filters.map(({ mode = 'and', ...filter }, position) => (position === 0 ? filter : { ...filter, mode }));
}

function filterProblems({ id, filters, when }: Layer, position: number): DefinitionProblem[] {
  if (!filters) return [];
  const field = fieldPath(['layers', position, 'filters']);
  if (when !== undefined) {
    const message = `${field} stands beside when.`;
    return [{ code: 'invalid_filter', node: id, field, message, hint: 'Use either filters or when.' }];
  }
  if (isReversible(joined(filters))) return [];
  const message = `${field} compares something else than plain values and whole expressions.`;
  const hint =
    'Write each side as a plain value or as one {{ expression }} that is more than a plain value, or use when.';
  return [{ code: 'invalid_filter', node: id, field, message, hint }];
}

/** A problem of the definition in the words of the layers. */
function inLayers({ field, message, ...rest }: DefinitionProblem): DefinitionProblem {
  const place = field.replace(/^definition\.?/, '').replace(/^nodes\b/, 'layers');
  return { ...rest, field: place, message: message.replaceAll('nodes[', 'layers[') };
}

const span = { type: 'integer', minimum: 0, maximum: 31_622_400_000 } as const;

/** What layers add to nodes; the rest is checked as a definition. */
const layersSchema: Record<string, Json> = {
  type: 'object',
  required: ['name', 'layers'],
  properties: {
    layers: {
      type: 'array',
      maxItems: limits.nodes,
      items: {
        type: 'object',
        required: ['id', 'type', 'index'],
        properties: {
          id: { type: 'string' },
          index: { type: 'integer', minimum: 0, maximum: 1_000_000 },
          when: { type: 'string' },
          filters: {
            type: 'array',
            minItems: 1,
            maxItems: 20,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['left_value', 'operator'],
              properties: {
                left_value: {},
                operator: { type: 'string', enum: [...filterOperators] },
                right_value: {},
                mode: { type: 'string', enum: ['and', 'or'] },
              },
            },
          },
          retry: {
            type: 'object',
            if: { not: { required: ['max_attempts'] } },
            then: {
              additionalProperties: false,
              required: ['count'],
              properties: {
                count: { type: 'integer', minimum: 1, maximum: 99 },
                delay_ms: span,
                max_delay_ms: span,
                backoff_multiplier: { type: 'integer', enum: [1, 2] },
                jitter_fraction: { type: 'number', minimum: 0, maximum: 1 },
                on: { type: 'array', items: { type: 'string' } },
              },
            },
          },
          timeout: { type: ['string', 'integer'], minimum: 1, maximum: 31_622_400 },
        },
      },
    },
    edges: { type: 'array', maxItems: limits.edges, items: { type: 'object' } },
  },
};
