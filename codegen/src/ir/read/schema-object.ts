import { type JsonObject, arrayOrEmpty, isObject, objectOrEmpty, stringOrUndefined } from '../../json.ts';
import { unicodePattern } from '../../forms/regular-expression.ts';
import { joinPointer, pointerOfRef, valueAt } from '../../json-pointer.ts';
import type { Discriminator, JsonType, NamedSchema, Property, Schema } from '../schema.ts';
import type { Reader } from './reader.ts';

/** Keywords that change how references are found; bundled documents do not need them. */
const IDENTIFIER_KEYWORDS = ['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef'] as const;
const CONDITION_KEYWORDS = ['if', 'then', 'else', 'not', 'contains', 'propertyNames', 'unevaluatedItems'] as const;
const CONDITION_MAP_KEYWORDS = ['dependentSchemas'] as const;

/** OpenAPI 3.1 section 4.8.24. */
export function readSchema(reader: Reader, json: unknown, pointer: string): Schema {
  const node = reader.node(pointer);
  if (typeof json === 'boolean') return { ...EMPTY, ...node, boolean: json, json };
  const schema = objectOrEmpty(json);
  for (const keyword of IDENTIFIER_KEYWORDS) {
    if (keyword in schema) reportIdentifier(reader, keyword, pointer);
  }
  checkPatterns(reader, schema, pointer);
  const child = (keyword: string): Schema | undefined =>
    schema[keyword] === undefined ? undefined : readSchema(reader, schema[keyword], joinPointer(pointer, keyword));
  const list = (keyword: string): readonly Schema[] =>
    arrayOrEmpty(schema[keyword]).map((item, index) => readSchema(reader, item, joinPointer(pointer, keyword, index)));
  const map = (keyword: string): readonly (readonly [string, Schema])[] =>
    Object.entries(objectOrEmpty(schema[keyword])).map(([key, value]) => [
      key,
      readSchema(reader, value, joinPointer(pointer, keyword, key)),
    ]);
  const required = arrayOrEmpty(schema['required']).filter((name) => typeof name === 'string');
  return {
    ...node,
    ref: readRef(reader, schema, pointer),
    types: readTypes(schema['type']),
    format: stringOrUndefined(schema['format']),
    title: stringOrUndefined(schema['title']),
    description: stringOrUndefined(schema['description']),
    enum: Array.isArray(schema['enum']) ? schema['enum'] : undefined,
    const: 'const' in schema ? { value: schema['const'] } : undefined,
    default: 'default' in schema ? { value: schema['default'] } : undefined,
    properties: map('properties').map(([name, value]): Property => ({
      name,
      required: required.includes(name),
      schema: value,
    })),
    required,
    patternProperties: map('patternProperties').map(([pattern, value]) => ({ pattern, schema: value })),
    additionalProperties: child('additionalProperties'),
    unevaluatedProperties: child('unevaluatedProperties'),
    prefixItems: list('prefixItems'),
    items: child('items'),
    allOf: list('allOf'),
    oneOf: list('oneOf'),
    anyOf: list('anyOf'),
    discriminator: readDiscriminator(reader, schema),
    conditions: [
      ...CONDITION_KEYWORDS.flatMap((keyword) => {
        const value = child(keyword);
        return value ? [{ keyword, schema: value }] : [];
      }),
      ...CONDITION_MAP_KEYWORDS.flatMap((keyword) => map(keyword).map(([, value]) => ({ keyword, schema: value }))),
    ],
    readOnly: schema['readOnly'] === true,
    writeOnly: schema['writeOnly'] === true,
    deprecated: schema['deprecated'] === true,
    json: schema,
  };
}

const EMPTY = {
  properties: [],
  required: [],
  patternProperties: [],
  prefixItems: [],
  allOf: [],
  oneOf: [],
  anyOf: [],
  conditions: [],
  readOnly: false,
  writeOnly: false,
  deprecated: false,
} as const;

function readTypes(type: unknown): readonly JsonType[] | undefined {
  if (typeof type === 'string') return [type as JsonType];
  return Array.isArray(type) ? (type as JsonType[]) : undefined;
}

