import type { FuncKeywordDefinition, SchemaValidateFunction } from 'ajv';
import type { Json } from '../domain-error.ts';

/** `uniqueItems` in a time linear in the size of the list; AJV compares each item with each other. */
export const uniqueItems: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  errors: true,
  compile(isWanted: boolean) {
    if (!isWanted) return () => true;
    const validate: SchemaValidateFunction = (items: readonly Json[]) => {
      const repeated = firstRepeated(items);
      if (!repeated) return true;
      const [i, j] = repeated;
      const message = `must NOT have duplicate items (items ## ${i} and ${j} are identical)`;
      validate.errors = [{ keyword: 'uniqueItems', message, params: { i, j } }];
      return false;
    };
    return validate as (items: unknown) => boolean;
  },
};

function firstRepeated(items: readonly Json[]): [number, number] | undefined {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const text = canonical(item);
    const before = seen.get(text);
    if (before !== undefined) return [before, index];
    seen.set(text, index);
  }
  return undefined;
}

/** The same text for values that JSON Schema takes for equal, whatever the order of their keys. */
function canonical(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const object = value as Readonly<Record<string, Json | undefined>>;
  const members = Object.keys(object)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`);
  return `{${members.join()}}`;
}
