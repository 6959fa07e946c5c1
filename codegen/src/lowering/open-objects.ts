import { type JsonObject, isObject } from '../json.ts';

/**
 * The document with `additionalProperties: false` removed from its schemas. A client that refuses fields it does not
 * know breaks when the server gains one; generated Go and Python models would.
 */
export function openObjects(document: JsonObject): JsonObject {
  return open(document) as JsonObject;
}

function open(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(open);
  if (!isObject(node)) return node;
  const entries = Object.entries(node).filter(([key, value]) => key !== 'additionalProperties' || value !== false);
  return Object.fromEntries(
    entries.map(([key, value]) => [
      key,
      ['example', 'examples', 'default', 'enum'].includes(key) ? value : open(value),
    ]),
  );
}
