import { WebSocket, type ClientOptions } from 'ws';
import type { WebSocketLike } from '#sdk';
import type { LiveMessages } from '../verifier/live-messages.ts';

/** A message as tests look into it; the AsyncAPI document has been asked about it before. */
export interface LiveMessage {
  type: string;
  execution_id?: string;
  sequence?: number;
  data?: any; // eslint-disable-line typescript/no-explicit-any -- verified before
  error?: { code: string; message: string; details: Record<string, unknown> };
  reason?: string;
}

/** The server did not make the connection. */
export class RefusedUpgrade extends Error {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: any; // eslint-disable-line typescript/no-explicit-any -- tests compare it

  constructor(status: number, headers: Record<string, string | string[] | undefined>, body: unknown) {
    super(`refused with ${status}`);
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** A WebSocket whose every message is held against the AsyncAPI document. */
export class LiveClient {
  readonly socket: WebSocket;
  readonly messages: LiveMessage[] = [];
  readonly violations: string[];
  /** Code of the close. */
  readonly closed: Promise<number>;
  private readonly opened: Promise<void>;
  private wake: () => void = () => undefined;

  private constructor(url: string, options: ClientOptions, verify: LiveMessages, violations: string[]) {
    this.violations = violations;
    const channel = new URL(url).pathname === '/ws' ? 'executions' : 'execution';
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString('utf8')) as LiveMessage;
      violations.push(...verify.problems(channel, 'server', message));
      this.messages.push(message);
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        resolve(code);
        this.wake();
      });
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('error', reject);
      this.socket.on('unexpected-response', (_request, response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
          reject(new RefusedUpgrade(response.statusCode ?? 0, response.headers, body));
        });
      });
    });
  }

  /** Throws RefusedUpgrade when the server answers with something else than a connection. */
  static async open(
    url: string,
    verify: LiveMessages,
    options: ClientOptions = {},
    violations: string[] = [],
  ): Promise<LiveClient> {
    const client = new LiveClient(url.replace(/^http/, 'ws'), options, verify, violations);
    await client.opened;
    return client;
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message that fits, those before included; throws when the connection closes without one. */
  async next(fits: (message: LiveMessage) => boolean): Promise<LiveMessage> {
    for (;;) {
      const found = this.messages.find(fits);
      if (found) return found;
      if (this.socket.readyState === WebSocket.CLOSED) {
        throw new Error(`closed after ${this.messages.map(({ type }) => type).join(', ')}`);
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  close(): Promise<number> {
    this.socket.close();
    return this.closed;
  }
}

/** Breaks when that many messages have come; the client sees none of the rest. */
export function breakingAfter(count: number, socket: WebSocket): WebSocketLike {
  let seen = 0;
  return {
    send: (text) => socket.send(text),
    close: () => socket.close(),
    addEventListener: (type, listener: (event: never) => void) => {
      socket.addEventListener(type as 'message', (event) => {
        if (type !== 'message') return listener(event as never);
        seen += 1;
        if (seen <= count) listener(event as never);
        if (seen === count) socket.terminate();
      });
    },
  };
}
