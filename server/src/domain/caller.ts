import type { RequestLimits } from './api-key/request-limits.ts';
import type { Scope } from './scope.ts';
import type { Plan } from './organisation/plan.ts';

/** Who is asking: always of one organisation, through an API key or a user's session, with the scopes that are granted. */
export interface Caller {
  readonly organisationId: string;
  /** Set when a user is signed in. */
  readonly userId?: string;
  /** Set when the caller presented an API key. */
  readonly apiKeyId?: string;
  /** Set when a user is signed in. */
  readonly sessionId?: string;
  /** Scopes `resource:action`, bundles already expanded. */
  readonly scopes: readonly string[];
  /** Set when the key has limits of its own. */
  readonly requestLimits?: RequestLimits;
}

/** A caller whose key or session was found just now, and what its organisation has booked. */
export interface AuthenticatedCaller extends Caller {
  readonly scopes: readonly Scope[];
  readonly plan: Plan;
}

/** One name for the key or the user behind a caller, stable over sessions and rotations of the key. */
export function principalOf(caller: Caller): string {
  return caller.apiKeyId ?? caller.userId ?? caller.organisationId;
}