function readRef(reader: Reader, schema: JsonObject, pointer: string): string | undefined {
  const ref = schema['$ref'];
  if (typeof ref !== 'string') return undefined;
  const target = pointerOfRef(ref);
  if (target === undefined || valueAt(reader.document, target) === undefined) {
    reader.report(pointer, {
      code: 'unresolved-reference',
      message: `cannot follow ${ref}`,
      hint: 'reference a schema by its place, #/components/schemas/Name',
    });
    return undefined;
  }
  reader.referencedSchemas.add(target);
  return target;
}

function checkPatterns(reader: Reader, schema: JsonObject, pointer: string): void {
  const places = [
    ...(typeof schema['pattern'] === 'string' ? [{ pattern: schema['pattern'], place: ['pattern'] }] : []),
    ...Object.keys(objectOrEmpty(schema['patternProperties'])).map((pattern) => ({
      pattern,
      place: ['patternProperties', pattern],
    })),
  ];
  for (const { pattern, place } of places) {
    if (unicodePattern(pattern) !== undefined) continue;
    reader.unsupported(joinPointer(pointer, ...place), {
      code: 'unsupported-pattern',
      message: `${pattern} is not a regular expression of ECMA-262 with the u flag`,
      hint: 'rewrite the pattern',
    });
  }
}

function reportIdentifier(reader: Reader, keyword: string, pointer: string): void {
  reader.unsupported(joinPointer(pointer, keyword), {
    code: 'unsupported-schema-identifier',
    message: `${keyword} is not supported`,
    hint: 'reference schemas by their place, #/components/schemas/Name',
  });
}

/** Values of `mapping` are names or references; an absent entry means the component's own name (section 4.8.25). */
function readDiscriminator(reader: Reader, schema: JsonObject): Discriminator | undefined {
  const json = schema['discriminator'];
  if (!isObject(json) || typeof json['propertyName'] !== 'string') return undefined;
  const mapping = new Map<string, string>();
  for (const [value, target] of Object.entries(objectOrEmpty(json['mapping']))) {
    if (typeof target !== 'string') continue;
    const pointer = pointerOfRef(target) ?? joinPointer('/components/schemas', target);
    if (valueAt(reader.document, pointer) === undefined) continue;
    mapping.set(value, pointer);
    reader.referencedSchemas.add(pointer);
  }
  const mapped = new Set(mapping.values());
  for (const branch of [...arrayOrEmpty(schema['oneOf']), ...arrayOrEmpty(schema['anyOf'])]) {
    const pointer = isObject(branch) && typeof branch['$ref'] === 'string' ? pointerOfRef(branch['$ref']) : undefined;
    if (pointer !== undefined && !mapped.has(pointer)) {
      mapping.set(pointer.slice(pointer.lastIndexOf('/') + 1), pointer);
    }
  }
  return { property: json['propertyName'], mapping };
}

/** Reads `components.schemas`, then whatever references were found to point at, until nothing new turns up. */
export function readNamedSchemas(reader: Reader): ReadonlyMap<string, NamedSchema> {
  const named = new Map<string, NamedSchema>();
  const components = objectOrEmpty(objectOrEmpty(reader.document['components'])['schemas']);
  for (const [name, json] of Object.entries(components)) {
    const pointer = joinPointer('/components/schemas', name);
    named.set(pointer, { pointer, name, component: true, schema: readSchema(reader, json, pointer) });
  }
  for (const pointer of reader.referencedSchemas) {
    if (named.has(pointer)) continue;
    const schema = readSchema(reader, valueAt(reader.document, pointer), pointer);
    named.set(pointer, { pointer, name: nameOfPointer(pointer), component: false, schema });
  }
  return named;
}

const STRUCTURAL = /^(paths|components|schemas|schema|properties|items|content|responses|requestBody|\d+|[a-z-]+\/.*)$/;

function nameOfPointer(pointer: string): string {
  const words = pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/'))
    .filter((token) => !STRUCTURAL.test(token));
  return words.slice(-3).join(' ') || 'Schema';
}
