import { APIError, type Problem } from './errors.ts';
import type { Operation, Wire } from './operation.ts';
import { retryAfterSeconds } from './retry.ts';
import { mediaTypeOf } from './response.ts';

/** The typed error of an answer, read by the pointers of the contract's error format. */
export function errorOf(response: Response, body: unknown, operation: Operation, wire: Wire): APIError {
  const format = wire.errors[mediaTypeOf(response)] ?? Object.values(wire.errors)[0] ?? {};
  const text = (pointer: string | undefined): string | undefined => {
    const value = pointer === undefined ? undefined : at(body, pointer);
    return typeof value === 'string' ? value : undefined;
  };
  const details = format.details === undefined ? undefined : at(body, format.details);
  return APIError.from({
    status: response.status,
    code: text(format.code),
    message: text(format.message) ?? (response.statusText || 'the server answered with an error'),
    requestId: response.headers.get(wire.requestIdHeader) ?? text(format.requestId),
    details: isRecord(details) ? details : {},
    problems: problemsAt(body, format.problems),
    headers: response.headers,
    body,
    operation: operation.id,
    retryAfter: retryAfterSeconds(response.headers),
  });
}

function problemsAt(body: unknown, pointer: string | undefined): readonly Problem[] {
  const value = pointer === undefined ? undefined : at(body, pointer);
  return Array.isArray(value) ? value.filter((entry): entry is Problem => isRecord(entry)) : [];
}

/** RFC 6901; undefined where nothing is. */
function at(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (node, token) => (isRecord(node) || Array.isArray(node) ? Reflect.get(node, token) : undefined),
      value,
    );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
