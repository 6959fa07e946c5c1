import type * as contract from '#generated/platform/index.ts';
import type { Organisation } from '../../../domain/organisation/organisation.entity.ts';
import type { IssuedSession } from '../../../domain/session/session.service.ts';
import type { User } from '../../../domain/user/user.entity.ts';
import type { Principal } from '../../../platform/auth/principal.ts';

export function toTokenPair(issued: IssuedSession): contract.TokenPair {
  return {
    access_token: issued.accessToken,
    token_type: 'Bearer',
    expires_in: issued.accessTokenLifetime,
    expires_at: issued.accessTokenExpiresAt.toISOString(),
    refresh_token: issued.refreshToken,
    refresh_expires_at: issued.session.expiresAt.toISOString(),
    user: toUser(issued.user),
  };
}

export function toCurrentUser(
  caller: Principal,
  organisation: Organisation,
  user: User | undefined,
): contract.CurrentUser {
  return {
    method: caller.method,
    user: user ? toUser(user) : null,
    organisation: toOrganisation(organisation),
    scopes: [...caller.scopes],
    api_key_id: caller.apiKeyId ?? null,
    session_id: caller.sessionId ?? null,
  };
}

export function toUser({ id, email, name, role, createdAt }: User): contract.User {
  return { id, email, name, role, created_at: createdAt.toISOString() };
}

export function toOrganisation({ id, name, plan, createdAt }: Organisation): contract.Organisation {
  return { id, name, plan, created_at: createdAt.toISOString() };
}
