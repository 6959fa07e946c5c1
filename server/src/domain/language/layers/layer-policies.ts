import { isDeepStrictEqual } from 'node:util';
import type { Duration, RetryPolicy } from '../definition.ts';
import { parseDuration } from '../duration.ts';
import type { Layer, LayerRetry } from './layers-document.ts';

const units = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** The retry policy of a layer in the canonical words. A policy that is canonical already stays. */
export function toRetryPolicy(retry: LayerRetry | RetryPolicy): RetryPolicy {
  if ('max_attempts' in retry) return retry;
  const {
    count,
    delay_ms: delay,
    max_delay_ms: max,
    backoff_multiplier: multiplier,
    jitter_fraction: jitter,
    on,
  } = retry;
  return {
    max_attempts: count + 1,
    ...(multiplier !== undefined && { backoff: multiplier === 1 ? ('constant' as const) : ('exponential' as const) }),
    ...(delay !== undefined && { initial: toDuration(delay) }),
    ...(max !== undefined && { max: toDuration(max) }),
    ...(jitter !== undefined && { jitter }),
    ...(on !== undefined && { on }),
  };
}

/** A policy in the words of layers, where those lead back to it; else as it is. */
export function toLayerRetry(policy: RetryPolicy): LayerRetry | RetryPolicy {
  const { max_attempts: attempts, backoff, initial, max, jitter, on } = policy;
  const retry: LayerRetry = {
    count: attempts - 1,
    ...(initial !== undefined && { delay_ms: parseDuration(initial) }),
    ...(max !== undefined && { max_delay_ms: parseDuration(max) }),
    ...(backoff !== undefined && { backoff_multiplier: backoff === 'constant' ? 1 : 2 }),
    ...(jitter !== undefined && { jitter_fraction: jitter }),
    ...(on !== undefined && { on }),
  };
  const isExact =
    retry.count > 0 && isSpelt(initial) && isSpelt(max) && isDeepStrictEqual(toRetryPolicy(retry), policy);
  return isExact ? retry : policy;
}

/** Seconds, or a duration, as a duration. */
export function toTimeout(timeout: number | string): Duration {
  return typeof timeout === 'number' ? toDuration(timeout * 1_000) : timeout;
}

/** Whole seconds, where those lead back to the duration; else as it is. */
export function toLayerTimeout(timeout: Duration): Layer['timeout'] {
  const seconds = (parseDuration(timeout) ?? 0) / 1_000;
  return Number.isInteger(seconds) && seconds > 0 && toTimeout(seconds) === timeout ? seconds : timeout;
}

/** In the largest unit that it is a multiple of. */
function toDuration(milliseconds: number): Duration {
  const unit = units.find(([, length]) => milliseconds > 0 && milliseconds % length === 0);
  return unit ? `${milliseconds / unit[1]}${unit[0]}` : `${milliseconds}ms`;
}

function isSpelt(duration: Duration | undefined): boolean {
  return duration === undefined || toDuration(parseDuration(duration) ?? -1) === duration;
}
