import { withinIdleTime } from './deadline.ts';

/** One message of an event stream (WHATWG HTML section 9.2). */
export interface ServerSentEvent {
  /** `message` where the server named none. */
  readonly event: string;
  readonly data: string;
  /** Last id seen on the stream, this message's own or an earlier one's. */
  readonly id: string;
  /** Reconnection time in milliseconds that the server asked for, when it did. */
  readonly retry: number | undefined;
}

/** Takes the text of a stream in pieces of any size and gives its messages. */
export class ServerSentEventParser {
  #rest = '';
  #started = false;
  #data: string[] = [];
  #event = '';
  #id: string;
  #retry: number | undefined;

  constructor(lastEventId = '') {
    this.#id = lastEventId;
  }

  push(text: string): ServerSentEvent[] {
    let buffer = this.#rest + text;
    if (!this.#started && buffer !== '') {
      buffer = buffer.replace(/^\uFEFF/, '');
      this.#started = true;
    }
    const events: ServerSentEvent[] = [];
    let start = 0;
    for (const match of buffer.matchAll(/\r\n|\n|\r/g)) {
      // A CR at the end may be the first half of a CRLF that is still under way.
      if (match[0] === '\r' && match.index === buffer.length - 1) break;
      const event = this.#line(buffer.slice(start, match.index));
      if (event !== undefined) events.push(event);
      start = match.index + match[0].length;
    }
    this.#rest = buffer.slice(start);
    return events;
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.#retry = Number(value);
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    const data = this.#data;
    const event = this.#event || 'message';
    this.#data = [];
    this.#event = '';
    return data.length === 0 ? undefined : { event, data: data.join('\n'), id: this.#id, retry: this.#retry };
  }
}

/** The messages of an answer until it ends. Throws a `StreamError` when nothing came for `idleTimeout` milliseconds. */
export async function* readMessages(
  { body }: Response,
  lastEventId: string | undefined,
  idleTimeout: number,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new ServerSentEventParser(lastEventId);
  try {
    for (;;) {
      const { done, value } = await withinIdleTime(reader.read(), idleTimeout);
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
