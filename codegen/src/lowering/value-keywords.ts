import { type JsonObject, isObject } from '../json.ts';
import type { Losses } from './losses.ts';

const INT32_MAX = 2 ** 31 - 1;

/** Exclusive limits are booleans beside the limit in 3.0.3. */
export function lowerNumberKeywords(schema: JsonObject): JsonObject {
  return exclusive(exclusive(schema, 'Minimum', Math.max), 'Maximum', Math.min);
}

/** An integer of which no width is known needs more than the 32 bits that generators take by default. */
export function withIntegerWidth(schema: JsonObject): JsonObject {
  if (schema['type'] !== 'integer' || schema['format'] !== undefined || schema['enum'] !== undefined) return schema;
  return within(schema['minimum']) && within(schema['maximum']) ? schema : { ...schema, format: 'int64' };
}

function within(limit: unknown): boolean {
  return typeof limit === 'number' && Math.abs(limit) <= INT32_MAX;
}

function exclusive(
  schema: JsonObject,
  end: 'Minimum' | 'Maximum',
  stricter: (...limits: number[]) => number,
): JsonObject {
  const { [`exclusive${end}`]: limit, ...rest } = schema;
  if (typeof limit !== 'number') return schema;
  const name = end.toLowerCase();
  const inclusive = rest[name];
  if (typeof inclusive === 'number' && inclusive !== limit && stricter(inclusive, limit) === inclusive) return rest;
  return { ...rest, [name]: limit, [`exclusive${end}`]: true };
}

/** Tuples are arrays of any of their members. */
export function lowerArrayKeywords(schema: JsonObject, pointer: string, losses: Losses): JsonObject {
  const { prefixItems, items, ...rest } = schema;
  if (!Array.isArray(prefixItems)) return arrayWithItems(schema);
  losses.add('tuple', pointer, 'prefixItems: 3.0.3 has no tuples, so every item may be any of them');
  const open = items === undefined || items === true;
  const members: unknown[] = isObject(items) ? [...prefixItems, items] : prefixItems;
  const limit = items === false && rest['maxItems'] === undefined ? { maxItems: prefixItems.length } : {};
  return { ...rest, ...limit, items: open ? {} : oneOrAny(members) };
}

function oneOrAny(members: readonly unknown[]): unknown {
  const different = [...new Map(members.map((member) => [JSON.stringify(member), member])).values()];
  return different.length === 1 ? different[0] : { anyOf: different };
}

/** `items` is required beside `type: array`, and no boolean, in 3.0.3. */
function arrayWithItems(schema: JsonObject): JsonObject {
  const isArray = [schema['type'] ?? []].flat().includes('array');
  if (schema['items'] === false) return { ...schema, items: {}, maxItems: 0 };
  return schema['items'] === true || (isArray && schema['items'] === undefined) ? { ...schema, items: {} } : schema;
}

/** Encoded and raw bytes are formats in 3.0.3. */
export function lowerContentKeywords(schema: JsonObject, pointer: string, losses: Losses): JsonObject {
  const { contentEncoding, contentMediaType, contentSchema, ...rest } = schema;
  if (contentEncoding === undefined && contentMediaType === undefined && contentSchema === undefined) return schema;
  if (contentSchema !== undefined) {
    losses.add('content-schema', pointer, 'contentSchema: 3.0.3 cannot describe what is inside a string');
  }
  if (contentEncoding === undefined) return isText(contentMediaType) ? rest : { ...rest, format: 'binary' };
  if (contentEncoding === 'base64') return { ...rest, format: 'byte' };
  losses.add('content-encoding', pointer, `contentEncoding ${String(contentEncoding)}: 3.0.3 knows only base64`);
  return rest;
}

function isText(mediaType: unknown): boolean {
  return typeof mediaType !== 'string' || /^text\/|json|xml|yaml/.test(mediaType);
}
