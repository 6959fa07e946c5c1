import { Readable } from 'node:stream';

import { isLarge, jsonPieces } from './json-pieces.ts';
import type { ServerSentEvent } from './response.ts';

const lineBreaks = /\r\n|\r|\n/g;

/**
 * One event in the form of WHATWG HTML section 9.2.5: fields by line, ended by an empty line. In pieces where its JSON is large,
 * or is there already.
 */
export function encodeEvent(event: ServerSentEvent): string | Iterable<string> {
  const { data } = event;
  if (typeof data !== 'string' && isLarge(data)) return piecesOf(event);
  const payload = typeof data === 'string' ? data : JSON.stringify(data === undefined ? null : data);
  return `${headOf(event)}data: ${payload.replaceAll(lineBreaks, '\ndata: ')}\n\n`;
}

function* piecesOf(event: ServerSentEvent): Generator<string> {
  yield `${headOf(event)}data: `;
  // Between two tokens of JSON a line may be broken anywhere.
  for (const piece of jsonPieces(event.data)) yield piece.replaceAll(lineBreaks, '\ndata: ');
  yield '\n\n';
}

function headOf({ id, event, retry }: ServerSentEvent): string {
  let text = '';
  if (id !== undefined) text += `id: ${singleLine(String(id))}\n`;
  if (event !== undefined) text += `event: ${singleLine(event)}\n`;
  if (retry !== undefined) text += `retry: ${Math.trunc(retry)}\n`;
  return text;
}

const singleLine = (text: string) => text.replace(/[\r\n\0]/g, ' ');

/** Characters that are written at once, give or take an event; a client that has more to read keeps the source waiting. */
const chunkLength = 16 * 1024;

/**
 * The bytes of an event stream. Takes an event from its source only when the client has read the ones before; sends a comment
 * when nothing happened for a while, so that proxies keep the connection; closes the source when the client goes away. Events
 * that the source has ready are written together, since each write costs more than an event; a large one is written in pieces
 * between which the process does other things.
 */
export class EventStreamBody extends Readable {
  private readonly source: AsyncIterator<ServerSentEvent>;
  private readonly encode: (event: ServerSentEvent) => string | Iterable<string>;
  private readonly timer: NodeJS.Timeout;
  private pulling = false;
  private wanted = false;
  /** Whether the client has to read before the source is asked for more. */
  private isFull = false;
  private unwritten = '';
  /** Whether all is written, or nobody is left to read: what the source still gives is dropped. */
  private isOver = false;
  /** What is left of an event that is written in pieces. */
  private pieces: Iterator<string> | undefined;

  constructor(
    events: AsyncIterable<ServerSentEvent> | Iterable<ServerSentEvent>,
    keepAlive: number,
    encode: (event: ServerSentEvent) => string | Iterable<string>,
  ) {
    super({ encoding: 'utf8', highWaterMark: chunkLength });
    this.source = iterate(events);
    this.encode = encode;
    this.timer = setInterval(() => this.idle(), keepAlive);
    this.timer.unref();
    // A first byte, so that the client has the status and headers before the first event.
    this.push(': connected\n\n');
  }

  override _read(): void {
    this.wanted = true;
    this.isFull = false;
    if (!this.pulling) this.goOn();
  }

  /** Ends the stream as if its source had ended; for a server that shuts down. */
  finish(): void {
    if (this.isOver) return;
    this.end();
    this.closeSource();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.isOver = true;
    clearInterval(this.timer);
    this.closeSource();
    done(error);
  }

  private pull(): void {
    this.pulling = true;
    this.source.next().then(
      (result) => this.accept(result),
      (error: unknown) => this.fail(error),
    );
  }

  private accept(result: IteratorResult<ServerSentEvent>): void {
    if (this.isOver) return;
    if (result.done === true) {
      this.end();
      return;
    }
    let text: string | Iterable<string>;
    try {
      text = this.encode(result.value);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (typeof text !== 'string') {
      this.write();
      this.pieces = text[Symbol.iterator]();
      this.writePiece();
      return;
    }
    // After all that the source has ready: ticks come when no promise is left to settle.
    if (this.unwritten === '') process.nextTick(() => this.write());
    this.unwritten += text;
    if (this.unwritten.length >= chunkLength) this.write();
    // Still pulling: writing may ask for more at once, which must not start a second pull.
    if (this.isFull) this.pulling = false;
    else this.pull();
  }

  private goOn(): void {
    this.pulling = true;
    if (this.pieces === undefined) this.pull();
    else setImmediate(() => this.writePiece());
  }

  private writePiece(): void {
    if (this.isOver) return;
    let piece: IteratorResult<string>;
    try {
      piece = this.pieces!.next();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (piece.done === true) this.pieces = undefined;
    else {
      this.unwritten = piece.value;
      this.write();
    }
    if (this.isFull) this.pulling = false;
    else this.goOn();
  }

  private end(): void {
    this.write();
    this.isOver = true;
    clearInterval(this.timer);
    this.push(null);
  }

  private fail(error: unknown): void {
    if (this.isOver) return;
    this.write();
    this.destroy(error instanceof Error ? error : new Error('An event stream failed.', { cause: error }));
  }

  private write(): void {
    const text = this.unwritten;
    if (text === '' || this.isOver) return;
    this.unwritten = '';
    this.wanted = false;
    this.timer.refresh();
    this.isFull = !this.push(text) && !this.wanted;
  }

  private idle(): void {
    // A client that does not read gets no comments either: they would only pile up. Nor does a comment end a piece.
    if (this.readableLength === 0 && this.pieces === undefined) this.push(': keep-alive\n\n');
  }

  private closeSource(): void {
    // A source that waits inside `next` takes notice when that settles; the request's signal tells it at once.
    void Promise.resolve(this.source.return?.()).catch(() => undefined);
  }
}

function iterate(events: AsyncIterable<ServerSentEvent> | Iterable<ServerSentEvent>): AsyncIterator<ServerSentEvent> {
  if (Symbol.asyncIterator in events) return events[Symbol.asyncIterator]();
  const iterator = events[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    return: async () => iterator.return?.() ?? { done: true, value: undefined },
  };
}
