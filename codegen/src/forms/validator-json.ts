import type { Contract, JsonType, Schema } from '../ir/index.ts';
import { isObject } from '../json.ts';
import { unicodePattern } from './regular-expression.ts';
import { discriminatorValues, selectionOf } from './discriminate.ts';
import { type Form, hiddenNames, isBinary, isHidden } from './form.ts';

/** Keywords that say nothing about validity, left out so that validators stay small. */
const ANNOTATIONS = new Set([
  'title',
  'description',
  'deprecated',
  'readOnly',
  'writeOnly',
  'example',
  'examples',
  'externalDocs',
  'xml',
  'discriminator',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  '$comment',
  'nullable',
  'default',
  '$schema',
  '$defs',
  '$id',
  '$anchor',
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  '$recursiveAnchor',
]);

/**
 * The JSON Schema that values of a form have to satisfy. A hidden property is refused when present and not required when
 * absent; an alternative that a discriminator selects also requires the value that selects it. Where one property decides
 * which alternative can hold, `x-select` stands in the place of `oneOf` or `anyOf`; a schema that has words of its own for what does not satisfy it stands in
 * `x-problem`. `refTo` gives the `$ref` of a named schema.
 */
export function validatorJson(
  contract: Contract,
  schema: Schema,
  form: Form,
  refTo: (pointer: string) => string,
  inherited: ReadonlySet<string> = new Set(),
): unknown {
  if (schema.boolean !== undefined) return schema.boolean;
  if (form === 'upload' && isBinary(schema)) return {};
  if (schema.enum?.length === 0) return false;
  const hidden = new Set([...inherited, ...hiddenNames(contract, schema, form)]);
  const convert = (child: Schema): unknown => validatorJson(contract, child, form, refTo);
  const convertSame = (child: Schema): unknown => validatorJson(contract, child, form, refTo, hidden);
  const alternative = (child: Schema): unknown => {
    const values = discriminatorValues(contract, schema, child);
    if (values.length === 0 || !schema.discriminator) return convertSame(child);
    const { property } = schema.discriminator;
    return { allOf: [convertSame(child)], properties: { [property]: { enum: values } }, required: [property] };
  };
  const source = isObject(schema.json) ? schema.json : {};
  const replaced: Record<string, unknown> = {
    $ref: schema.ref === undefined ? undefined : refTo(schema.ref),
    properties:
      schema.properties.length > 0
        ? Object.fromEntries(
            schema.properties.map((property) => [
              property.name,
              isHidden(contract, property, form) ? false : convert(property.schema),
            ]),
          )
        : undefined,
    required: nonEmpty(schema.required.filter((name) => !hidden.has(name))),
    pattern: typeof source['pattern'] === 'string' ? unicodePattern(source['pattern']) : undefined,
    patternProperties:
      schema.patternProperties.length > 0
        ? Object.fromEntries(
            schema.patternProperties.flatMap(({ pattern, schema: value }) => {
              const usable = unicodePattern(pattern);
              return usable === undefined ? [] : [[usable, convert(value)]];
            }),
          )
        : undefined,
    additionalProperties: schema.additionalProperties && convert(schema.additionalProperties),
    unevaluatedProperties: schema.unevaluatedProperties && convert(schema.unevaluatedProperties),
    prefixItems: nonEmpty(schema.prefixItems.map(convert)),
    items: schema.items && convert(schema.items),
    allOf: nonEmpty(schema.allOf.map(convertSame)),
    oneOf: nonEmpty(schema.oneOf.map(alternative)),
    anyOf: nonEmpty(schema.anyOf.map(alternative)),
    dependentSchemas: undefined,
  };
  for (const { keyword, schema: value } of schema.conditions) {
    if (keyword !== 'dependentSchemas') replaced[keyword] = convertSame(value);
  }
  if (isObject(source['dependentSchemas'])) {
    const dependent = schema.conditions.filter((condition) => condition.keyword === 'dependentSchemas');
    replaced['dependentSchemas'] = Object.fromEntries(
      Object.keys(source['dependentSchemas']).map((name, index) => [name, convertSame(dependent[index]!.schema)]),
    );
  }
  const selected = selectedAlternatives(contract, schema, form);
  const result: Record<string, unknown> = {};
  if (selected) {
    const { types, property, cases } = selected;
    result['type'] = types.length === 1 ? types[0] : types;
    result['x-select'] = {
      property,
      cases: cases.map(({ values, schema: child }) => ({ values, schema: alternative(child) })),
    };
  }
  for (const key of Object.keys(source)) {
    if (isAnnotation(key) || (selected && (key === 'type' || key === selected.keyword))) continue;
    const value = key in replaced ? replaced[key] : source[key];
    if (value !== undefined) result[key] = value;
  }
  const message = source['x-problem'];
  return typeof message === 'string' ? { 'x-problem': { message, schema: result } } : result;
}

/** The keyword whose alternatives for objects one property selects, and the types that values may have beside. */
function selectedAlternatives(contract: Contract, schema: Schema, form: Form) {
  for (const keyword of ['oneOf', 'anyOf'] as const) {
    const objects = schema[keyword].filter((child) => plainTypes(child) === undefined);
    const others = schema[keyword].flatMap((child) => plainTypes(child) ?? []);
    const selection = selectionOf(contract, schema, objects, form);
    const types = ['object' as const, ...others].filter((type) => schema.types?.includes(type) ?? true);
    if (selection && new Set(others).size === others.length && types.includes('object'))
      return { keyword, types, ...selection };
  }
  return undefined;
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

function isAnnotation(key: string): boolean {
  return ANNOTATIONS.has(key) || key.startsWith('x-');
}

/** The types of a schema that says nothing else, as in `{ type: 'null' }`; objects and numbers are not told apart by them. */
function plainTypes(schema: Schema): readonly JsonType[] | undefined {
  const keys = isObject(schema.json) ? Object.keys(schema.json).filter((key) => !isAnnotation(key)) : [];
  const plain = keys.length === 1 && keys[0] === 'type';
  return plain && schema.types?.every((type) => PLAIN_TYPES.has(type)) ? schema.types : undefined;
}

const PLAIN_TYPES: ReadonlySet<JsonType> = new Set(['null', 'boolean', 'string', 'array']);
