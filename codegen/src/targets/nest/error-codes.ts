import { partsOf } from './projected-schema.ts';
import type { Contract, Operation, Schema } from '../../ir/index.ts';
import { splitPointer } from '../../json-pointer.ts';

/**
 * Error codes of an operation with the status each travels under: the `const` and `enum` values at a JSON pointer into
 * the bodies of its responses with a definite 4xx or 5xx status. The first status that declares a code keeps it.
 */
export function errorCodes(
  contract: Contract,
  operation: Operation,
  pointers: Readonly<Record<string, string>>,
): ReadonlyMap<string, number> {
  const codes = new Map<string, number>();
  for (const response of operation.responses) {
    if (!/^[45]\d\d$/.test(response.status)) continue;
    for (const media of response.content) {
      const pointer = pointers[media.name];
      if (pointer === undefined || !media.schema) continue;
      for (const code of constantsAt(contract, media.schema, splitPointer(pointer))) {
        if (!codes.has(code)) codes.set(code, Number(response.status));
      }
    }
  }
  return codes;
}

function constantsAt(contract: Contract, schema: Schema, path: readonly string[]): readonly string[] {
  const parts = alternatives(contract, schema);
  const [name, ...rest] = path;
  if (name === undefined) {
    return parts
      .flatMap((part) => [...(part.const ? [part.const.value] : []), ...(part.enum ?? [])])
      .filter((value) => typeof value === 'string');
  }
  return parts
    .flatMap((part) => part.properties)
    .filter((property) => property.name === name)
    .flatMap((property) => constantsAt(contract, property.schema, rest));
}

function alternatives(contract: Contract, schema: Schema, seen = new Set<Schema>()): readonly Schema[] {
  return partsOf(contract, schema, seen).flatMap((part) => [
    part,
    ...[...part.oneOf, ...part.anyOf].flatMap((branch) => alternatives(contract, branch, seen)),
  ]);
}
