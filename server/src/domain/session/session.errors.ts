import { DomainError } from '../domain-error.ts';

/** Unknown address, wrong password or disabled account: one answer for all, so that nobody can find out who has one. */
export class InvalidCredentialsError extends DomainError {
  override readonly code = 'invalid_credentials';

  constructor() {
    super('The email address or the password is wrong.');
  }
}

/** A token that is malformed, forged, used twice, or whose session has ended. */
export class InvalidTokenError extends DomainError {
  override readonly code = 'invalid_token';

  constructor(message = 'The token is not valid. Log in again.', options?: ErrorOptions) {
    super(message, {}, options);
  }
}

/** A genuine token past its time. */
export class ExpiredTokenError extends DomainError {
  override readonly code = 'expired_token';

  constructor(message = 'The access token has expired. Refresh it.', options?: ErrorOptions) {
    super(message, {}, options);
  }
}

/** Too many logins for one account or from one address; `retry_after` in seconds. */
export class LoginThrottledError extends DomainError {
  override readonly code = 'rate_limit_exceeded';

  constructor(limit: number, windowSeconds: number, retryAfterSeconds: number) {
    super(`Too many login attempts. Try again in ${retryAfterSeconds} seconds.`, {
      limit,
      window: `${windowSeconds}s`,
      retry_after: retryAfterSeconds,
    });
  }
}
