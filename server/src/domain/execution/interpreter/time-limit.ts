import { NodeFailure } from '../../nodes/node-type.ts';
import { executionTimeout, LimitFailure } from './outcome.ts';

/** When something has to be done with, and what it is called if it is not. */
export interface TimeLimit {
  /** Milliseconds since 1970, pauses of the execution left out: the same at every replay. */
  readonly at: number;
  readonly failure: () => NodeFailure;
  /** The limit as it stands with the pauses there were. It asks the database: for steps only. */
  readonly now: () => Promise<Pick<TimeLimit, 'at' | 'failure'>>;
}

/** setTimeout takes no longer span; nothing that is awaited here lasts 24 days. */
const longestTimer = 2_147_483_647;
/** How often it is looked, in milliseconds, whether a limit that stands still goes on. */
const lookAgain = 1_000;

/** The limit of one attempt at the node with this path; what it holds inside is held to it too. */
export function nodeLimit(at: number, timeout: string, path: string): TimeLimit {
  const failure = (): NodeFailure =>
    new LimitFailure('timeout', `The node took longer than ${timeout}.`, { timeout }, path);
  return { at, failure, now: () => Promise.resolve({ at, failure }) };
}

/** The limit of the whole execution, which stands still while it is paused; `pausedMs` tells how long it was. */
export function executionLimit(at: number, timeout: string, pausedMs: () => Promise<number>): TimeLimit {
  const failure = (): NodeFailure =>
    new NodeFailure(executionTimeout, `The execution took longer than ${timeout}.`, { timeout });
  return { at, failure, now: async () => ({ at: at + (await pausedMs()), failure }) };
}

/** The limit that is reached first. */
export function earliest(limits: readonly (TimeLimit | undefined)[]): TimeLimit | undefined {
  const all = limits.filter((limit) => limit !== undefined);
  if (all.length < 2) return all[0];
  const { at, failure } = first(all);
  return { at, failure, now: async () => first(await Promise.all(all.map((limit) => limit.now()))) };
}

function first<Limit extends Pick<TimeLimit, 'at' | 'failure'>>(limits: readonly Limit[]): Limit {
  return limits.reduce((one, other) => (other.at < one.at ? other : one));
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
  let over = false;
  const arm = (at: number, least = 0): void => {
    const left = Math.max(least, at - Date.now());
    if (!over && left <= longestTimer) timer = setTimeout(() => void reach(at), left);
  };
  const reach = async (at: number): Promise<void> => {
    const reached = await limit!.now().catch(() => undefined);
    if (reached && reached.at <= Date.now()) return end(reached.failure());
    // Timers may fire a little early; a limit that has moved may stand still.
    arm(reached?.at ?? at, reached?.at === at ? 0 : lookAgain);
  };
  if (limit) arm(limit.at);
  try {
    return await Promise.race([work(controller.signal), ended.promise]);
  } finally {
    over = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
