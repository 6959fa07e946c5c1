import type { Json } from './domain-error.ts';

/**
 * Levels of lists and objects that a value from outside, or one that a workflow made, may have. Far below what PostgreSQL,
 * `JSON.stringify` and the readers of other languages take before their stacks overflow.
 */
export const deepestValue = 128;

/** Levels of lists and objects in a value; where there are more than `enough`, any number above it. */
export function depthOf(value: Json, enough: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (enough < 0) return 1;
  let deepest = 0;
  for (const item of Object.values(value))
    if (item !== undefined) deepest = Math.max(deepest, depthOf(item, enough - 1));
  return deepest + 1;
}

export function isTooDeep(value: Json): boolean {
  return depthOf(value, deepestValue) > deepestValue;
}
