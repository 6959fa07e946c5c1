import { DomainError } from '../domain-error.ts';

/** The presented key is unknown; whether it ever existed is not told. */
export class InvalidApiKeyError extends DomainError {
  override readonly code = 'invalid_api_key';

  constructor() {
    super('The API key is missing or unknown. Send a valid key as "X-API-Key" or "Authorization: Bearer".');
  }
}

/** The key, or this secret of it after a rotation, is past its time. */
export class ExpiredApiKeyError extends DomainError {
  override readonly code = 'expired_api_key';

  constructor(expiredAt: Date) {
    super('The API key has expired. Create or rotate one and use the new secret.', {
      expired_at: expiredAt.toISOString(),
    });
  }
}

/** The key was revoked. */
export class RevokedApiKeyError extends DomainError {
  override readonly code = 'revoked_api_key';

  constructor(revokedAt: Date) {
    super('The API key has been revoked. Create a new one.', { revoked_at: revokedAt.toISOString() });
  }
}

/** Nothing can be changed about a key that has ended. */
export class ApiKeyNotActiveError extends DomainError {
  override readonly code = 'api_key_not_active';

  constructor(id: string, status: 'expired' | 'revoked') {
    super(`API key ${id} is ${status} and stays so. Create a new key instead.`, { resource: 'api_key', id, status });
  }
}

/** The caller lacks scopes, for an operation or to hand them on to a key. */
export class InsufficientScopeError extends DomainError {
  override readonly code = 'insufficient_scope';

  constructor(message: string, requiredScopes: readonly string[], missingScopes: readonly string[]) {
    super(message, { required_scopes: [...requiredScopes], missing_scopes: [...missingScopes] });
  }
}
