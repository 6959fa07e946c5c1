import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type RequestContext, RequestFailure } from '#runtime/nest/index.ts';
import { DomainError } from '../../../domain/domain-error.ts';
import { liveConnections } from '../../../domain/organisation/plan.ts';
import { StreamTicketService } from '../../../domain/stream-ticket/stream-ticket.service.ts';
import type { Principal } from '../../../platform/auth/principal.ts';
import { Config } from '../../../platform/config/config.ts';
import { LiveSlots } from '../../../platform/rate-limit/live-slots.ts';

/** Seconds after which a refused connection may be tried again. */
const retryAfter = 30;
const scope = 'executions:read';

/** One WebSocket or event stream. */
export interface OpenConnection {
  readonly principal: Principal;
  /** Called each time that the key or session is found to have ended. */
  end(): void;
}

/** What is open to this process: admitted within the plan of its organisation, and only as long as its credentials last. */
@Injectable()
export class OpenConnections implements OnModuleInit, BeforeApplicationShutdown {
  readonly #open = new Set<OpenConnection>();
  #admitted = 0;
  #checks: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(
    private readonly slots: LiveSlots,
    private readonly tickets: StreamTicketService,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.#checks = setInterval(() => this.#check(), this.config.settings.LIVE_PING_INTERVAL * 1_000).unref();
  }

  beforeApplicationShutdown(): void {
    this.#closing = true;
    clearInterval(this.#checks);
  }

  /**
   * Admits a connection, which counts until `release`. Throws RequestFailure: `rate_limited` when the organisation has as
   * many open as its plan allows, `unavailable` when this process takes no more.
   */
  async admit(connection: OpenConnection): Promise<() => void> {
    const headers = { 'Retry-After': String(retryAfter) };
    if (this.#closing || this.#admitted >= this.config.settings.LIVE_CONNECTIONS)
      throw new RequestFailure('unavailable', 'This server takes no more live connections now.', { headers });
    this.#admitted += 1;
    try {
      const slot = await this.slots.take(connection.principal);
      if (!slot) throw tooMany(liveConnections[connection.principal.plan], headers);
      this.#open.add(connection);
      return () => {
        if (this.#open.delete(connection)) this.#admitted -= 1;
        slot.release();
      };
    } catch (error) {
      this.#admitted -= 1;
      throw error;
    }
  }

  /**
   * Admits an event stream, the answer to this request, and tells when it has to end. Throws what `admit` throws. Should a
   * client not read what is under way when the stream has to end, it is cut off.
   */
  async openStream(principal: Principal, { reply: { raw }, signal }: RequestContext): Promise<AbortSignal> {
    const ending = new AbortController();
    const end = (): void => void (ending.signal.aborted ? raw.destroy() : ending.abort());
    const release = await this.admit({ principal, end });
    if (raw.destroyed) release();
    else raw.once('close', release);
    return AbortSignal.any([signal, ending.signal]);
  }

  /** Whose key or session has ended has to go. */
  #check(): void {
    const byCredential = Map.groupBy(this.#open, ({ principal }) => principal.apiKeyId ?? principal.sessionId ?? '');
    for (const connections of byCredential.values()) void this.#checkAll(connections);
  }

  async #checkAll(connections: readonly OpenConnection[]): Promise<void> {
    try {
      const { scopes } = await this.tickets.callerOf(connections[0]!.principal);
      if (scopes.includes(scope)) return;
    } catch (error) {
      // Without the database nobody can say; the next round asks again.
      if (!(error instanceof DomainError)) return;
    }
    for (const connection of connections) connection.end();
  }
}

function tooMany(limit: number, headers: Readonly<Record<string, string>>): RequestFailure {
  const details = { limit, window: 'open connections', retryAfter, applies_to: 'organisation' };
  const message = `The plan has ${limit} live connections at a time, WebSockets and event streams together. Close one first.`;
  return new RequestFailure('rate_limited', message, { details, headers });
}
