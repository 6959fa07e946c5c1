import type { Contract, Schema } from '../ir/index.ts';
import { type Form, children } from './form.ts';
import { typeJson } from './type-json.ts';
import { usedForms } from './used-forms.ts';

/**
 * The forms that a named schema needs types for, each with the forms that share its type: `[['response'], ['request']]`
 * when requests differ from responses, `[['response', 'request']]` when they do not. The first keeps the schema's name.
 */
export function distinctForms(contract: Contract): ReadonlyMap<string, readonly (readonly Form[])[]> {
  const used = usedForms(contract);
  const differs = {
    request: differingSchemas(contract, 'request', 'response'),
    upload: differingSchemas(contract, 'upload', 'request'),
  };
  return new Map(
    [...contract.schemas.keys()].map((pointer) => {
      const forms = used.get(pointer)!;
      const groups: Form[][] = [];
      const add = (form: Form, same: Form, differ: ReadonlySet<string>): void => {
        if (!forms.has(form)) return;
        const group = differ.has(pointer) ? undefined : groups.find((candidate) => candidate.includes(same));
        if (group) group.push(form);
        else groups.push([form]);
      };
      if (forms.has('response')) groups.push(['response']);
      add('request', 'response', differs.request);
      add('upload', 'request', differs.upload);
      return [pointer, groups];
    }),
  );
}

/** Schemas whose type is not the same in two forms, because of themselves or of what they reference. */
function differingSchemas(contract: Contract, one: Form, other: Form): ReadonlySet<string> {
  const differing = new Set<string>();
  const references = new Map<string, ReadonlySet<string>>();
  for (const [pointer, { schema }] of contract.schemas) {
    const print = (form: Form): string =>
      JSON.stringify(typeJson(schema, { contract, form, refTo: (target) => target }));
    if (print(one) !== print(other)) differing.add(pointer);
    references.set(pointer, referencedBy(schema));
  }
  for (let before = -1; before !== differing.size;) {
    before = differing.size;
    for (const [pointer, targets] of references) {
      if ([...targets].some((target) => differing.has(target))) differing.add(pointer);
    }
  }
  return differing;
}

function referencedBy(schema: Schema, found = new Set<string>()): ReadonlySet<string> {
  if (schema.ref !== undefined) found.add(schema.ref);
  for (const child of children(schema)) referencedBy(child, found);
  return found;
}
