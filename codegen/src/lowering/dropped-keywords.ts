import { type JsonObject, isObject } from '../json.ts';
import type { Losses } from './losses.ts';

/** Keywords of JSON Schema 2020-12 that 3.0.3 cannot say, with what their loss means. */
const LOST: ReadonlyMap<string, string> = new Map([
  ['if', 'conditions are not checked'],
  ['then', 'conditions are not checked'],
  ['else', 'conditions are not checked'],
  ['dependentSchemas', 'dependent schemas are not checked'],
  ['dependentRequired', 'dependent properties are not checked'],
  ['unevaluatedProperties', 'further properties are allowed'],
  ['unevaluatedItems', 'further items are allowed'],
  ['contains', 'what an array contains is not checked'],
  ['minContains', 'what an array contains is not checked'],
  ['maxContains', 'what an array contains is not checked'],
  ['propertyNames', 'names of properties are not checked'],
  ['$dynamicRef', 'dynamic references are not followed'],
]);

/** Keywords that say nothing about values. */
const SILENT = ['$schema', '$id', '$anchor', '$dynamicAnchor', '$comment', '$vocabulary', '$defs'];

/** Removes what is left that 3.0.3 does not know. */
export function dropKeywords(schema: JsonObject, pointer: string, losses: Losses): JsonObject {
  const entries = Object.entries(schema).filter(([keyword]) => {
    const consequence = LOST.get(keyword);
    if (consequence !== undefined) losses.add('dropped-keyword', pointer, `${keyword}: ${consequence}`);
    return consequence === undefined && !SILENT.includes(keyword);
  });
  return Object.fromEntries(entries);
}

/** One example instead of several. */
export function lowerExamples(schema: JsonObject, pointer: string, losses: Losses): JsonObject {
  const { examples, ...rest } = schema;
  if (!Array.isArray(examples)) return schema;
  if (examples.length > 1) losses.add('examples', pointer, `examples: 3.0.3 has one, ${examples.length - 1} left out`);
  return examples.length === 0 || 'example' in rest ? rest : { ...rest, example: examples[0] };
}

/** A map whose keys follow a pattern is a map. */
export function lowerPatternProperties(schema: JsonObject, pointer: string, losses: Losses): JsonObject {
  const { patternProperties, ...rest } = schema;
  if (!isObject(patternProperties)) return schema;
  losses.add(
    'pattern-properties',
    pointer,
    'patternProperties: names are not checked, any property may be any of them',
  );
  const schemas = Object.values(patternProperties);
  const further = rest['additionalProperties'];
  if (further === true || further === undefined) return { ...rest, additionalProperties: true };
  const members = isObject(further) ? [...schemas, further] : schemas;
  return { ...rest, additionalProperties: members.length === 1 ? members[0] : { anyOf: members } };
}
