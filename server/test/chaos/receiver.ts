import { createServer, type Server } from 'node:http';
import { once } from 'node:events';

/** An effect as it arrived: its step began in the worker at `began`, and it came at `at`; milliseconds since 1970. */
export interface Arrival {
  began: number;
  at: number;
  refused: boolean;
}

/** The world outside: counts effects by their idempotency key, and refuses the attempts that are to fail. */
export class Receiver {
  readonly arrivals = new Map<string, Arrival[]>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const key = String(request.headers['idempotency-key']);
      const attempt = Number(key.slice(key.lastIndexOf(':') + 1));
      const refused = attempt <= Number(request.headers['x-refuse']);
      const arrival = { began: Number(request.headers['x-began']), at: Date.now(), refused };
      this.arrivals.set(key, [...(this.arrivals.get(key) ?? []), arrival]);
      response.writeHead(refused ? 503 : 200).end();
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** When an effect of the node first arrived that was not refused, by `execution:node`. */
  firstOf(node: string): Arrival | undefined {
    const all = [...this.arrivals].filter(([key]) => key.startsWith(`${node}:`)).flatMap(([, arrivals]) => arrivals);
    return all.filter(({ refused }) => !refused).toSorted((a, b) => a.at - b.at)[0];
  }
}
