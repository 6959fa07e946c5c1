import { type JsonObject, arrayOrEmpty, isObject } from '../../json.ts';
import { pointerOfRef, valueAt } from '../../json-pointer.ts';
import type { JsonType } from '../schema.ts';

type Types = ReadonlySet<JsonType>;

const ALL: Types = new Set(['null', 'boolean', 'object', 'array', 'number', 'integer', 'string']);

/**
 * The types that values of a schema can have, `$ref` and composition followed. A schema that describes the inside of
 * objects or arrays without a `type` means them: `{ properties: ... }` is an object.
 */
export function valueTypes(document: JsonObject, schema: unknown, seen: ReadonlySet<string> = new Set()): Types {
  if (!isObject(schema)) return ALL;
  const all = (schemas: readonly unknown[]): readonly Types[] =>
    schemas.map((member) => valueTypes(document, member, seen));
  const alternatives = [schema['oneOf'], schema['anyOf']].map(arrayOrEmpty).filter((list) => list.length > 0);
  return [
    ownTypes(schema),
    referencedTypes(document, schema['$ref'], seen),
    ...all(arrayOrEmpty(schema['allOf'])),
    ...alternatives.map((list) => new Set(all(list).flatMap((types) => [...types]))),
  ].reduce((left, right) => new Set([...left].filter((type) => right.has(type))));
}

function ownTypes(schema: JsonObject): Types {
  const { type } = schema;
  if (type !== undefined) return new Set([type].flat() as JsonType[]);
  const values = 'const' in schema ? [schema['const']] : schema['enum'];
  if (Array.isArray(values)) return new Set(values.map(typeOf));
  const implied: JsonType[] = [
    ...('properties' in schema || 'additionalProperties' in schema ? (['object'] as const) : []),
    ...('items' in schema || 'prefixItems' in schema ? (['array'] as const) : []),
  ];
  return implied.length > 0 ? new Set(implied) : ALL;
}

/** A reference into itself adds nothing to an alternative. */
function referencedTypes(document: JsonObject, ref: unknown, seen: ReadonlySet<string>): Types {
  const pointer = typeof ref === 'string' ? pointerOfRef(ref) : undefined;
  if (pointer === undefined) return ALL;
  if (seen.has(pointer)) return new Set();
  return valueTypes(document, valueAt(document, pointer), new Set([...seen, pointer]));
}

function typeOf(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as JsonType;
}

/** True when values are text and nothing with a structure, or nothing is said about them. */
export function isText(types: Types): boolean {
  return types.size === ALL.size || (types.has('string') && !isStructured(types));
}

/** True when values can be objects or arrays, and that is said. */
export function isStructured(types: Types): boolean {
  return types.size < ALL.size && (types.has('object') || types.has('array'));
}
