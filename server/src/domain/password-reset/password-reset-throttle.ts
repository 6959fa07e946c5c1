import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sha256 } from '../secret.ts';
import { attemptWindowSeconds, countAttempt, subjectOfAccount, subjectOfBoth } from '../session/attempts.ts';
import { KnownLogin } from '../session/known-login.entity.ts';
import { PasswordResetThrottledError } from './password-reset.errors.ts';

/** Mails to one account. */
const requestsPerAccount = 3;
/** Higher than for an account, because a whole office can share an address. */
const requestsPerAddress = 20;

/** Counts requests for mails in the database, so that all processes see the same number. */
@Injectable()
export class PasswordResetThrottle {
  constructor(private readonly em: EntityManager) {}

  /**
   * Counts a request, as LoginThrottle counts logins: those from all addresses that the account does not know together, so
   * that nobody fills a mailbox; those from each that it knows by themselves, so that nobody keeps its owner waiting.
   * Accounts that do not exist are counted alike. Throws PasswordResetThrottledError.
   */
  async admit(email: string, address: string): Promise<void> {
    const both = subjectOfBoth(email, address);
    const account = subjectOfAccount(email);
    const known = await this.em.fork().count(KnownLogin, { subject: both });
    const exceeded = await countAttempt(this.em, [
      { subject: sha256(`reset:${known ? both : account}`), attempts: requestsPerAccount, account },
      { subject: sha256(`reset address:${address}`), attempts: requestsPerAddress },
    ]);
    if (!exceeded) return;
    throw new PasswordResetThrottledError(exceeded.attempts, attemptWindowSeconds, exceeded.retryAfterSeconds);
  }
}
