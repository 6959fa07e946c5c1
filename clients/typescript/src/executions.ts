import { AbortError, type RequestOptions, TimeoutError } from './core/index.ts';
import type { models } from './generated/index.ts';
import { Executions as GeneratedExecutions } from './generated/resources/executions.ts';

export interface WaitOptions {
  /** Milliseconds in all. Default 300 000. */
  timeout?: number;
  /** Milliseconds between two looks. Default 1 000. */
  pollInterval?: number;
  signal?: AbortSignal;
}

const finalStatuses: ReadonlySet<models.ExecutionStatus> = new Set(['completed', 'failed', 'cancelled']);

/** What ran, what it did and what it is doing now. */
export class Executions extends GeneratedExecutions {
  /**
   * The execution once it has ended, well or not: look at `status`. Throws a `TimeoutError` when the time is up; the
   * execution then goes on.
   */
  async waitForCompletion(executionId: string, options: WaitOptions = {}): Promise<models.Execution> {
    const { timeout = 300_000, pollInterval = 1_000, signal } = options;
    const deadline = Date.now() + timeout;
    for (;;) {
      const execution = await this.get(executionId, requestOptions(deadline, signal));
      if (finalStatuses.has(execution.status)) return execution;
      const left = deadline - Date.now();
      if (left <= 0)
        throw new TimeoutError(`execution ${executionId} is still ${execution.status} after ${timeout} ms`);
      await this.client.sleep(Math.min(pollInterval, left), signal);
      if (signal?.aborted) throw new AbortError('the wait was aborted', { cause: signal.reason });
    }
  }
}

function requestOptions(deadline: number, signal: AbortSignal | undefined): RequestOptions {
  const left = deadline - Date.now();
  // A request may need a moment even when the time is up; without one the status would never be seen.
  return { timeout: Math.max(left, 1_000), ...(signal && { signal }) };
}
