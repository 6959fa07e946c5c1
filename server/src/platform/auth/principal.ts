import type { AuthenticatedCaller } from '../../domain/caller.ts';
import type { StreamTicketTerms } from '../../domain/stream-ticket/stream-ticket.service.ts';

/** How callers proved who they are. */
export type AuthenticationMethod = 'api_key' | 'access_token' | 'session_cookie';

/** What the authenticators find out, for the runtime, the rate limits and the controllers. */
export interface Principal extends AuthenticatedCaller {
  readonly method: AuthenticationMethod;
  /** What a ticket is for; undefined for callers who came without one. */
  readonly ticket?: StreamTicketTerms;
}
