import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WebSocketServer, type WebSocket } from 'ws';
import { principalOf, RequestFailure } from '#runtime/nest/index.ts';
import { ExecutionEvents } from '../../../domain/execution/execution-events.ts';
import { InvalidTokenError } from '../../../domain/session/session.errors.ts';
import { assertTicketFor } from '../../../domain/stream-ticket/stream-ticket.service.ts';
import type { Principal } from '../../../platform/auth/principal.ts';
import { assertSameOrigin } from '../../../platform/auth/same-origin.ts';
import { Config } from '../../../platform/config/config.ts';
import { Metrics } from '../../../platform/telemetry/metrics.ts';
import { closeCodes, LiveConnection } from './live-connection.ts';
import { OpenConnections } from './open-connections.ts';
import { handshakeProblem, routeUpgrades, takeSocket, upgraded, upgradeOf } from './live-upgrade.ts';

const messageLimit = 16 * 1024;
/** Milliseconds that clients get to answer a close when the server stops. */
const closeGrace = 1_000;

type FollowRequest = FastifyRequest<{ Params: { execution_id: string } }>;

/** The WebSockets of `spec/platform/asyncapi.yaml`, on the port of everything else. */
@Injectable()
export class LiveGateway implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('Live');
  private readonly server = new WebSocketServer({ noServer: true, clientTracking: false, maxPayload: messageLimit });
  private readonly connections = new Set<LiveConnection>();
  private pings: NodeJS.Timeout | undefined;

  constructor(
    private readonly http: HttpAdapterHost,
    private readonly events: ExecutionEvents,
    private readonly open: OpenConnections,
    private readonly config: Config,
    metrics: Metrics,
  ) {
    metrics.watchLiveConnections(() => this.connections.size);
  }

  onModuleInit(): void {
    const instance = this.http.httpAdapter.getInstance<FastifyInstance>();
    const config = { admittedBy: 'streamExecutionEvents' };
    instance.get('/ws/executions/:execution_id', { config }, (request, reply) =>
      this.followOne(request as FollowRequest, reply),
    );
    instance.get('/ws', { config }, (request, reply) => this.followMany(request, reply));
    routeUpgrades(instance);
    this.pings = setInterval(() => this.round(), this.config.settings.LIVE_PING_INTERVAL * 1_000).unref();
  }

  /** Clients are told to come back, which they can at once: another process serves them from the same log. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.pings);
    for (const connection of this.connections)
      connection.close(closeCodes.goingAway, 'The server stops. Connect again.');
    const deadline = Date.now() + closeGrace;
    while (this.connections.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const connection of this.connections) connection.terminate();
  }

  private async followOne(request: FollowRequest, reply: FastifyReply): Promise<unknown> {
    const principal = this.admit(request);
    const id = request.params.execution_id;
    const after = readQuery(request, ['ticket', 'after']) ?? principal.ticket?.after ?? 0;
    assertTicketFor(principal.ticket, id);
    const controller = new AbortController();
    const feed = await this.events.follow(principal.organisationId, id, after, controller.signal);
    return this.upgrade(request, reply, principal, (connection) => connection.followOnly(id, after, feed, controller));
  }

  private async followMany(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const principal = this.admit(request);
    readQuery(request, ['ticket']);
    return this.upgrade(request, reply, principal, () => undefined);
  }

  /** What holds for both addresses and is not in the operation whose security they share. */
  private admit(request: FastifyRequest): Principal {
    const principal = principalOf<Principal>(request);
    const problem = handshakeProblem(request.raw);
    if (problem) throw invalid({ ...problem, location: 'header' });
    if (principal.method === 'session_cookie') this.assertOwnPage(request);
    return principal;
  }

  /** A browser sends the cookie with the handshake of any site's page, and CORS does not hold for WebSockets. */
  private assertOwnPage({ headers }: FastifyRequest): void {
    const { CORS_ORIGINS, PUBLIC_URL } = this.config.settings;
    const trusted = PUBLIC_URL === undefined ? CORS_ORIGINS : [...CORS_ORIGINS, new URL(PUBLIC_URL).origin];
    try {
      assertSameOrigin({ method: 'CONNECT', origin: headers.origin, host: headers.host }, trusted);
    } catch {
      throw new InvalidTokenError(
        'A session cookie opens no WebSocket for a page of another site. Use a ticket there.',
      );
    }
  }

  private async upgrade(
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal,
    begin: (connection: LiveConnection) => void,
  ): Promise<FastifyReply> {
    let made: LiveConnection | undefined;
    const end = (): void => made?.close(closeCodes.refused, 'The credentials have ended.');
    const release = await this.open.admit({ principal, end });
    const upgrade = upgradeOf(request.raw)!;
    if (upgrade.socket.destroyed) release();
    else upgrade.socket.once('close', release);
    reply.hijack();
    takeSocket(reply.raw, upgrade);
    this.server.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (socket: WebSocket) => {
      const fault = (err: unknown): void =>
        this.logger.error({ err, request_id: request.id }, 'A live connection ended for a fault');
      const connection = new LiveConnection(socket, principal, this.events, fault);
      made = connection;
      this.connections.add(connection);
      upgraded(reply.raw);
      socket.on('close', () => this.connections.delete(connection));
      begin(connection);
    });
    return reply;
  }

  /** Everybody is asked for a sign of life. */
  private round(): void {
    for (const connection of this.connections) connection.ping();
  }
}

/** `after`, where it is given; throws for parameters that are not in the list. */
function readQuery({ raw }: FastifyRequest, known: readonly string[]): number | undefined {
  const query = new URL(raw.url ?? '/', 'ws://localhost').searchParams;
  const problem = (field: string, message: string): RequestFailure => invalid({ field, message, location: 'query' });
  for (const name of query.keys()) if (!known.includes(name)) throw problem(name, 'is not known');
  const after = query.getAll('after');
  if (after.length === 0) return undefined;
  if (after.length === 1 && /^\d{1,16}$/.test(after[0]!) && Number.isSafeInteger(Number(after[0])))
    return Number(after[0]);
  throw problem('after', 'must be the sequence of an event: a whole number from 0');
}

function invalid(error: { field: string; message: string; location: 'header' | 'query' }): RequestFailure {
  const details = { errors: [error] };
  return new RequestFailure('validation', `${error.field} ${error.message}.`, { details });
}
