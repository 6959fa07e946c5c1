/** Swagger UI takes no root `jsonSchemaDialect`; the default of OpenAPI 3.1 is the dialect meant. */
export function NoRootDialect() {
  return {
    Root(root, ctx) {
      if (root.jsonSchemaDialect === undefined) return;
      ctx.report({
        message: 'Remove `jsonSchemaDialect`: the default is meant, and Swagger UI refuses any other.',
        location: ctx.location.child('jsonSchemaDialect'),
      });
    },
  };
}
