import { type AnySchema, type CodeKeywordDefinition, type KeywordCxt, Name, _ } from 'ajv/dist/2020.js';
import type { Selection } from '../../forms/discriminate.ts';

/**
 * Compiles `x-select` of `validatorJson`: looks at the property that tells alternatives apart and checks only the one that it
 * names, so that what is wrong with the others is never said. Of values that are not objects it says nothing.
 */
export const selectKeyword: CodeKeywordDefinition = {
  keyword: 'x-select',
  type: 'object',
  schemaType: 'object',
  before: 'unevaluatedProperties',
  error: {
    message: 'must have a value that selects one of the alternatives',
    params: ({ params }) =>
      _`{property: ${params['property']}, missing: ${params['tag']} === undefined, allowedValues: ${params['allowed']}}`,
  },
  code(context: KeywordCxt) {
    const { gen, data, it } = context;
    const { property, cases } = context.schema as Selection<AnySchema>;
    const valid = gen.let('valid', false);
    const tag = gen.const('tag', _`${data}[${property}]`);
    context.setParams({ property, tag, allowed: literals(cases.flatMap(({ values }) => values)) });
    gen.if(false);
    for (const [index, { values, schema }] of cases.entries()) {
      gen.elseIf(values.map((value) => _`${tag} === ${value}`).reduce((either, equal) => _`${either} || ${equal}`));
      const branch = gen.name('valid');
      const place = `x-select/cases/${index}/schema`;
      const evaluated = context.subschema(
        {
          schema,
          schemaPath: _`${it.schemaPath}["x-select"].cases[${index}].schema`,
          topSchemaRef: it.topSchemaRef,
          errSchemaPath: `${it.errSchemaPath}/${place}`,
        },
        branch,
      );
      gen.assign(valid, branch);
      context.mergeEvaluated(evaluated, Name);
    }
    gen.else();
    context.error();
    gen.endIf();
    context.ok(valid);
  },
};

function literals(values: readonly string[]): ReturnType<typeof _> {
  const [first, ...rest] = values.map((value) => _`${value}`);
  return _`[${rest.reduce((list, value) => _`${list}, ${value}`, first!)}]`;
}
