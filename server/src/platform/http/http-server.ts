import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { clientAddress } from '../auth/client-address.ts';
import type { Settings } from '../config/config.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** How often Node looks for requests that are late; by default every half a minute, however short the time is. */
const checkEveryMs = 1_000;
/** Of what a client has to send its request, its head has this much at most. */
const headMs = 60_000;
/** For how long a connection without a request is kept. */
const keepAliveMs = 72_000;

type ConnectionSettings = Pick<
  Settings,
  'REQUEST_TIMEOUT' | 'MAX_CONNECTIONS' | 'MAX_CONNECTIONS_PER_ADDRESS' | 'TRUST_PROXY'
>;

/**
 * Makes HTTP servers that bound how many connections are open, of all clients and of one address, and how long a client
 * may take to send a request. One server may listen on several addresses, each with a server of its own here.
 */
export function boundedServers(settings: ConnectionSettings, metrics: Metrics): (handler: RequestListener) => Server {
  const requestTimeout = settings.REQUEST_TIMEOUT * 1_000;
  const connections = new Connections(settings, metrics);
  return (handler) => {
    const options = {
      requestTimeout,
      headersTimeout: Math.min(headMs, requestTimeout),
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: checkEveryMs,
    };
    return createServer(options, handler).on('connection', (socket: Socket) => connections.opened(socket));
  };
}

/** The connections that are open. */
class Connections {
  private open = 0;
  private readonly byAddress = new Map<string, number>();
  private readonly maxOpen: number;
  private readonly maxOfAddress: number;
  private readonly refused: ReturnType<Metrics['counter']>;

  constructor(
    { MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS, TRUST_PROXY }: ConnectionSettings,
    metrics: Pick<Metrics, 'gauge' | 'counter'>,
  ) {
    this.maxOpen = MAX_CONNECTIONS;
    // Those of all clients come from the addresses of proxies.
    this.maxOfAddress = TRUST_PROXY === false ? MAX_CONNECTIONS_PER_ADDRESS : Infinity;
    metrics.gauge('http_connections', 'Connections of clients that are open.', [], () => [{ value: this.open }]);
    this.refused = metrics.counter(
      'http_connections_refused_total',
      'Connections that were closed at once, because all together or one address had as many as they may.',
      ['bound'],
    );
  }

  /** Counts a connection until it is closed, or closes it. */
  opened(socket: Socket): void {
    const address = clientAddress(socket.remoteAddress ?? '');
    const ofAddress = this.byAddress.get(address) ?? 0;
    if (this.open >= this.maxOpen) return this.refuse(socket, 'all');
    if (ofAddress >= this.maxOfAddress) return this.refuse(socket, 'address');
    this.open += 1;
    this.byAddress.set(address, ofAddress + 1);
    socket.once('close', () => this.closed(address));
  }

  /** Without an answer, which would cost more than the connection. */
  private refuse(socket: Socket, bound: 'all' | 'address'): void {
    this.refused.inc({ bound });
    socket.destroy();
  }

  private closed(address: string): void {
    this.open -= 1;
    const rest = this.byAddress.get(address)! - 1;
    if (rest > 0) this.byAddress.set(address, rest);
    else this.byAddress.delete(address);
  }
}
