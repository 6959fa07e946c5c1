import { AbortError, StreamError, TimeoutError } from './errors.ts';

/** Runs one attempt under a time limit and the caller's signal; failures caused by either become typed errors. */
export async function withDeadline<Value>(
  limits: { timeout: number; signal?: AbortSignal | undefined; what: string },
  attempt: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController();
  const { signal, timeout, what } = limits;
  if (signal?.aborted) throw new AbortError(`${what} was aborted`, { cause: signal.reason });
  let expired = false;
  const onAbort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  const timer = setTimeout(() => {
    expired = true;
    controller.abort();
  }, timeout);
  try {
    return await attempt(controller.signal);
  } catch (error) {
    if (signal?.aborted) throw new AbortError(`${what} was aborted`, { cause: signal.reason });
    if (expired) throw new TimeoutError(`${what} took longer than ${timeout} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Waits, unless the signal fires first. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(new AbortError('the wait was aborted', { cause: signal?.reason }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, milliseconds);
    if (signal?.aborted) aborted();
    else signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** What a stream reads next; throws a `StreamError` when that takes longer. */
export async function withinIdleTime<Value>(read: Promise<Value>, milliseconds: number): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const idle = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new StreamError(`nothing came for ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([read, idle]);
  } finally {
    clearTimeout(timer);
  }
}
