import createClient from 'openapi-fetch';
import { APIPromise } from './api-promise.ts';
import { Credentials, type CredentialOptions } from './credentials.ts';
import { sleep, withDeadline } from './deadline.ts';
import { errorOf } from './error-response.ts';
import { APIError, ConnectionError, FlowpactError } from './errors.ts';
import { EventStream, type EventStreamOptions, type StreamOptions, type StreamSource } from './event-stream.ts';
import type { CallInput, Operation, RequestOptions, Wire } from './operation.ts';
import { PagePromise } from './page.ts';
import { prepareRequest, type PreparedRequest, serializeBody, serializeQuery } from './request.ts';
import { parseJson, readResult, type Result } from './response.ts';
import { defaultRetryPolicy, isRepeatable, isRetryable, retryDelay, type RetryPolicy } from './retry.ts';
import { readMessages, type ServerSentEvent } from './server-sent-events.ts';
import { userAgent } from './version.ts';
import { readSocket, type WebSocketLike } from './web-socket.ts';

export interface ClientOptions extends CredentialOptions {
  /** Where the server is, `https://api.example.com`; paths of the contract are added to it. */
  baseUrl: string;
  /** Milliseconds each attempt may take, body included. Default 60 000. */
  timeout?: number;
  /** Attempts after the first, where repeating does no harm. Default 2. */
  maxRetries?: number;
  /** Delays between attempts. */
  retry?: Partial<RetryPolicy>;
  /** Sent with every request. */
  headers?: Record<string, string | undefined>;
  /** `include` sends a browser's session cookie to a server of another origin. */
  credentials?: RequestInit['credentials'];
  /** Used instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
  /** Used instead of the global `WebSocket`, which Node has from version 22: `(url) => new WebSocket(url)`. */
  webSocket?: (url: string) => WebSocketLike;
  /** Used instead of a timer between attempts, polls and reconnections. */
  sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Used instead of `Math.random` for jitter. */
  random?: () => number;
}

interface Call {
  readonly operation: Operation;
  readonly request: PreparedRequest;
  readonly headers: Record<string, string>;
  readonly options: RequestOptions;
}

const eventStream = 'text/event-stream';

/** Four times what the server lets pass in silence. */
const defaultIdleTimeout = 60_000;

/** An operation as openapi-fetch sees it; the generated resources hold the real types. */
interface AnyOperation {
  parameters: { path: Record<string, unknown>; query: Record<string, unknown> };
  requestBody?: { content: { 'application/json': unknown } };
  responses: Record<never, never>;
}

type Transport = ReturnType<typeof createClient<Record<string, { get: AnyOperation }>>>;

/** Sends the operations of one contract: credentials, retries, deadlines, typed errors. Resources are printed over it. */
export class Client {
  readonly wire: Wire;
  readonly #options: ClientOptions;
  readonly #credentials: Credentials;
  readonly #transport: Transport;
  readonly #retry: RetryPolicy;
  readonly #random: () => number;

  constructor(options: ClientOptions, wire: Wire) {
    this.wire = wire;
    this.#options = options;
    this.#credentials = new Credentials(options);
    this.#retry = { ...defaultRetryPolicy, ...options.retry };
    this.#random = options.random ?? Math.random;
    this.#transport = createClient({ baseUrl: checkedBaseUrl(options.baseUrl) });
  }

