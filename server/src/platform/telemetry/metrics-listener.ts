import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { cannotListen } from '../lifecycle/port.ts';
import type { Metrics } from './metrics.ts';
import { answerMetrics } from './metrics-route.ts';

/** Where the metrics of this process are served apart from its API. */
export interface MetricsListenerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Wanted as a bearer token when it is given. */
  readonly token?: string;
  readonly metrics: Metrics;
}

/** A listener that serves `GET /metrics` and nothing else. */
export interface MetricsListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Throws StartupError when it cannot listen there. */
export async function listenForMetrics({
  host,
  port,
  token,
  metrics,
}: MetricsListenerOptions): Promise<MetricsListener> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      answer(request, response, metrics, token).catch(() => response.destroy());
    },
  );
  server.maxConnections = 100;
  try {
    await new Promise<void>((done, failed) => server.once('error', failed).listen({ host, port }, done));
  } catch (cause) {
    throw cannotListen(host, port, cause, { host: 'METRICS_HOST', port: 'METRICS_PORT' });
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  metrics: Metrics,
  token: string | undefined,
): Promise<void> {
  if (url?.split('?', 1)[0] !== '/metrics') {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Only /metrics is served here.\n');
  } else if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD', 'Content-Type': 'text/plain' }).end('Only GET is served here.\n');
  } else {
    const result = await answerMetrics(metrics, token, headers.authorization);
    response.writeHead(result.status, result.headers).end(method === 'GET' ? result.body : undefined);
  }
}
