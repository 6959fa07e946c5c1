import type { Contract, MediaType, Schema } from '../ir/index.ts';
import { type Form, children } from './form.ts';

/** In which forms each named schema occurs, by pointer; one that no operation reaches counts as `response`. */
export function usedForms(contract: Contract): ReadonlyMap<string, ReadonlySet<Form>> {
  const used = new Map<string, Set<Form>>([...contract.schemas.keys()].map((pointer) => [pointer, new Set()]));
  const visit = (schema: Schema, form: Form): void => {
    const forms = schema.ref === undefined ? undefined : used.get(schema.ref);
    if (schema.ref !== undefined && forms && !forms.has(form)) {
      forms.add(form);
      visit(contract.schemas.get(schema.ref)!.schema, form);
    }
    for (const child of children(schema)) visit(child, form);
  };
  for (const { schema, form } of rootSchemas(contract)) visit(schema, form);
  for (const [pointer, forms] of used) {
    if (forms.size > 0) continue;
    forms.add('response');
    visit(contract.schemas.get(pointer)!.schema, 'response');
  }
  return used;
}

interface Root {
  readonly schema: Schema;
  readonly form: Form;
}

/** Every schema that stands in an operation or webhook. */
function rootSchemas(contract: Contract): readonly Root[] {
  const ofContent = (content: readonly MediaType[], form: Form): readonly Root[] =>
    content.flatMap((media) =>
      [media.schema, media.eventSchema].flatMap((schema) => (schema ? [{ schema, form: formOf(media, form) }] : [])),
    );
  return [
    ...contract.operations.flatMap((operation) => [
      ...operation.parameters.map(({ schema }): Root => ({ schema, form: 'request' })),
      ...ofContent(operation.requestBody?.content ?? [], 'request'),
      ...operation.responses.flatMap((response) => [
        ...response.headers.map(({ schema }): Root => ({ schema, form: 'response' })),
        ...ofContent(response.content, 'response'),
      ]),
    ]),
    ...contract.webhooks.flatMap((webhook) => ofContent(webhook.requestBody?.content ?? [], 'response')),
  ];
}

export function formOf(media: MediaType, form: Form): Form {
  return form === 'request' && media.kind === 'multipart' ? 'upload' : form;
}
