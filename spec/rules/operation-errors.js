import { isIdempotent, isSuccess, parametersOf, responsesOf } from './resolve.js';

/**
 * An operation declares exactly the errors that its request, its security and its policies make possible, besides the
 * conflicts (409) of its own rules. `more` and `less` name what differs: `{ <operationId>: [<status>] }`.
 */
export function OperationErrors({ more = {}, less = {} }) {
  return {
    // What the platform itself sends (`webhooks`) is answered by others.
    Paths: {
      Operation(operation, ctx) {
        const responses = responsesOf(ctx, operation);
        const declared = responses.map(({ status }) => status).filter((status) => !isSuccess(status));
        const expected = [
          ...expectedErrors(ctx, operation, responses).filter(
            (status) => !less[operation.operationId]?.includes(status),
          ),
          ...(more[operation.operationId] ?? []),
        ];
        const location = ctx.location.child('responses');
        for (const status of expected) {
          if (!declared.includes(status)) ctx.report({ message: `Declare the ${status} response.`, location });
        }
        for (const status of declared) {
          if (expected.includes(status) || status === '409') continue;
          ctx.report({
            message: `Nothing in this operation makes a ${status} possible: remove it.`,
            location: location.child(status),
          });
        }
      },
    },
  };
}

function expectedErrors(ctx, operation, responses) {
  const security = operation.security ?? [];
  const answersWithBody = responses.some(({ status, response }) => isSuccess(status) && response.content);
  const addressed = parametersOf(ctx, operation).some(({ in: place }) => place === 'path');
  const scoped = security.some((requirement) => Object.values(requirement).some((scopes) => scopes.length > 0));
  const changes = !['get', 'head'].includes(ctx.key);
  return [
    // Unknown query parameters are refused everywhere.
    '400',
    ...(security.length > 0 ? ['401'] : []),
    // A cookie of another site's making.
    ...(scoped || (security.length > 0 && changes) ? ['403'] : []),
    ...(addressed ? ['404'] : []),
    ...(answersWithBody ? ['406'] : []),
    ...(isIdempotent(ctx, operation) ? ['409', '422'] : []),
    ...(operation.requestBody ? ['413', '415'] : []),
    ...(operation['x-rate-limit'] ? ['429'] : []),
    '500',
    '503',
  ];
}
