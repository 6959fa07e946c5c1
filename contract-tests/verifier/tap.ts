import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Exchange, Observation, Verifier } from './verifier.ts';

/**
 * Stands in front of the server under test and verifies every exchange as it went over the wire, whoever sent it: the SDK,
 * Prism, a browser. What it sees is what coverage counts.
 */
export class Tap {
  readonly violations: string[] = [];
  readonly observations: Observation[] = [];
  /** Conforming exchanges, kept as material for the mutation battery. */
  readonly exchanges: Exchange[] = [];
  private readonly verifier: Verifier;
  private readonly upstream: URL;
  private readonly server: Server;

  private constructor(verifier: Verifier, upstream: string) {
    this.verifier = verifier;
    this.upstream = new URL(upstream);
    this.server = createServer((incoming, outgoing) => this.forward(incoming, outgoing));
    this.server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.tunnel(incoming, socket, head),
    );
  }

  static async start(verifier: Verifier, upstream: string): Promise<Tap> {
    const tap = new Tap(verifier, upstream);
    await new Promise<void>((resolve) => tap.server.listen(0, '127.0.0.1', resolve));
    return tap;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The violations since the last call. */
  takeViolations(): string[] {
    return this.violations.splice(0);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const proxied = request(
      {
        host: this.upstream.hostname,
        port: this.upstream.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.headers,
        agent: false,
      },
      (response) => this.relay(incoming, response, outgoing),
    );
    proxied.on('error', (error) => outgoing.destroy(error));
    outgoing.on('close', () => proxied.destroy());
    incoming.pipe(proxied);
  }

  /** What becomes a WebSocket passes as it is; its frames are verified by who reads them. */
  private tunnel(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const upstream = connect(Number(this.upstream.port), this.upstream.hostname);
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
    for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
      lines.push(`${incoming.rawHeaders[index]}: ${incoming.rawHeaders[index + 1]}`);
    }
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
    socket.on('close', () => upstream.destroy());
    upstream.pipe(socket).pipe(upstream);
  }

  private relay(incoming: IncomingMessage, response: IncomingMessage, outgoing: ServerResponse): void {
    const chunks: Buffer[] = [];
    outgoing.writeHead(response.statusCode!, response.rawHeaders);
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      outgoing.write(chunk);
    });
    // Recorded before the client sees the end, so that a test that awaits its response finds the verdict.
    response.on('end', () => {
      this.record(toExchange(incoming, response, Buffer.concat(chunks), false));
      outgoing.end();
    });
    // An answer that breaks off, whoever is the cause: recorded before the client sees it for the same reason.
    const brokenOff = once(() => this.record(toExchange(incoming, response, Buffer.concat(chunks), true)));
    outgoing.on('close', () => {
      if (!response.complete) brokenOff();
    });
    response.on('error', () => {
      brokenOff();
      outgoing.destroy();
    });
  }

  private record(exchange: Exchange): void {
    const { violations, observation } = this.verifier.verify(exchange);
    this.violations.push(...violations);
    if (violations.length > 0 || !observation) return;
    this.observations.push(observation);
    this.exchanges.push(exchange);
  }
}

/** The action, which does nothing the second time. */
function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

function toExchange(incoming: IncomingMessage, response: IncomingMessage, body: Buffer, truncated: boolean): Exchange {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    const name = response.rawHeaders[index]!.toLowerCase();
    (headers[name] ??= []).push(response.rawHeaders[index + 1]!);
  }
  return { method: incoming.method!, url: incoming.url!, status: response.statusCode!, headers, body, truncated };
}
