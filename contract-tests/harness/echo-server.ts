import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A server that answers every request with all that it knows of it, in several forms; `/500` as a failure. */
export class EchoServer {
  readonly received: Received[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const received = { method: request.method!, url: request.url!, headers: request.headers, body };
        this.received.push(received);
        if (request.url!.startsWith('/token')) {
          response.setHeader('content-type', 'application/json');
          return response.end(JSON.stringify({ access_token: 'canary-access-token-7r2', expires_in: 3600 }));
        }
        const all = JSON.stringify(received);
        response.statusCode = request.url!.startsWith('/500') ? 500 : 200;
        response.setHeader('x-echo', encodeURIComponent(all));
        if (request.url!.includes('binary'))
          return response.end(Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(all)]));
        if (request.url!.includes('text')) return response.end(all);
        response.setHeader('content-type', 'application/json');
        const forms = (['base64', 'base64url', 'hex'] as const).map((form) => Buffer.from(all).toString(form));
        return response.end(JSON.stringify({ received, all, forms, [all]: true }));
      });
    });
  }

  static async start(): Promise<EchoServer> {
    const echo = new EchoServer();
    await new Promise<void>((listening) => echo.#server.listen(0, '127.0.0.1', listening));
    return echo;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}
