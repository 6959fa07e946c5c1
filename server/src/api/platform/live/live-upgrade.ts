import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** What a handler needs to answer an upgrade with a connection. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The upgrade to a WebSocket that a request asks for; undefined for an ordinary request. */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return upgrades.get(request);
}

/**
 * Sends requests for a WebSocket through Fastify's router like any other, so that the hooks of the route decide about
 * them and a refusal is an ordinary HTTP answer. Requests to change to other protocols are answered as if they had not
 * asked (RFC 9110 section 7.8).
 */
export function routeUpgrades({ server, routing }: Pick<FastifyInstance, 'server' | 'routing'>): void {
  Object.assign(server, { shouldUpgradeCallback: isWebSocket });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Whoever goes away before the answer is missed by nobody.
    socket.on('error', () => socket.destroy());
    upgrades.set(request, { socket, head });
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.on('finish', () => {
      response.detachSocket(socket as Socket);
      socket.end();
    });
    routing(request, response);
  });
}

/** Leaves the socket to the WebSocket that it becomes. */
export function takeSocket(response: ServerResponse, { socket }: Upgrade): void {
  response.detachSocket(socket as Socket);
}

/** What is wrong with the handshake, by RFC 6455 section 4.2.1; undefined for a good one. */
export function handshakeProblem(request: IncomingMessage): { field: string; message: string } | undefined {
  if (!upgrades.has(request)) return { field: 'Upgrade', message: 'must be websocket: this address is for WebSockets' };
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  if (key === undefined || !/^[+/0-9A-Za-z]{22}==$/.test(key)) {
    return { field: 'Sec-WebSocket-Key', message: 'must be 16 bytes in Base64' };
  }
  return version === '13' ? undefined : { field: 'Sec-WebSocket-Version', message: 'must be 13' };
}

function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}
