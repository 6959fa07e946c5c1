import { type AnySchema, type CodeKeywordDefinition, type KeywordCxt, _ } from 'ajv/dist/2020.js';

/**
 * Compiles `x-problem` of `validatorJson`: a value that does not satisfy the schema is reported once, in the words of the
 * contract, instead of with everything that the schema finds wrong.
 */
export const problemKeyword: CodeKeywordDefinition = {
  keyword: 'x-problem',
  schemaType: 'object',
  trackErrors: true,
  error: { message: 'is not valid', params: ({ params }) => _`{message: ${params['message']}}` },
  code(context: KeywordCxt) {
    const { gen, it } = context;
    const { message, schema } = context.schema as { message: string; schema: AnySchema };
    const valid = gen.name('valid');
    context.setParams({ message });
    context.subschema(
      {
        schema,
        schemaPath: _`${it.schemaPath}["x-problem"].schema`,
        topSchemaRef: it.topSchemaRef,
        errSchemaPath: `${it.errSchemaPath}/x-problem/schema`,
        compositeRule: true,
        createErrors: false,
        allErrors: false,
      },
      valid,
    );
    context.result(
      valid,
      () => context.reset(),
      () => {
        context.reset();
        context.error();
      },
    );
  },
};
