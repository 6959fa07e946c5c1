import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that calls go to: `/fast` answers at once, everything else when it is let. */
export class Receiver {
  readonly #server: Server;
  readonly #waiting = new Set<ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      request.resume();
      if (request.url === '/fast') return response.end('{"ok":true}');
      this.#waiting.add(response);
      return response.once('close', () => this.#waiting.delete(response));
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Calls that wait for their answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Answers all that wait. */
  answer(): void {
    for (const response of this.#waiting) response.end('{}');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
