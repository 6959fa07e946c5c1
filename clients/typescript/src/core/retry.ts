import type { Operation } from './operation.ts';

/** How long to wait between attempts, in milliseconds. */
export interface RetryPolicy {
  /** Before the first retry; doubles with each further one. */
  readonly baseDelay: number;
  /** Most that a computed delay may be. */
  readonly maxDelay: number;
  /** A `Retry-After` above it is not waited for: the error is thrown at once. */
  readonly maxRetryAfter: number;
}

export const defaultRetryPolicy: RetryPolicy = { baseDelay: 500, maxDelay: 8_000, maxRetryAfter: 60_000 };

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** Whether sending the call twice has the effect of sending it once (RFC 9110 section 9.2.2, or an idempotency key). */
export function isRepeatable(operation: Operation): boolean {
  return operation.idempotent || safeMethods.has(operation.method);
}

/**
 * Whether another attempt may help. 429 never ran the handler, so it is always repeated; other failures may have had
 * their effect, so they are repeated only where that does no harm. A 409 that says when to come back, on an operation
 * with an idempotency key, is an earlier attempt still at work.
 */
export function isRetryable({ status, headers }: { status: number; headers: Headers }, operation: Operation): boolean {
  if (status === 429) return true;
  if (status === 409) return operation.idempotent && headers.has('retry-after');
  return (status === 408 || status >= 500) && isRepeatable(operation);
}

/** Milliseconds before the attempt after `attempt` (0 is the first); undefined where it should not be made. */
export function retryDelay(
  attempt: number,
  headers: Headers | undefined,
  policy: RetryPolicy,
  random: () => number,
): number | undefined {
  const asked = headers === undefined ? undefined : retryAfterSeconds(headers);
  if (asked !== undefined) return asked * 1000 <= policy.maxRetryAfter ? asked * 1000 : undefined;
  const exponential = Math.min(policy.maxDelay, policy.baseDelay * 2 ** attempt);
  // Spread over the upper half, so that clients that failed together do not return together.
  return exponential * (0.5 + random() / 2);
}

/** Seconds of a `Retry-After` header, which may also be a date (RFC 9110 section 10.2.3). */
export function retryAfterSeconds(headers: Headers, now: number = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
