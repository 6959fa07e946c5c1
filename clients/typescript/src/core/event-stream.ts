import { AbortError, ConnectionError, FlowpactError, ServerError, StreamError } from './errors.ts';

export interface StreamOptions {
  /** Start after this event instead of at the beginning. */
  lastEventId?: string;
  signal?: AbortSignal;
  headers?: Record<string, string | undefined>;
  /** Milliseconds without a byte, keep-alives included, after which the connection counts as broken. */
  idleTimeout?: number;
  /** Milliseconds until the answer must have begun. */
  timeout?: number;
  /** Connections in a row that may end without having brought an event. */
  maxReconnects?: number;
}

export interface EventStreamOptions<Event> extends StreamOptions {
  /** Names the event after which nothing comes; without it the stream ends when the server closes it. */
  isLast?: ((event: Event) => boolean) | undefined;
}

/** One event of a connection, with the id that a later connection can begin after. */
export interface StreamMessage<Event> {
  readonly id: string;
  readonly event: Event;
  /** Milliseconds to wait before the next connection, where the server said so. */
  readonly retry?: number | undefined;
}

/** What the stream needs of the client. */
export interface StreamSource<Event> {
  /** A connection that begins after that event; its messages end where it ends. */
  connect(lastEventId: string | undefined, signal: AbortSignal): AsyncIterable<StreamMessage<Event>>;
  /** Milliseconds to wait before connection number `attempt` in a row. */
  delay(attempt: number): number;
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/**
 * The events of one stream. A broken connection is taken up again after the last event seen, so that none is lost and
 * none comes twice; it ends at an event that `isLast` names, or where that is absent, when the server closes.
 */
export class EventStream<Event> implements AsyncIterable<Event> {
  readonly #source: StreamSource<Event>;
  readonly #options: EventStreamOptions<Event>;
  readonly #controller = new AbortController();
  #lastEventId: string | undefined;

  constructor(source: StreamSource<Event>, options: EventStreamOptions<Event>) {
    this.#source = source;
    this.#options = options;
    this.#lastEventId = options.lastEventId;
  }

  /** Id of the last event handed out. */
  get lastEventId(): string | undefined {
    return this.#lastEventId;
  }

  /** Closes the connection; a loop over the stream then ends. */
  close(): void {
    this.#controller.abort();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    const { signal } = this.#options;
    const forward = (): void => this.#controller.abort(signal?.reason);
    if (signal?.aborted) forward();
    signal?.addEventListener('abort', forward, { once: true });
    try {
      yield* this.#connections();
    } catch (error) {
      if (signal?.aborted) throw new AbortError('the event stream was aborted', { cause: signal.reason });
      if (!this.#controller.signal.aborted) throw error;
    } finally {
      signal?.removeEventListener('abort', forward);
      this.#controller.abort();
    }
  }

  async *#connections(): AsyncGenerator<Event, void, undefined> {
    const { isLast, maxReconnects = 5 } = this.#options;
    const { signal } = this.#controller;
    let fruitless = 0;
    let cause: unknown;
    let asked: number | undefined;
    while (fruitless <= maxReconnects) {
      if (fruitless > 0) await this.#source.sleep(asked ?? this.#source.delay(fruitless - 1), signal);
      try {
        const resumedAfter = this.#lastEventId;
        for await (const message of this.#source.connect(resumedAfter, signal)) {
          asked = message.retry ?? asked;
          const { event } = message;
          const last = isLast?.(event) ?? false;
          // Without an id of its own it is the greeting of a connection, which was handed out before.
          if (resumedAfter !== undefined && message.id === resumedAfter && !last) continue;
          if (message.id !== (this.#lastEventId ?? '')) {
            this.#lastEventId = message.id;
            fruitless = 0;
          }
          yield event;
          if (last) return;
        }
        if (isLast === undefined) return;
        cause = undefined;
      } catch (error) {
        if (signal.aborted || !isPassing(error)) throw error;
        cause = error;
      }
      fruitless += 1;
    }
    throw new StreamError(`the event stream broke ${fruitless} times in a row without an event`, { cause });
  }
}

/** Whether connecting again may help; an error that is not ours is the broken connection's. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof FlowpactError)) return true;
  return error instanceof ConnectionError || error instanceof ServerError;
}
