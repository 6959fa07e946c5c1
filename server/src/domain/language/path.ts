import type { Json } from '../domain-error.ts';

/** One access of a path, for example `.name`, `?.name` or `[0]`. */
export interface PathAccess {
  key: string;
  optional: boolean;
}

/** A path such as `steps.fetch.output.items[0]?.name`, which needs no JavaScript to be read. */
export interface Path {
  root: string;
  accesses: readonly PathAccess[];
}

const root = /^\s*([A-Za-z_$][\w$]*)/;
const access = /(?:(\?\.|\.)([A-Za-z_$][\w$]*)|(\?\.)?\[\s*(?:(0|[1-9]\d{0,9})|"([^"\\]*)"|'([^'\\]*)')\s*\])/y;
const literals = new Set(['true', 'false', 'null', 'undefined', 'NaN', 'Infinity', 'this', 'globalThis', 'arguments']);

/** The path that `source` is, or `undefined` when it is anything else (which QuickJS then evaluates). */
export function parsePath(source: string): Path | undefined {
  const start = root.exec(source);
  if (!start || literals.has(start[1]!)) return undefined;
  const accesses: PathAccess[] = [];
  const end = source.trimEnd().length;
  access.lastIndex = start[0].length;
  while (access.lastIndex < end) {
    const match = access.exec(source);
    if (!match) return undefined;
    const [, dot, name, question, index, double, single] = match;
    accesses.push({ key: name ?? index ?? double ?? single!, optional: dot === '?.' || question !== undefined });
  }
  return { root: start[1]!, accesses };
}

/**
 * The value at a path, by own properties only: nothing inherited is ever read. Reading a property of `null` or of
 * something absent throws a TypeError, as in JavaScript, unless the access is optional (`?.`).
 */
export function readPath(path: Path, roots: Readonly<Record<string, unknown>>): Json | undefined {
  if (!Object.hasOwn(roots, path.root)) throw new ReferenceError(`${path.root} is not defined`);
  let value = roots[path.root] as Json | undefined;
  let walked = path.root;
  for (const { key, optional } of path.accesses) {
    if (value === null || value === undefined) {
      if (optional) return undefined;
      throw new TypeError(`cannot read "${key}" of ${walked}, which is ${value === null ? 'null' : 'not there'}`);
    }
    value = ownProperty(value, key);
    walked += `.${key}`;
  }
  return value;
}

function ownProperty(value: Json, key: string): Json | undefined {
  if (typeof value === 'string')
    return key === 'length' ? value.length : /^\d+$/.test(key) ? value[Number(key)] : undefined;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, Json>)[key];
}
