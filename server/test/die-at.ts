import { type Failpoint, onFailpoint } from '../src/domain/failpoints.ts';

/**
 * Breaks off what comes to the point next, once, as the death of the process would for a service whose work is in its transactions
 * alone; `reached` says whether it came there.
 */
export function dieAt(point: Failpoint): { readonly reached: () => boolean } {
  let reached = false;
  onFailpoint((name) => {
    if (name !== point) return;
    reached = true;
    onFailpoint(undefined);
    // As of a lost connection: whoever is left is not to decide anything about it.
    throw Object.assign(new Error(`Broken off at ${point}.`), { code: '57P01' });
  });
  return { reached: () => reached };
}
