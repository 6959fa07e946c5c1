import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sha256 } from '../secret.ts';
import { type AttemptLimit, attemptWindowSeconds, countAttempt, subjectOfAccount, subjectOfBoth } from './attempts.ts';
import { KnownLogin } from './known-login.entity.ts';
import { LoginAttempt } from './login-attempt.entity.ts';
import { LoginThrottledError } from './session.errors.ts';

const attemptsPerAccount = 10;
const attemptsPerDevice = 10;
/** How long an address is known after the last login from it. */
const knownDays = 90;
/** Higher than for an account, because a whole office can share an address. */
const attemptsPerAddress = 100;

/** Counts logins in the database, so that all processes see the same number. */
@Injectable()
export class LoginThrottle {
  constructor(private readonly em: EntityManager) {}

  /**
   * Counts an attempt before the password is looked at, so that many at once cannot slip through. Attempts from all
   * addresses that the account does not know are counted together; those from each that it knows by themselves, so that
   * nobody elsewhere keeps its owner out; and those from a device that it knows by nothing but the device, so that nobody at
   * the same address does. Throws LoginThrottledError. Accounts that do not exist are counted alike.
   */
  async admit(email: string, address: string, device?: string): Promise<void> {
    const limits = device === undefined ? await this.limitsWithout(email, address) : [limitOfDevice(device)];
    const exceeded = await countAttempt(this.em, limits);
    if (exceeded) throw new LoginThrottledError(exceeded.attempts, attemptWindowSeconds, exceeded.retryAfterSeconds);
  }

  /**
   * After a login that worked the account knows the address, and starts anew with it. The address gets back this one attempt
   * and no more, or whoever has one account could go on guessing at the others. What others have tried meanwhile from
   * elsewhere is forgiven only where this address was elsewhere itself. For a device that was known all this is not so: it
   * was counted by itself.
   */
  async forgive(email: string, address: string, device?: string): Promise<void> {
    const both = subjectOfBoth(email, address);
    if (device !== undefined) {
      await this.em.fork().nativeDelete(LoginAttempt, { subject: subjectOfDevice(device) });
      await this.know(email, address);
      return;
    }
    await this.em.fork().execute(
      `with known as (select 1 from known_login where subject = ?),
       remembered as (
         insert into known_login (subject, last_used_at) values (?, now())
         on conflict (subject) do update set last_used_at = excluded.last_used_at
       ),
       forgotten as (
         delete from login_attempt where subject = case when exists (select 1 from known) then ? else ? end
       )
       update login_attempt set attempts = attempts - 1 where subject = ?`,
      [both, both, both, subjectOfAccount(email), subjectOfAddress(address)],
    );
  }

  /** The account knows the address from now on, as after a login: whoever came from there has proved to be its owner. */
  async know(email: string, address: string): Promise<void> {
    await this.em.fork().upsert(KnownLogin, { subject: subjectOfBoth(email, address), lastUsedAt: new Date() });
  }

  /** Removes what is out of its window, and says how many rows that were. */
  async purge(): Promise<number> {
    const ended = new Date(Date.now() - attemptWindowSeconds * 1000);
    const unused = new Date(Date.now() - knownDays * 24 * 60 * 60 * 1000);
    await this.em.fork().nativeDelete(KnownLogin, { lastUsedAt: { $lt: unused } });
    return this.em.fork().nativeDelete(LoginAttempt, { windowStart: { $lt: ended } });
  }

  private async limitsWithout(email: string, address: string): Promise<AttemptLimit[]> {
    const both = subjectOfBoth(email, address);
    const account = subjectOfAccount(email);
    const known = await this.em.fork().count(KnownLogin, { subject: both });
    return [
      { subject: known ? both : account, attempts: attemptsPerAccount, account },
      { subject: subjectOfAddress(address), attempts: attemptsPerAddress },
    ];
  }
}

function limitOfDevice(device: string): AttemptLimit {
  return { subject: subjectOfDevice(device), attempts: attemptsPerDevice };
}

function subjectOfDevice(device: string): string {
  return sha256(`device:${device}`);
}

function subjectOfAddress(address: string): string {
  return sha256(`address:${address}`);
}
