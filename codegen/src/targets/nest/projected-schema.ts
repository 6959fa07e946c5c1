import { children } from '../../forms/form.ts';
import type { Contract, Schema } from '../../ir/index.ts';

/** True when nothing in a value of this schema could be undeclared: no part of it names the properties of an object. */
export function isTrivial(contract: Contract, schema: Schema): boolean {
  const seen = new Set<Schema>();
  const declares = (part: Schema): boolean => {
    if (seen.has(part)) return false;
    seen.add(part);
    if (part.properties.length > 0 || part.patternProperties.length > 0) return true;
    if (part.additionalProperties?.boolean === false) return true;
    const target = part.ref === undefined ? undefined : contract.schemas.get(part.ref)?.schema;
    return [...(target ? [target] : []), ...children(part)].some(declares);
  };
  return !declares(schema);
}
