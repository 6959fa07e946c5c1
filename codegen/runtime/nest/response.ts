import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

/** The body of a response of a binary media type. */
export type BinaryBody = Uint8Array | Blob | Readable | ReadableStream;

/** The body of a long text response: written piece by piece, closed when the client goes away. Not checked against the schema. */
export type TextStream = AsyncIterable<string>;

/** Headers of a response as a handler gives them. */
export type ResponseHeaders = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** What every handler returns: a member of the operation's status-tagged union. */
export class OperationResponse {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: unknown;
  readonly headers: ResponseHeaders | undefined;
  /** Set by `whenCommitted`. */
  answer: (() => Promise<unknown>) | undefined;

  constructor(
    status: number,
    contentType: string | undefined,
    body: unknown,
    headers: ResponseHeaders | undefined,
    answer?: () => Promise<unknown>,
  ) {
    this.status = status;
    this.contentType = contentType;
    this.body = body;
    this.headers = headers;
    this.answer = answer;
  }

  whenCommitted(answer: () => Promise<unknown>): this {
    this.answer = answer;
    return this;
  }
}

/** A Server-Sent Event; `data` is encoded as JSON unless it is a string. WHATWG HTML section 9.2. */
export interface ServerSentEvent<Data = unknown, Name extends string = string> {
  readonly id?: string | number;
  readonly event?: Name;
  readonly data: Data;
  /** Milliseconds a client waits before it connects again. */
  readonly retry?: number;
}

/** The body of a `text/event-stream` response: ends the stream when it ends, is closed when the client goes away. */
export type EventStream<Data = unknown, Name extends string = string> = AsyncIterable<ServerSentEvent<Data, Name>>;
