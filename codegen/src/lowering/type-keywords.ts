import { type JsonObject, isObject } from '../json.ts';
import type { Losses } from './losses.ts';
import { withIntegerWidth } from './value-keywords.ts';

/** Keywords that say something about values of one type only. */
const KEYWORDS_OF_TYPE: Readonly<Record<string, readonly string[]>> = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'format'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'format'],
  array: ['items', 'minItems', 'maxItems', 'uniqueItems'],
  object: ['properties', 'required', 'additionalProperties', 'minProperties', 'maxProperties'],
  boolean: [],
};

/** `const: x` is `enum: [x]`. */
export function lowerConst(schema: JsonObject): JsonObject {
  if (!('const' in schema)) return schema;
  const { const: value, ...rest } = schema;
  return { ...rest, ...typeOfConst(rest, value), enum: [value] };
}

function typeOfConst(schema: JsonObject, value: unknown): JsonObject {
  if (schema['type'] !== undefined || !['string', 'number', 'boolean'].includes(typeof value)) return {};
  return { type: Number.isInteger(value) ? 'integer' : typeof value };
}

/** `anyOf: [X, { type: 'null' }]` is X that is nullable. */
export function lowerNullAlternatives(schema: JsonObject): JsonObject {
  return ['anyOf', 'oneOf'].reduce<JsonObject>((current, keyword) => {
    const list = current[keyword];
    if (!Array.isArray(list) || !list.some(isNullSchema)) return current;
    const { [keyword]: _list, ...rest } = current;
    const others = list.filter((entry) => !isNullSchema(entry)) as JsonObject[];
    const [only] = others;
    if (others.length > 1) return { ...rest, [keyword]: others, nullable: true };
    if (only === undefined) return { ...rest, enum: [null], nullable: true };
    if ('$ref' in only || overlaps(rest, only)) return { ...rest, allOf: [...allOf(rest), only], nullable: true };
    return { ...only, ...rest, nullable: true };
  }, schema);
}

function isNullSchema(entry: unknown): boolean {
  return isObject(entry) && entry['type'] === 'null';
}

function overlaps(one: JsonObject, other: JsonObject): boolean {
  return Object.keys(other).some((keyword) => keyword in one && keyword !== 'description' && keyword !== 'title');
}

function allOf(schema: JsonObject): readonly unknown[] {
  return Array.isArray(schema['allOf']) ? schema['allOf'] : [];
}

/** A list of types is one type, nullable, or alternatives; `null` in `enum` is nullable too. */
export function lowerTypes(schema: JsonObject, pointer: string, losses: Losses): JsonObject {
  const types = [schema['type'] ?? []].flat() as string[];
  const others = types.filter((type) => type !== 'null');
  const nullable = types.includes('null') || (schema['nullable'] === true && types.length === 0);
  const { type: _type, ...rest } = schema;
  const typed =
    others.length > 1
      ? alternatives(rest, others, pointer, losses)
      : { ...(others[0] && { type: others[0] }), ...rest };
  return withoutNullInEnum(withIntegerWidth(nullable ? { ...typed, nullable: true } : typed));
}

function alternatives(schema: JsonObject, types: readonly string[], pointer: string, losses: Losses): JsonObject {
  losses.add(
    'several-types',
    pointer,
    `type ${types.join(', ')}: 3.0.3 has one type, so these are alternatives of anyOf`,
  );
  const special = new Set(Object.values(KEYWORDS_OF_TYPE).flat());
  const common = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !special.has(keyword)));
  const anyOf = types.map((type) => withIntegerWidth({ type, ...pick(schema, KEYWORDS_OF_TYPE[type] ?? []) }));
  return 'anyOf' in common ? { ...common, allOf: [...allOf(common), { anyOf }] } : { ...common, anyOf };
}

function pick(schema: JsonObject, keywords: readonly string[]): JsonObject {
  return Object.fromEntries(
    keywords.filter((keyword) => keyword in schema).map((keyword) => [keyword, schema[keyword]]),
  );
}

/** A generator that sees null among the values makes a constant of it; `nullable` says the same. */
function withoutNullInEnum(schema: JsonObject): JsonObject {
  const values = schema['enum'];
  if (!Array.isArray(values) || !values.includes(null) || values.length === 1) return schema;
  return { ...schema, enum: values.filter((value) => value !== null), nullable: true };
}
