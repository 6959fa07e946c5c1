import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ApiKeyService } from '../api-key/api-key.service.ts';
import { ApiKey } from '../api-key/api-key.entity.ts';
import type { AuthenticatedCaller, Caller } from '../caller.ts';
import { ResourceNotFoundError } from '../domain-error.ts';
import { Execution } from '../execution/execution.entity.ts';
import { isId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { runPrepared, type PreparedQuery } from '../prepared-query.ts';
import type { Scope } from '../scope.ts';
import { randomBase62, sha256 } from '../secret.ts';
import { InvalidTokenError } from '../session/session.errors.ts';
import { Session } from '../session/session.entity.ts';
import { SessionService } from '../session/session.service.ts';
import { StreamTicket } from './stream-ticket.entity.ts';

const marker = 'fp_ticket_';
const lifetimeMs = 60_000;
/** Whoever made the ticket, with it nothing else can be done. */
const allowed: readonly Scope[] = ['executions:read'];

/** What a connection that comes with a ticket is for. */
export interface StreamTicketTerms {
  /** The only execution that may be followed; undefined for any of the organisation. */
  readonly executionId?: string;
  /** The event after which to begin. */
  readonly after: number;
}

/** A ticket with its text, which nobody can read again. */
export interface IssuedStreamTicket extends StreamTicketTerms {
  readonly ticket: string;
  readonly expiresAt: Date;
}

/** Tickets for connections whose client can send no header, such as those of a page in a browser. */
@Injectable()
export class StreamTicketService {
  constructor(
    private readonly em: EntityManager,
    private readonly apiKeys: ApiKeyService,
    private readonly sessions: SessionService,
  ) {}

  /** Throws ResourceNotFoundError when the caller's organisation has no such execution. */
  async issue(caller: Caller, { executionId, after }: StreamTicketTerms): Promise<IssuedStreamTicket> {
    const { organisationId, apiKeyId, sessionId } = caller;
    if (executionId !== undefined) await this.#assertExists(organisationId, executionId);
    const ticket = marker + randomBase62(32);
    const expiresAt = new Date(Date.now() + lifetimeMs);
    this.em.create(StreamTicket, {
      hash: sha256(ticket),
      organisation: this.em.getReference(Organisation, organisationId),
      apiKey: apiKeyId === undefined ? null : this.em.getReference(ApiKey, apiKeyId),
      session: sessionId === undefined ? null : this.em.getReference(Session, sessionId),
      executionId,
      after,
      expiresAt,
    });
    await this.em.flush();
    return { ticket, executionId, after, expiresAt };
  }

  /**
   * Whose ticket this is, and what it is for; it is used up then. Throws InvalidTokenError for one that is unknown, used
   * or too old, and what the key or the session behind it is refused with.
   */
  async redeem(ticket: string): Promise<{ caller: AuthenticatedCaller; terms: StreamTicketTerms }> {
    const [found] = ticket.startsWith(marker)
      ? await runPrepared<PresentedTicket>(this.em, takeTicket, [sha256(ticket)])
      : [];
    if (!found?.live)
      throw new InvalidTokenError(
        'The ticket is unknown, was used before or is older than a minute. Create a new one.',
      );
    const caller = await this.callerOf({ apiKeyId: found.api_key_id, sessionId: found.session_id });
    const scopes = caller.scopes.filter((scope) => allowed.includes(scope));
    const terms = { executionId: found.execution_id ?? undefined, after: Number(found.after) };
    return { caller: { ...caller, scopes }, terms };
  }

  /** The key or session as it is now. Throws when it has ended. */
  callerOf({ apiKeyId, sessionId }: Nullable<Pick<Caller, 'apiKeyId' | 'sessionId'>>): Promise<AuthenticatedCaller> {
    if (apiKeyId) return this.apiKeys.callerOf(apiKeyId);
    if (sessionId) return this.sessions.callerOfSession(sessionId);
    throw new InvalidTokenError();
  }

  /** Removes tickets that nobody used in time, and says how many. */
  async purge(): Promise<number> {
    return this.em.fork().nativeDelete(StreamTicket, { expiresAt: { $lt: new Date() } });
  }

  async #assertExists(organisationId: string, id: string): Promise<void> {
    const found = isId('exec', id) && (await this.em.count(Execution, { id, organisationId }));
    if (!found) throw new ResourceNotFoundError('execution', id);
  }
}

/** Throws ResourceNotFoundError when the ticket is for another execution; without one everything is allowed. */
export function assertTicketFor(ticket: StreamTicketTerms | undefined, executionId: string): void {
  if (ticket?.executionId === undefined || ticket.executionId === executionId) return;
  throw new ResourceNotFoundError('execution', executionId);
}

type Nullable<T> = { readonly [Key in keyof T]?: T[Key] | null };

interface PresentedTicket {
  api_key_id: string | null;
  session_id: string | null;
  execution_id: string | null;
  after: string;
  live: boolean;
}

const takeTicket: PreparedQuery = {
  name: 'flowpact_take_stream_ticket',
  text: `delete from stream_ticket where hash = $1
    returning api_key_id, session_id, execution_id, after, expires_at > now() as live`,
};
