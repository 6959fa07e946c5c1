import { createHash } from 'node:crypto';
import { parseDuration, type RetryPolicy } from '../../language/index.ts';
import { sizeFailures } from './size-limits.ts';

const defaultInitial = 1_000;
const defaultLongest = 300_000;

/** What is asked about a node of which an attempt has failed. */
export interface FailedAttempt {
  readonly node: { readonly retry?: RetryPolicy };
  /** From 1; 0 for what failed before the first. */
  readonly attempt: number;
  readonly idempotencyKey: string;
}

/** When the next attempt begins after one that failed with `code`, in milliseconds since 1970; undefined for none. */
export function nextAttemptAt(
  { node: { retry }, attempt, idempotencyKey }: FailedAttempt,
  code: string,
  failedAt: number,
): number | undefined {
  if (attempt === 0 || !retry || !mayRetry(retry, attempt, code)) return undefined;
  return failedAt + retryDelay(retry, attempt, idempotencyKey);
}

/** Whether the policy allows another attempt after this one failed with `code`. */
function mayRetry(policy: RetryPolicy, attempt: number, code: string): boolean {
  if (attempt >= policy.max_attempts) return false;
  return policy.on ? policy.on.includes(code) : !sizeFailures.has(code);
}

/**
 * Milliseconds to wait after the given attempt (from 1): `initial` (1 s unless told), doubled from attempt to attempt
 * unless the backoff is constant, at most `max` (5 min unless told). Its `jitter` share is random; the chance is drawn
 * from `seed`, because a run that is replayed must wait the same.
 */
function retryDelay(policy: RetryPolicy, attempt: number, seed: string): number {
  const initial = milliseconds(policy.initial) ?? defaultInitial;
  const longest = milliseconds(policy.max) ?? Math.max(defaultLongest, initial);
  const growth = policy.backoff === 'constant' ? 1 : 2 ** Math.min(attempt - 1, 50);
  const delay = Math.min(initial * growth, longest);
  const jitter = policy.jitter ?? 0;
  return Math.round(delay * (1 - jitter + jitter * chance(seed)));
}

function milliseconds(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDuration(duration);
}

/** A number from 0 to 1 that is the same for the same seed. */
function chance(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) / 0x1_0000_0000;
}
