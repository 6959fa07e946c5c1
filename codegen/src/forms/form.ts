import type { Contract, Property, Schema } from '../ir/index.ts';
import { isObject } from '../json.ts';

/**
 * One schema describes several kinds of value:
 * - `request`: what a handler receives. No `readOnly` properties; those with a default are always there.
 * - `upload`: the same inside a multipart body, where a binary string is a file.
 * - `response`: what a handler gives. No `writeOnly` properties.
 */
export type Form = 'request' | 'upload' | 'response';

export const FORMS: readonly Form[] = ['request', 'upload', 'response'];

/** Follows `ref` to the schema that says something; siblings on the way are not merged. */
export function followRef(contract: Contract, schema: Schema): Schema {
  const seen = new Set<string>();
  let found = schema;
  while (found.ref !== undefined && !seen.has(found.ref)) {
    seen.add(found.ref);
    found = contract.schemas.get(found.ref)?.schema ?? found;
  }
  return found;
}

/** The schema, what it references, and the members of `allOf`, transitively: all must hold for the same value. */
export function conjuncts(contract: Contract, schema: Schema, seen = new Set<Schema>()): readonly Schema[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const target = schema.ref === undefined ? undefined : contract.schemas.get(schema.ref)?.schema;
  return [schema, ...(target ? [target] : []), ...schema.allOf].flatMap((part) =>
    part === schema ? [schema] : conjuncts(contract, part, seen),
  );
}

const CONDITIONAL = new Set(['then', 'else', 'dependentSchemas']);

/** What may declare properties of the same value: the schema, its references, `allOf`, and conditional schemas. */
export function partsOf(contract: Contract, schema: Schema, seen = new Set<Schema>()): readonly Schema[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const target = schema.ref === undefined ? undefined : contract.schemas.get(schema.ref)?.schema;
  const conditional = schema.conditions.filter(({ keyword }) => CONDITIONAL.has(keyword)).map((entry) => entry.schema);
  return [
    schema,
    ...[...(target ? [target] : []), ...schema.allOf, ...conditional].flatMap((part) => partsOf(contract, part, seen)),
  ];
}

/** True when values of this form do not have the property (OpenAPI 3.1 has readOnly and writeOnly from JSON Schema). */
export function isHidden(contract: Contract, property: Property, form: Form): boolean {
  const parts = conjuncts(contract, property.schema);
  const readOnly = parts.some((part) => part.readOnly);
  const writeOnly = parts.some((part) => part.writeOnly);
  if (readOnly && writeOnly) return false;
  return form === 'response' ? writeOnly : readOnly;
}

/** Names of hidden properties of the value that a schema describes, wherever in its composition they are declared. */
export function hiddenNames(contract: Contract, schema: Schema, form: Form): ReadonlySet<string> {
  const names = new Set<string>();
  for (const part of conjuncts(contract, schema)) {
    for (const property of part.properties) {
      if (isHidden(contract, property, form)) names.add(property.name);
    }
  }
  return names;
}

/** A string that holds bytes: `format: binary` of OpenAPI 3.0, or `contentMediaType` without an encoding in 3.1. */
export function isBinary(schema: Schema): boolean {
  if (schema.types && !schema.types.includes('string')) return false;
  if (schema.format === 'binary') return true;
  const json = schema.json as { contentMediaType?: string; contentEncoding?: string };
  return (
    json.contentMediaType !== undefined &&
    json.contentEncoding === undefined &&
    !/^text\/|json$/.test(json.contentMediaType)
  );
}

/** Direct subschemas, those of conditions included. */
export function children(schema: Schema): readonly Schema[] {
  return [
    ...schema.properties.map((property) => property.schema),
    ...schema.patternProperties.map((entry) => entry.schema),
    ...(schema.additionalProperties ? [schema.additionalProperties] : []),
    ...(schema.unevaluatedProperties ? [schema.unevaluatedProperties] : []),
    ...schema.prefixItems,
    ...(schema.items ? [schema.items] : []),
    ...schema.allOf,
    ...schema.oneOf,
    ...schema.anyOf,
    ...schema.conditions.map((condition) => condition.schema),
  ];
}

/** A `$ref` without siblings that shape the value: the schema is its target. */
export function isBareReference(schema: Schema): boolean {
  return (
    schema.ref !== undefined &&
    isObject(schema.json) &&
    Object.keys(schema.json).every((key) => key === '$ref' || ANNOTATIONS.has(key) || key.startsWith('x-'))
  );
}

const ANNOTATIONS = new Set([
  'title',
  'summary',
  'description',
  'deprecated',
  'example',
  'examples',
  '$comment',
  'externalDocs',
]);
