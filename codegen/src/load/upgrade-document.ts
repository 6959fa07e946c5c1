import { type JsonObject, arrayOrEmpty, isObject } from '../json.ts';

/** Keywords whose value is a schema, a list of schemas, or a map of schemas. */
const SCHEMA_KEYWORDS = new Set(['items', 'additionalProperties', 'not']);
const SCHEMA_LIST_KEYWORDS = new Set(['allOf', 'oneOf', 'anyOf']);

/**
 * Rewrites an OpenAPI 3.0 document as 3.1: `nullable` becomes a type, `exclusiveMinimum: true` a number, `example` in a
 * schema `examples`. Nothing else changed meaning between the two for a generator; siblings of `$ref`, which 3.0
 * ignores, are removed (OpenAPI 3.0.3 section 4.7.23).
 */
export function upgradeDocument(document: JsonObject): JsonObject {
  return { ...(upgradeNode(document) as JsonObject), openapi: '3.1.1' };
}

/** Walks OpenAPI objects; schemas are recognised by where they stand. */
function upgradeNode(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(upgradeNode);
  if (!isObject(node)) return node;
  if (typeof node['$ref'] === 'string') return { $ref: node['$ref'] };
  return mapObject(node, (value, key) => {
    if (key === 'schema') return upgradeSchema(value);
    if (key === 'schemas' && isObject(value)) return mapObject(value, upgradeSchema);
    if (key === 'example' || key === 'examples' || key === 'default' || key === 'enum') return value;
    return upgradeNode(value);
  });
}

function upgradeSchema(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  if (typeof schema['$ref'] === 'string') return { $ref: schema['$ref'] };
  const upgraded: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'nullable') continue;
    if (key === 'example') upgraded['examples'] = [value];
    else if (key === 'properties' && isObject(value)) upgraded[key] = mapObject(value, upgradeSchema);
    else if (SCHEMA_KEYWORDS.has(key)) upgraded[key] = upgradeSchema(value);
    else if (SCHEMA_LIST_KEYWORDS.has(key)) upgraded[key] = arrayOrEmpty(value).map(upgradeSchema);
    else upgraded[key] = value;
  }
  upgradeLimit(upgraded, 'exclusiveMinimum', 'minimum');
  upgradeLimit(upgraded, 'exclusiveMaximum', 'maximum');
  return schema['nullable'] === true ? nullable(upgraded) : upgraded;
}

function upgradeLimit(schema: Record<string, unknown>, exclusive: string, inclusive: string): void {
  if (schema[exclusive] === true) {
    schema[exclusive] = schema[inclusive];
    delete schema[inclusive];
  } else if (schema[exclusive] === false) {
    delete schema[exclusive];
  }
}

/** `nullable` acts only beside `type` (OpenAPI 3.0.3 section 4.7.24.1); without one, null is added as an alternative. */
function nullable(schema: Record<string, unknown>): JsonObject {
  if (typeof schema['type'] === 'string') {
    const values = schema['enum'];
    return {
      ...schema,
      type: [schema['type'], 'null'],
      ...(Array.isArray(values) && !values.includes(null) && { enum: [...(values as unknown[]), null] }),
    };
  }
  const restricts = ['allOf', 'oneOf', 'anyOf', 'enum', 'not'].some((keyword) => keyword in schema);
  return restricts ? { anyOf: [schema, { type: 'null' }] } : schema;
}

function mapObject(object: JsonObject, change: (value: unknown, key: string) => unknown): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}