  /** Sends one operation and unwraps its result. */
  call<Data>(operation: Operation, input: CallInput, options: RequestOptions = {}): APIPromise<Data> {
    return new APIPromise(this.#send(operation, input, options) as Promise<Result<Data>>);
  }

  /** Sends one list operation; the page fetches those after it by itself. */
  list<Item, Pagination>(
    operation: Operation,
    input: CallInput,
    options: RequestOptions = {},
  ): PagePromise<Item, Pagination> {
    const request = { client: this, operation, input, options };
    return new PagePromise(this.#send(operation, input, options), request);
  }

  /** The events of a `text/event-stream` operation; connects when it is iterated. */
  stream<Event>(operation: Operation, input: CallInput, options: EventStreamOptions<Event> = {}): EventStream<Event> {
    const json = operation.responses[eventStream]?.kind === 'json-event-stream';
    const decode = (message: ServerSentEvent): Event => (json ? parseJson(message.data, operation) : message) as Event;
    const open = (lastEventId: string | undefined, signal: AbortSignal): Promise<Response> =>
      this.#open(operation, input, options, lastEventId, signal);
    const { idleTimeout = defaultIdleTimeout } = options;
    return this.follow<Event>(async function* (lastEventId, signal) {
      for await (const message of readMessages(await open(lastEventId, signal), lastEventId, idleTimeout)) {
        yield { id: message.id, retry: message.retry, event: decode(message) };
      }
    }, options);
  }

  /** A stream over connections of any kind, which are made anew when they break. */
  follow<Event>(connect: StreamSource<Event>['connect'], options: EventStreamOptions<Event>): EventStream<Event> {
    return new EventStream<Event>(
      {
        connect,
        delay: (attempt) => retryDelay(attempt, undefined, this.#retry, this.#random)!,
        sleep: (milliseconds, signal) => this.sleep(milliseconds, signal),
      },
      options,
    );
  }

  /** The texts of one WebSocket on a path of the server. `query` may hold what nobody else should see. */
  socket(
    path: string,
    query: Readonly<Record<string, string>>,
    { signal, ping, timeout, idleTimeout }: StreamOptions & { signal: AbortSignal; ping: string },
  ): AsyncGenerator<string, void, undefined> {
    const url = `${this.#options.baseUrl.replace(/\/+$/, '').replace(/^http/, 'ws')}${path}?${new URLSearchParams(query).toString()}`;
    return readSocket(url, {
      create: this.#options.webSocket ?? nativeWebSocket,
      signal,
      ping,
      timeout: timeout ?? this.#options.timeout ?? 60_000,
      idleTimeout: idleTimeout ?? defaultIdleTimeout,
    });
  }

  /** Waits between polls and attempts, by the injected clock where there is one. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return (this.#options.sleep ?? sleep)(milliseconds, signal);
  }

  async #send(operation: Operation, input: CallInput, options: RequestOptions): Promise<Result<unknown>> {
    const call = this.#prepare(operation, input, options);
    return this.#withRetries(call, (signal) =>
      this.#attempt(call, signal, (response) => readResult(response, operation, this.wire)),
    );
  }

  #open(
    operation: Operation,
    input: CallInput,
    { timeout, headers }: StreamOptions,
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): Promise<Response> {
    const options = { signal, timeout, accept: eventStream, headers: { ...headers, 'last-event-id': lastEventId } };
    const call = this.#prepare(operation, input, options);
    // The deadline ends with the head of the answer, so the body must hang on the stream's own signal.
    return this.#withRetries(call, (deadline) => this.#openAttempt(call, deadline, signal));
  }

  async #openAttempt(call: Call, deadline: AbortSignal, signal: AbortSignal): Promise<Response> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    deadline.addEventListener('abort', abort, { once: true });
    signal.addEventListener('abort', abort, { once: true });
    return this.#attempt(call, controller.signal, async (response) => response);
  }

  #prepare(operation: Operation, input: CallInput, options: RequestOptions): Call {
    const request = prepareRequest(operation, input, options);
    const headers = new Headers({ accept: this.#accept(operation, options) });
    if (userAgent !== undefined) headers.set('user-agent', userAgent);
    if (request.contentType !== undefined && request.contentType !== 'multipart/form-data') {
      headers.set('content-type', request.contentType);
    }
    if (operation.idempotent) headers.set(this.wire.idempotencyHeader, options.idempotencyKey ?? randomKey());
    for (const [name, value] of Object.entries({ ...this.#options.headers, ...options.headers })) {
      if (value !== undefined) headers.set(name, value);
    }
    return { operation, request, headers: Object.fromEntries(headers), options };
  }

  #accept(operation: Operation, options: RequestOptions): string {
    return options.accept ?? Object.keys(operation.responses)[0] ?? 'application/json';
  }

  async #withRetries<Value>(call: Call, attempt: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    const { operation, options } = call;
    const maxRetries = options.maxRetries ?? this.#options.maxRetries ?? 2;
    const timeout = options.timeout ?? this.#options.timeout ?? 60_000;
    for (let count = 0; ; count += 1) {
      try {
        return await withDeadline({ timeout, signal: options.signal, what: operation.id }, attempt);
      } catch (error) {
        const delay = count < maxRetries ? this.#delayAfter(error, count, operation) : undefined;
        if (delay === undefined) throw error;
        await this.sleep(delay, options.signal);
      }
    }
  }

  #delayAfter(error: unknown, count: number, operation: Operation): number | undefined {
    if (error instanceof ConnectionError) {
      return isRepeatable(operation) ? retryDelay(count, undefined, this.#retry, this.#random) : undefined;
    }
    if (!(error instanceof APIError) || !isRetryable(error, operation)) return undefined;
    return retryDelay(count, error.headers, this.#retry, this.#random);
  }

  async #attempt<Value>(call: Call, signal: AbortSignal, read: (response: Response) => Promise<Value>): Promise<Value> {
    const { operation, request, headers } = call;
    try {
      const secrets = await this.#credentials.headersFor(operation, this.wire.securitySchemes);
      const { error, response } = await this.#transport.request(
        operation.method.toLowerCase() as 'get',
        operation.path,
        {
          params: { path: request.path, query: request.query },
          body: request.body,
          headers: { ...Object.fromEntries(secrets), ...headers },
          bodySerializer: (body: unknown) => serializeBody(body, request.contentType!),
          querySerializer: (query: Record<string, unknown>) => serializeQuery(operation, query),
          parseAs: 'stream',
          // A redirect would carry the key to another host: fetch strips only Authorization.
          redirect: 'manual',
          signal,
          fetch: this.#fetch,
          ...(this.#options.credentials && { credentials: this.#options.credentials }),
        },
      );
      if (!response.ok) throw errorOf(response, this.#redactBody(error), operation, this.wire);
      return await read(response);
    } catch (error) {
      throw this.#asTyped(error, operation, signal);
    }
  }

  readonly #fetch = (request: Request): Promise<Response> => (this.#options.fetch ?? globalThis.fetch)(request);

  #asTyped(error: unknown, operation: Operation, signal: AbortSignal): unknown {
    if (error instanceof FlowpactError || signal.aborted) return error;
    const reason = this.#credentials.redact(reasonOf(error));
    return new ConnectionError(`${operation.id}: no answer from the server: ${reason}`, { cause: this.#safe(error) });
  }

  /** The platform's error as a cause, unless a credential stands in it. */
  #safe(error: unknown): unknown {
    const text = `${reasonOf(error)} ${(error as { stack?: unknown } | undefined)?.stack}`;
    return this.#credentials.redact(text) === text ? error : undefined;
  }

  #redactBody(body: unknown): unknown {
    if (body === undefined) return undefined;
    const text = JSON.stringify(body);
    const safe = this.#credentials.redact(text);
    return safe === text ? body : (JSON.parse(safe) as unknown);
  }
}

/** `fetch failed` says nothing; what failed stands in its cause. Errors of `fetch` may come from another realm. */
function reasonOf(error: unknown): string {
  const { message, cause } = Object(error) as { message?: unknown; cause?: unknown };
  if (typeof message !== 'string') return String(error);
  const deeper = Object(cause) as { message?: unknown; code?: unknown };
  const reason = deeper.message || deeper.code;
  return typeof reason === 'string' ? `${message}: ${reason}` : message;
}

function checkedBaseUrl(baseUrl: string): string {
  if (!URL.canParse(baseUrl))
    throw new FlowpactError(
      `baseUrl ${JSON.stringify(baseUrl)} is not a URL; give one such as https://api.example.com`,
    );
  const url = new URL(baseUrl);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new FlowpactError('baseUrl must begin with http:// or https://');
  if (url.username !== '' || url.password !== '') throw new FlowpactError('baseUrl must not hold a user or a password');
  return baseUrl.replace(/\/+$/, '');
}

function nativeWebSocket(url: string): WebSocketLike {
  if (typeof WebSocket === 'function') return new WebSocket(url) as WebSocketLike;
  throw new FlowpactError('there is no WebSocket here: use Node 22 or later, or give the client one as `webSocket`');
}

function randomKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  // crypto.randomUUID is missing in browsers on pages that are not served over https.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
