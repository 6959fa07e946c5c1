import { StreamError } from './errors.ts';

/** What the SDK needs of a WebSocket: that of browsers and of Node 22, or one such as the package `ws` has. */
export interface WebSocketLike {
  send(text: string): void;
  close(): void;
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: never) => void): void;
}

export interface SocketOptions {
  readonly create: (url: string) => WebSocketLike;
  readonly signal: AbortSignal;
  /** Milliseconds until the connection must be open. */
  readonly timeout: number;
  /** Milliseconds without a message, answers to pings included, after which the connection counts as broken. */
  readonly idleTimeout: number;
  /** Sent when half of that has passed in silence; the server answers with a message. */
  readonly ping: string;
}

/** The texts that come over a WebSocket, until it closes. Throws a `StreamError` when it breaks or falls silent. */
export async function* readSocket(url: string, options: SocketOptions): AsyncGenerator<string, void, undefined> {
  const { create, signal, timeout, idleTimeout, ping } = options;
  const socket = create(url);
  const inbox = new Inbox();
  let isOver = false;
  let timer = setTimeout(() => inbox.end(new StreamError(`no connection within ${timeout} ms`)), timeout);
  const alive = (): void => {
    // A message may still come while the socket closes.
    if (isOver) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      socket.send(ping);
      timer = setTimeout(() => inbox.end(new StreamError(`nothing came for ${idleTimeout} ms`)), idleTimeout / 2);
    }, idleTimeout / 2);
  };
  const onAbort = (): void => inbox.end();
  signal.addEventListener('abort', onAbort, { once: true });
  socket.addEventListener('open', alive);
  socket.addEventListener('message', ({ data }: { data: unknown }) => {
    alive();
    inbox.put(String(data));
  });
  // What the platform says of it could quote the address, which holds a ticket.
  socket.addEventListener('error', () => inbox.end(new StreamError('the WebSocket failed')));
  socket.addEventListener('close', ({ code }: { code: number }) =>
    inbox.end(code === 1000 ? undefined : new StreamError(`the WebSocket was closed with ${code}`)),
  );
  try {
    for (let text = await inbox.take(); text !== undefined; text = await inbox.take()) yield text;
  } finally {
    isOver = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.close();
  }
}

/** Texts between the socket, which does not wait, and the loop that reads them. */
class Inbox {
  readonly #texts: string[] = [];
  #ended: { error: Error | undefined } | undefined;
  #wake = (): void => undefined;

  put(text: string): void {
    this.#texts.push(text);
    this.#wake();
  }

  /** The first end counts; texts that came before it are still handed out. */
  end(error?: Error): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async take(): Promise<string | undefined> {
    while (this.#texts.length === 0 && this.#ended === undefined) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#texts.length > 0) return this.#texts.shift();
    if (this.#ended?.error) throw this.#ended.error;
    return undefined;
  }
}
