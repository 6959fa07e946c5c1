import { NodeFailure } from '../../nodes/node-type.ts';
import { executionTimeout, LimitFailure } from './outcome.ts';

/** When something has to be done with, and what it is called if it is not. */
export interface TimeLimit {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly failure: () => NodeFailure;
}

/** setTimeout takes no longer span; nothing that is awaited here lasts 24 days. */
const longestTimer = 2_147_483_647;

/** The limit of one attempt at the node with this path; what it holds inside is held to it too. */
export function nodeLimit(at: number, timeout: string, path: string): TimeLimit {
  return { at, failure: () => new LimitFailure('timeout', `The node took longer than ${timeout}.`, { timeout }, path) };
}

/** The limit of the whole execution. */
export function executionLimit(at: number, timeout: string): TimeLimit {
  return {
    at,
    failure: () => new NodeFailure(executionTimeout, `The execution took longer than ${timeout}.`, { timeout }),
  };
}

/** The limit that is reached first. */
export function earliest(limits: readonly (TimeLimit | undefined)[]): TimeLimit | undefined {
  return limits.reduce<TimeLimit | undefined>((first, limit) => {
    if (!limit) return first;
    return !first || limit.at < first.at ? limit : first;
  }, undefined);
}

/**
 * What `work` comes to, unless the limit is reached or `signal` fires first: then its signal fires and it is left to
 * itself. Throws what `work` throws, the failure of the limit, or the reason of `signal`.
 */
export async function within<T>(
  limit: TimeLimit | undefined,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const ended = Promise.withResolvers<never>();
  const end = (reason: unknown): void => {
    controller.abort(reason);
    ended.reject(reason);
  };
  const onAbort = (): void => end(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const left = limit ? Math.max(0, limit.at - Date.now()) : Infinity;
  if (limit && left <= longestTimer) timer = setTimeout(() => end(limit.failure()), left);
  try {
    return await Promise.race([work(controller.signal), ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
