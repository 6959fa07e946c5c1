const snakeCase = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

/** Properties, path parameters and query parameters are written in snake_case. */
export function SnakeCaseNames() {
  return {
    Schema: {
      SchemaProperties(properties, ctx) {
        for (const name of Object.keys(properties)) {
          if (snakeCase.test(name)) continue;
          ctx.report({
            message: `Write the property ${name} in snake_case.`,
            location: ctx.location.child(name).key(),
          });
        }
      },
    },
    Parameter(parameter, ctx) {
      if (!['path', 'query'].includes(parameter.in) || snakeCase.test(parameter.name)) return;
      ctx.report({
        message: `Write the parameter ${parameter.name} in snake_case.`,
        location: ctx.location.child('name'),
      });
    },
  };
}
