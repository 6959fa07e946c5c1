import { DomainError } from '../domain-error.ts';
import { InvalidTokenError } from '../session/session.errors.ts';

/** A token that is wrong, expired, used or replaced: one answer for all. */
export class InvalidResetTokenError extends InvalidTokenError {
  constructor() {
    super(
      'This token sets no password: it is wrong, expired, used already or replaced by a newer one. Ask for another mail.',
    );
  }
}

/** The operator has set up no mail server. */
export class MailNotConfiguredError extends DomainError {
  override readonly code = 'mail_not_configured';

  constructor() {
    super('This installation sends no mail. Ask whoever runs it for a link that sets your password.');
  }
}

/** Too many mails for one account or from one address; `retry_after` in seconds. */
export class PasswordResetThrottledError extends DomainError {
  override readonly code = 'rate_limit_exceeded';

  constructor(limit: number, windowSeconds: number, retryAfterSeconds: number) {
    super(`Too many mails were asked for. Look for those that came, or try again in ${retryAfterSeconds} seconds.`, {
      limit,
      window: `${windowSeconds}s`,
      retry_after: retryAfterSeconds,
    });
  }
}
