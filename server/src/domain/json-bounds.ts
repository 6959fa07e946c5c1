import type { Json } from './domain-error.ts';

/**
 * Levels of lists and objects that a value from outside, or one that a workflow made, may have. Far below what PostgreSQL,
 * `JSON.stringify` and the readers of other languages take before their stacks overflow.
 */
export const maxLevels = 128;

/**
 * Names that one object of such a value may have. Reading, copying or writing an object takes longer for each name the more
 * there are, and cannot be interrupted: 10 to 20 ms here, and half a second for ten times as many.
 */
export const maxNames = 20_000;

/** What JSON is held to that is read. */
export interface JsonBounds {
  readonly levels: number;
  readonly names: number;
}

/** Those of values. */
export const valueBounds: JsonBounds = { levels: maxLevels, names: maxNames };

/** Levels of lists and objects in a value; where there are more than `enough`, any number above it. */
export function depthOf(value: Json, enough: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (enough < 0) return 1;
  let depth = 0;
  for (const item of Object.values(value)) if (item !== undefined) depth = Math.max(depth, depthOf(item, enough - 1));
  return depth + 1;
}

/** The first bound that a value exceeds, found in one walk that goes no deeper than it may; undefined when there is none. */
export function exceededBound(value: Json, { levels, names }: JsonBounds = valueBounds): keyof JsonBounds | undefined {
  return exceededIn(value, levels, names);
}

/** What is wrong with a value that exceeds a bound, in words that go on after its name. */
export const exceeds: Readonly<Record<keyof JsonBounds, string>> = {
  levels: `nests deeper than ${maxLevels} levels`,
  names: `has an object with more than ${maxNames.toLocaleString('en')} names`,
};

function exceededIn(value: Json, levels: number, names: number): keyof JsonBounds | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return 'levels';
  const items = Object.values(value);
  if (!Array.isArray(value) && items.length > names) return 'names';
  for (const item of items) {
    const exceeded = item === undefined ? undefined : exceededIn(item, levels - 1, names);
    if (exceeded) return exceeded;
  }
  return undefined;
}
