import { AbortError, type EventStream, type RequestOptions, type StreamOptions, TimeoutError } from './core/index.ts';
import type { models } from './generated/index.ts';
import { Executions as GeneratedExecutions } from './generated/resources/executions.ts';
import { Live } from './generated/resources/live.ts';

export interface WaitOptions {
  /** Milliseconds in all. Default 300 000. */
  timeout?: number;
  /** Milliseconds between two looks. Default 1 000. */
  pollInterval?: number;
  signal?: AbortSignal;
}

export interface FollowOptions extends StreamOptions {
  /** What the events come over: Server-Sent Events unless it says otherwise. The events are the same. */
  transport?: 'sse' | 'websocket';
}

const finalStatuses: ReadonlySet<models.ExecutionStatus> = new Set(['completed', 'failed', 'cancelled']);

const lastEvents: ReadonlySet<string> = new Set(['execution:completed', 'execution:failed', 'execution:cancelled']);

/** What ran, what it did and what it is doing now. */
export class Executions extends GeneratedExecutions {
  /**
   * The events of an execution as they happen, from its beginning to its end. A broken connection is taken up again after
   * the last event seen, over either transport. For a WebSocket, which in a browser can carry no key, the SDK takes a
   * one-time ticket by itself.
   */
  follow(
    executionId: string,
    { transport = 'sse', ...options }: FollowOptions = {},
  ): EventStream<models.ExecutionEvent> {
    if (transport === 'sse') return this.stream(executionId, options);
    const tickets = new Live(this.client);
    const path = `/ws/executions/${encodeURIComponent(executionId)}`;
    const { client } = this;
    return client.follow<models.ExecutionEvent>(
      async function* (lastEventId, signal) {
        const after = Number(lastEventId ?? 0);
        const { ticket } = await tickets.createStreamTicket({ execution_id: executionId, after }, { signal });
        for await (const text of client.socket(path, { ticket }, { ...options, signal, ping: '{"type":"ping"}' })) {
          const event = JSON.parse(text) as models.ExecutionEvent;
          // Answers to pings are no events of the execution.
          if (event.sequence !== undefined) yield { id: String(event.sequence), event };
        }
      },
      { ...options, isLast: ({ type }) => lastEvents.has(type) },
    );
  }

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
