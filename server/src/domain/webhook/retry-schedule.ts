const longestWait = 24 * 60 * 60;

/** Waits are lengthened by up to this share, so that what failed together does not come back together. */
const jitter = 0.2;

/**
 * Seconds until the next attempt, or undefined when `failed` attempts were all there are. `asked` is what the receiver
 * wants at least; no wait is longer than a day and its jitter.
 */
export function secondsUntilRetry(
  schedule: readonly number[],
  failed: number,
  asked = 0,
  random = Math.random(),
): number | undefined {
  const planned = schedule[failed - 1];
  if (planned === undefined) return undefined;
  return Math.min(Math.max(planned, asked), longestWait) * (1 + jitter * random);
}

/** Seconds that a `Retry-After` header asks for: a number, or a date (RFC 9110 section 10.2.3); undefined for anything else. */
export function retryAfterSeconds(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1_000);
}
