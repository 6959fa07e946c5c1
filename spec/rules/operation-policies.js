import { resolved, responsesOf } from './resolve.js';

/**
 * Every operation says who may call it and how often: `security` with one requirement per scheme of `schemes` and the same scopes
 * in each (or none for a public operation), `x-rate-limit` with one of `classes` unless `unlimited` names it, `x-pagination`
 * where it answers with pages, `x-body-limit` where it takes a body. `more` names further schemes of single operations:
 * `{ <operationId>: [<scheme>] }`.
 */
export function OperationPolicies({ schemes, classes, unlimited = [], more = {} }) {
  return {
    // What the platform itself sends (`webhooks`) is answered by others.
    Paths: {
      Operation(operation, ctx) {
        const report = (message) => ctx.report({ message, location: ctx.location.key() });
        checkSecurity(operation.security, [...schemes, ...(more[operation.operationId] ?? [])], report);
        const limited = classes.includes(operation['x-rate-limit']);
        const exempt = unlimited.includes(operation.operationId);
        if (limited === exempt) report(`Set \`x-rate-limit\` to one of ${classes.join(', ')}.`);
        if (Boolean(operation.requestBody) !== Boolean(operation['x-body-limit'])) {
          report('Set `x-body-limit`, in bytes, where there is a request body and nowhere else.');
        }
        if (answersWithPages(ctx, operation) !== ['page', 'cursor', 'both'].includes(operation['x-pagination'])) {
          report('Set `x-pagination` to page, cursor or both where the response has `pagination` and nowhere else.');
        }
      },
    },
  };
}

function checkSecurity(security, schemes, report) {
  if (!security) return report('Set `security`; an empty list for a public operation.');
  if (security.length === 0) return undefined;
  const names = security.flatMap((requirement) => Object.keys(requirement));
  if (names.join() !== schemes.join()) report(`Name each of ${schemes.join(', ')} in \`security\`, in this order.`);
  const scopes = new Set(security.map((requirement) => Object.values(requirement).flat().join()));
  if (scopes.size > 1) report('Ask for the same scopes with every security scheme.');
  return undefined;
}

function answersWithPages(ctx, operation) {
  const success = responsesOf(ctx, operation).find(({ status }) => status === '200');
  const schema = success?.response.content?.['application/json']?.schema;
  return Boolean(schema && resolved(ctx, schema, success.from).node?.properties?.pagination);
}
