import { isSuccess, resolved, responsesOf } from './resolve.js';

/** Every parameter, request body and response body has an `example`, save for the parameters that `except` names. */
export function OperationExamples({ except = [] }) {
  return {
    Operation(operation, ctx) {
      for (const [index, reference] of (operation.parameters ?? []).entries()) {
        const parameter = resolved(ctx, reference).node;
        if (!parameter || except.includes(parameter.name) || parameter.example !== undefined) continue;
        ctx.report({
          message: `The parameter ${parameter.name} needs an example.`,
          location: ctx.location.child(['parameters', index]),
        });
      }
      reportWithoutExample(ctx, resolved(ctx, operation.requestBody).node?.content, 'request', ['requestBody']);
      for (const { status, response } of responsesOf(ctx, operation)) {
        const kind = isSuccess(status) ? 'response' : 'error';
        reportWithoutExample(ctx, response.content, `${status} ${kind}`, ['responses', status]);
      }
    },
  };
}

function reportWithoutExample(ctx, content, what, place) {
  for (const [mediaType, { example }] of Object.entries(content ?? {})) {
    if (example !== undefined) continue;
    ctx.report({ message: `The ${what} as ${mediaType} needs an example.`, location: ctx.location.child(place) });
  }
}
