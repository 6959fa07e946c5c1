import { type JsonObject, isObject, objectOrEmpty } from '../json.ts';
import { joinPointer } from '../json-pointer.ts';
import { Scope, pascalCase } from '../plan/names.ts';
import type { Losses } from './losses.ts';

/**
 * Gives schemas names that are identifiers and differ not only in case: generators make files and classes of them, and
 * silently overwrite one with the other.
 */
export function renameComponents(document: JsonObject, losses: Losses): JsonObject {
  const components = objectOrEmpty(document['components']);
  const scope = new Scope();
  const names = new Map<string, string>();
  for (const name of Object.keys(objectOrEmpty(components['schemas']))) {
    const safe = /^[A-Za-z_]\w*$/.test(name) ? name : pascalCase(name) || 'Schema';
    names.set(name, scope.claim(safe));
  }
  const changed = new Map([...names].filter(([name, safe]) => name !== safe));
  if (changed.size === 0) return document;
  for (const [name, safe] of changed) {
    losses.add('renamed', joinPointer('/components/schemas', name), `${name} is called ${safe} in generated code`);
  }
  const refs = new Map(
    [...changed].map(([name, safe]) => [
      `#${joinPointer('/components/schemas', name)}`,
      `#/components/schemas/${safe}`,
    ]),
  );
  const renamed = replaceRefs(document, refs) as JsonObject;
  const schemas = objectOrEmpty(objectOrEmpty(renamed['components'])['schemas']);
  const entries = Object.entries(schemas).map(([name, schema]) => [names.get(name) ?? name, schema]);
  return { ...renamed, components: { ...objectOrEmpty(renamed['components']), schemas: Object.fromEntries(entries) } };
}

function replaceRefs(node: unknown, refs: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(node)) return node.map((entry) => replaceRefs(entry, refs));
  if (typeof node === 'string') return refs.get(node) ?? refs.get(decoded(node)) ?? node;
  if (!isObject(node)) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, replaceRefs(value, refs)]));
}

function decoded(ref: string): string {
  if (!ref.startsWith('#/')) return ref;
  try {
    return decodeURIComponent(ref);
  } catch {
    return ref;
  }
}
