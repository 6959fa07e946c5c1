import { STATUS_CODES } from 'node:http';
import type { ErrorFormat, Failure, RequestContext } from '#runtime/nest/index.ts';

/** `meta` of every answer. */
export function metaOf(context: RequestContext): { request_id: string; timestamp: string } {
  return { request_id: context.requestId, timestamp: new Date().toISOString() };
}

/** Error bodies of the platform's contract: its own envelope, and problem details of RFC 9457 for those who ask for them. */
export const errorFormat: ErrorFormat = {
  bodies: {
    'application/json': (failure, context) => ({
      error: { code: failure.code, message: failure.message, details: detailsOf(failure) },
      meta: metaOf(context),
    }),
    'application/problem+json': (failure, context) => ({
      type: `urn:flowpact:error:${failure.code}`,
      title: STATUS_CODES[failure.status] ?? 'Error',
      status: failure.status,
      detail: failure.message,
      code: failure.code,
      details: detailsOf(failure),
      meta: metaOf(context),
    }),
  },
};

/** Names in details are snake_case on this wire; what the runtime calls `available` is `supported` here. */
function detailsOf({ kind, details }: Failure): Record<string, unknown> {
  const named = kind === 'not_acceptable' ? { supported: details.available } : details;
  return Object.fromEntries(
    Object.entries(named).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
