import type { Contract, Response, Schema } from '../ir/index.ts';
import { splitPointer } from '../json-pointer.ts';
import { partsOf } from './form.ts';

/** JSON pointers into error bodies, by media type, to the property whose `const` or `enum` lists the error codes. */
export type CodePointers = Readonly<Record<string, string | undefined>>;

/** The error codes that the bodies of a response can hold, in document order, each as often as it is declared. */
export function errorCodesOf(contract: Contract, response: Response, pointers: CodePointers): readonly string[] {
  return response.content.flatMap((media) => {
    const pointer = pointers[media.name];
    return pointer === undefined || !media.schema ? [] : constantsAt(contract, media.schema, splitPointer(pointer));
  });
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
