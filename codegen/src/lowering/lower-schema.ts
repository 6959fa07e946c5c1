import { type JsonObject, isObject } from '../json.ts';
import { joinPointer } from '../json-pointer.ts';
import type { Losses } from './losses.ts';
import { lowerArrayKeywords, lowerContentKeywords, lowerNumberKeywords } from './value-keywords.ts';
import { dropKeywords, lowerExamples, lowerPatternProperties } from './dropped-keywords.ts';
import { lowerConst, lowerNullAlternatives, lowerTypes } from './type-keywords.ts';

/** A rule rewrites one keyword of a schema whose subschemas have been lowered already. */
export type SchemaRule = (schema: JsonObject, pointer: string, losses: Losses) => JsonObject;

const RULES: readonly SchemaRule[] = [
  lowerConst,
  lowerNullAlternatives,
  lowerArrayKeywords,
  lowerContentKeywords,
  lowerNumberKeywords,
  lowerExamples,
  lowerPatternProperties,
  dropKeywords,
  lowerTypes,
  lowerReferenceSiblings,
  dropEmptyMembers,
];

const SCHEMA_KEYWORDS = ['items', 'additionalProperties', 'not', 'contains', 'propertyNames'];
const SCHEMA_LIST_KEYWORDS = ['allOf', 'oneOf', 'anyOf', 'prefixItems'];
const SCHEMA_MAP_KEYWORDS = ['properties', 'patternProperties'];

/** A Schema Object of OpenAPI 3.1 (JSON Schema 2020-12) as one of OpenAPI 3.0.3 section 4.7.24. */
export function lowerSchema(schema: unknown, pointer: string, losses: Losses): JsonObject | boolean {
  if (schema === true) return {};
  if (schema === false) return { not: {} };
  if (!isObject(schema)) return {};
  const lowered = lowerSubschemas(schema, pointer, losses);
  return RULES.reduce<JsonObject>((current, rule) => rule(current, pointer, losses), lowered);
}

function lowerSubschemas(schema: JsonObject, pointer: string, losses: Losses): JsonObject {
  const lowered: Record<string, unknown> = { ...schema };
  for (const keyword of SCHEMA_KEYWORDS) {
    if (schema[keyword] === undefined) continue;
    // `additionalProperties` and an absent tuple rest (`items: false`) may be booleans in 3.0.3 or mean something to a rule.
    if (typeof schema[keyword] === 'boolean' && keyword !== 'not') continue;
    lowered[keyword] = lowerSchema(schema[keyword], joinPointer(pointer, keyword), losses);
  }
  for (const keyword of SCHEMA_LIST_KEYWORDS) {
    const list = schema[keyword];
    if (!Array.isArray(list)) continue;
    lowered[keyword] = list.map((entry, index) =>
      lowerAlternative(entry, joinPointer(pointer, keyword, index), losses),
    );
  }
  for (const keyword of SCHEMA_MAP_KEYWORDS) {
    const map = schema[keyword];
    if (!isObject(map)) continue;
    lowered[keyword] = Object.fromEntries(
      Object.entries(map).map(([name, entry]) => [
        name,
        lowerSchema(entry, joinPointer(pointer, keyword, name), losses),
      ]),
    );
  }
  return lowered;
}

/** `{ type: 'null' }` among alternatives is left for the rule that makes the whole nullable. */
function lowerAlternative(entry: unknown, pointer: string, losses: Losses): unknown {
  return isObject(entry) && entry['type'] === 'null' ? entry : lowerSchema(entry, pointer, losses);
}

/** In 3.0.3 everything beside `$ref` is ignored; in an `allOf` it is not. */
function lowerReferenceSiblings(schema: JsonObject): JsonObject {
  const { $ref: ref, ...siblings } = schema;
  if (ref === undefined || Object.keys(siblings).length === 0) return schema;
  const { allOf, ...others } = siblings;
  return { ...others, allOf: [{ $ref: ref }, ...(Array.isArray(allOf) ? allOf : [])] };
}

/** What is left of a member of `allOf` that held conditions only says nothing. */
function dropEmptyMembers(schema: JsonObject): JsonObject {
  const { allOf, ...others } = schema;
  if (!Array.isArray(allOf)) return schema;
  const members = allOf.filter(
    (member) => !isObject(member) || Object.keys(member).some((key) => !key.startsWith('x-')),
  );
  return members.length === 0 ? others : { ...others, allOf: members };
}
