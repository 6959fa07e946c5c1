import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** What a handler needs to answer an upgrade with a connection. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
  /** Ends the socket when the response has been sent. */
  readonly end: () => void;
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
    const response = new ServerResponse(request);
    const end = (): void => {
      response.detachSocket(socket as Socket);
      socket.end();
    };
    upgrades.set(request, { socket, head, end });
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.on('finish', end);
    routing(request, response);
  });
}

/** Leaves the socket to the WebSocket that it becomes. */
export function takeSocket(response: ServerResponse, { socket, end }: Upgrade): void {
  response.off('finish', end);
  response.detachSocket(socket as Socket);
}

/** Tells whoever counts and logs answers that this one was a connection. */
export function upgraded(response: ServerResponse): void {
  response.statusCode = 101;
  response.emit('finish');
}

/** What is wrong with the handshake, by RFC 6455 section 4.2.1; undefined for a good one. */
export function handshakeProblem(request: IncomingMessage): { field: string; message: string } | undefined {
  if (!upgrades.has(request)) return { field: 'Upgrade', message: 'must be websocket: this address is for WebSockets' };
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  const protocols = request.headers['sec-websocket-protocol'];
  if (key === undefined || !/^[+/0-9A-Za-z]{22}==$/.test(key)) {
    return { field: 'Sec-WebSocket-Key', message: 'must be 16 bytes in Base64' };
  }
  if (version !== '13') return { field: 'Sec-WebSocket-Version', message: 'must be 13' };
  if (protocols === undefined || areTokens(protocols.split(','))) return undefined;
  return { field: 'Sec-WebSocket-Protocol', message: 'must be different tokens with commas between them' };
}

function areTokens(list: readonly string[]): boolean {
  const tokens = list.map((token) => token.trim());
  return new Set(tokens).size === tokens.length && tokens.every((token) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(token));
}

function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}
