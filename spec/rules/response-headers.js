import { isIdempotent, isSuccess, responsesOf } from './resolve.js';

/**
 * Every response declares the headers that it carries: `always` everywhere, `limited` where the operation has
 * `x-rate-limit`, and those that HTTP asks for with its status. `less` names headers that single operations do without:
 * `{ <operationId>: [<header>] }`.
 */
export function ResponseHeaders({ always, limited, less = {} }) {
  return {
    // What the platform itself sends (`webhooks`) is answered by others.
    Paths: {
      Operation(operation, ctx) {
        const idempotent = isIdempotent(ctx, operation);
        for (const { status, response } of responsesOf(ctx, operation)) {
          const expected = [...always, ...(operation['x-rate-limit'] ? limited : []), ...headersOf(status)];
          if (idempotent && isSuccess(status)) expected.push('Idempotent-Replayed');
          const declared = Object.keys(response.headers ?? {});
          const spared = [...declared, ...(less[operation.operationId] ?? [])];
          const missing = expected.filter((name) => !spared.includes(name));
          if (missing.length === 0) continue;
          ctx.report({
            message: `The ${status} response must declare ${missing.join(', ')}.`,
            location: ctx.location.child(['responses', status]),
          });
        }
      },
    },
  };
}

/** RFC 9110: sections 15.3.2 (201), 11.6.1 (401), 10.2.3 (503); RFC 6585 section 4 (429). */
function headersOf(status) {
  const headers = {
    201: ['Location'],
    202: ['Location'],
    401: ['WWW-Authenticate'],
    429: ['Retry-After'],
    503: ['Retry-After'],
  };
  return headers[status] ?? [];
}
