import type { Contract, Schema } from '../ir/index.ts';
import { isObject, type JsonObject } from '../json.ts';
import { joinPointer } from '../json-pointer.ts';
import { discriminatorValues } from './discriminate.ts';
import { type Form, followRef, hiddenNames, isBinary, isHidden } from './form.ts';

/** In a schema for types: the TypeScript type that stands for a value JSON cannot hold. */
export const TYPE_KEYWORD = 'x-typescript-type';

export interface TypeJsonOptions {
  readonly contract: Contract;
  readonly form: Form;
  /** The `$ref` of a named schema. */
  readonly refTo: (pointer: string) => string;
  /** Properties that need not be there although the schema requires them. */
  readonly optional?: ReadonlySet<string>;
}

/** `false` as openapi-typescript takes it beside others. */
const NEVER = { enum: [] };

const DOCUMENTATION = ['title', 'description', 'deprecated', 'format', 'default', 'examples'] as const;

/**
 * A schema that openapi-typescript prints as the exact type of a form. It says the same as the original in the few
 * keywords whose combinations openapi-typescript gets right: siblings of `$ref` and of `anyOf` become members of `allOf`,
 * discriminators become constants, `enum` loses its `type`, keywords that no type can express are left out.
 */
export function typeJson(
  schema: Schema,
  options: TypeJsonOptions,
  inherited: ReadonlySet<string> = new Set(),
): unknown {
  if (schema.boolean !== undefined) return schema.boolean ? {} : false;
  if (options.form === 'upload' && isBinary(schema)) return { ...documentation(schema), ...fileType() };
  if (schema.const) return { ...documentation(schema), ...constant(schema.const.value) };
  if (schema.enum && schema.properties.length === 0) return { ...documentation(schema), enum: schema.enum };
  const hidden = new Set([...inherited, ...hiddenNames(options.contract, schema, options.form)]);
  const own = ownJson(schema, options, hidden);
  const same = (child: Schema): unknown => typeJson(child, options, hidden);
  const members = schema.allOf
    .map((member) => (member.boolean === false ? NEVER : same(member)))
    .filter((member) => !saysNothing(member as JsonObject));
  const required = requiredOfComposition(schema).filter((name) => !hidden.has(name) && !options.optional?.has(name));
  const parts = [
    ...(schema.ref === undefined ? [] : [{ $ref: options.refTo(schema.ref) }]),
    ...(own ? [own] : []),
    ...members,
    ...(schema.oneOf.length > 0 ? [{ oneOf: branches(schema, schema.oneOf, options, same) }] : []),
    ...(schema.anyOf.length > 0 ? [{ anyOf: branches(schema, schema.anyOf, options, same) }] : []),
  ];
  if (parts.length === 0)
    return { ...documentation(schema), ...(schema.types?.includes('object') && { type: 'object' }) };
  if (parts.length === 1 && required.length === 0) return { ...documentation(schema), ...(parts[0] as object) };
  if (parts.length === 1 && own) {
    return { ...documentation(schema), ...(parts[0] as object) };
  }
  return { ...documentation(schema), allOf: parts, ...(required.length > 0 && { required }) };
}

/** Names required by the schema or by a member of `allOf` that does not declare them, but another member may. */
function requiredOfComposition(schema: Schema): readonly string[] {
  const lifted = schema.allOf.flatMap((member) =>
    member.required.filter((name) => !member.properties.some((property) => property.name === name)),
  );
  return [...new Set([...schema.required, ...lifted])];
}

/** A member of `allOf` that adds nothing to a type: no keyword, or only that the value is an object. */
function saysNothing(member: JsonObject): boolean {
  const keys = Object.keys(member).filter((key) => !(DOCUMENTATION as readonly string[]).includes(key));
  return keys.every((key) => key === 'required' || (key === 'type' && member['type'] === 'object'));
}

