import type { Schema } from '../../ir/index.ts';
import { splitPointer } from '../../json-pointer.ts';
import { resolve, type SdkContext } from './context.ts';

/** Every code that an error body of the contract can hold, in alphabetical order: `const` and `enum` at the code's pointer. */
export function errorCodes(context: SdkContext): readonly string[] {
  const codes = new Set<string>();
  for (const { responses } of context.contract.operations) {
    for (const media of responses.filter(({ status }) => !status.startsWith('2')).flatMap(({ content }) => content)) {
      const pointer = context.options.errors[media.name]?.code;
      if (pointer === undefined || media.schema === undefined) continue;
      for (const code of valuesAt(context, media.schema, splitPointer(pointer))) codes.add(code);
    }
  }
  return [...codes].sort();
}

function valuesAt(context: SdkContext, schema: Schema, path: readonly string[]): readonly string[] {
  const own = resolve(context.contract, schema);
  const parts = [...own.allOf, ...own.oneOf, ...own.anyOf].flatMap((part) => valuesAt(context, part, path));
  const [name, ...rest] = path;
  if (name === undefined) {
    const values = [...(own.const === undefined ? [] : [own.const.value]), ...(own.enum ?? [])];
    return [...parts, ...values.filter((value) => typeof value === 'string')];
  }
  const property = own.properties.find((candidate) => candidate.name === name);
  return [...parts, ...(property === undefined ? [] : valuesAt(context, property.schema, rest))];
}