/** What the schema itself says about the value, without composition. */
function ownJson(schema: Schema, options: TypeJsonOptions, hidden: ReadonlySet<string>): object | undefined {
  const visible = schema.properties.filter((property) => !isHidden(options.contract, property, options.form));
  const types = primitiveTypes(schema, visible.length === 0);
  if (!types) return undefined;
  const convert = (child: Schema): unknown => typeJson(child, { ...options, optional: undefined });
  const properties = Object.fromEntries(visible.map((property) => [property.name, convert(property.schema)]));
  const required = schema.required.filter((name) => !hidden.has(name) && !options.optional?.has(name));
  const filled = visible
    .filter(({ schema: value }) => options.form !== 'response' && hasDefault(options.contract, value))
    .map((property) => property.name);
  const own: Record<string, unknown> = {};
  if (types.length > 0) own['type'] = types.length === 1 ? types[0] : types;
  if (visible.length > 0) own['properties'] = properties;
  const present = [...new Set([...required, ...filled])];
  if (present.length > 0) own['required'] = present;
  const additional = additionalJson(schema, Object.values(properties), convert);
  if (additional !== undefined) own['additionalProperties'] = additional;
  if (schema.items) own['items'] = convert(schema.items);
  if (schema.prefixItems.length > 0) own['prefixItems'] = schema.prefixItems.map(convert);
  return Object.keys(own).some((key) => key !== 'required') ? own : undefined;
}

/** `undefined` when a union of constants says more than the type: `type: string` beside `oneOf: [{const: a}, ...]`. */
function primitiveTypes(schema: Schema, noProperties: boolean): readonly string[] | undefined {
  const types = schema.types ?? (schema.properties.length > 0 ? ['object'] : []);
  const alternatives = [...schema.oneOf, ...schema.anyOf];
  const constants = alternatives.length > 0 && alternatives.every((branch) => branch.const ?? branch.enum);
  const composed = schema.allOf.length + alternatives.length > 0 || schema.ref !== undefined;
  const bare = noProperties && !schema.additionalProperties && !schema.items;
  if (constants && bare) return undefined;
  if (composed && bare && types.length === 1 && types[0] === 'object') return undefined;
  return types;
}

/** An index signature has to admit the declared properties as well, else no value could have both. */
function additionalJson(schema: Schema, properties: readonly unknown[], convert: (child: Schema) => unknown): unknown {
  const { additionalProperties } = schema;
  const open =
    additionalProperties && additionalProperties.boolean !== false ? convert(additionalProperties) : undefined;
  const values = [
    ...schema.patternProperties.map((entry) => convert(entry.schema)),
    ...(open === undefined ? [] : [open]),
  ];
  if (values.length === 0) return undefined;
  if (values.some((value) => isObject(value) && Object.keys(value).length === 0)) return true;
  return { anyOf: [...values, ...properties] };
}

function branches(
  schema: Schema,
  list: readonly Schema[],
  { contract }: TypeJsonOptions,
  same: (child: Schema) => unknown,
): readonly unknown[] {
  const { discriminator } = schema;
  return list.map((branch) => {
    const json = same(branch);
    const value = discriminator && discriminatorValues(contract, schema, branch);
    if (!discriminator || !value || value.length === 0) return json;
    const named = value.length === 1 ? { const: value[0] } : { enum: value };
    return {
      allOf: [
        json,
        { type: 'object', properties: { [discriminator.property]: named }, required: [discriminator.property] },
      ],
    };
  });
}

function hasDefault(contract: Contract, schema: Schema): boolean {
  return (schema.default ?? followRef(contract, schema).default) !== undefined;
}

function constant(value: unknown): object {
  return value === null ? { type: 'null' } : isObject(value) || Array.isArray(value) ? {} : { const: value };
}

function fileType(): object {
  return { type: 'string', [TYPE_KEYWORD]: 'File' };
}

function documentation(schema: Schema): Record<string, unknown> {
  const json = isObject(schema.json) ? schema.json : {};
  return Object.fromEntries(DOCUMENTATION.filter((key) => key in json).map((key) => [key, json[key]]));
}

/** `$ref` of a component in the document that openapi-typescript is given. */
export function typeRef(typeName: string): string {
  return `#${joinPointer('/components/schemas', typeName)}`;
}
