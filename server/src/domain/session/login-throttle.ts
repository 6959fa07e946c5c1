import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sha256 } from '../secret.ts';
import { normaliseEmail } from '../user/user.entity.ts';
import { KnownLogin } from './known-login.entity.ts';
import { LoginAttempt } from './login-attempt.entity.ts';
import { LoginThrottledError } from './session.errors.ts';

const windowSeconds = 15 * 60;
const attemptsPerAccount = 10;
const attemptsPerDevice = 10;
/** How long an address is known after the last login from it. */
const knownDays = 90;
/** Higher than for an account, because a whole office can share an address. */
const attemptsPerAddress = 100;

interface Counted {
  subject: string;
  attempts: number;
  retry_after: number;
}

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
    const limits =
      device === undefined
        ? await this.limitsWithout(email, address)
        : new Map([[subjectOfDevice(device), attemptsPerDevice]]);
    for (const { subject, attempts, retry_after } of await this.count([...limits.keys()])) {
      const limit = limits.get(subject)!;
      if (attempts > limit) throw new LoginThrottledError(limit, windowSeconds, retry_after);
    }
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
      await this.em.fork().upsert(KnownLogin, { subject: both, lastUsedAt: new Date() });
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

  /** Removes what is out of its window, and says how many rows that were. */
  async purge(): Promise<number> {
    const ended = new Date(Date.now() - windowSeconds * 1000);
    const unused = new Date(Date.now() - knownDays * 24 * 60 * 60 * 1000);
    await this.em.fork().nativeDelete(KnownLogin, { lastUsedAt: { $lt: unused } });
    return this.em.fork().nativeDelete(LoginAttempt, { windowStart: { $lt: ended } });
  }

  private async limitsWithout(email: string, address: string): Promise<Map<string, number>> {
    const known = await this.em.fork().count(KnownLogin, { subject: subjectOfBoth(email, address) });
    return new Map([
      [known ? subjectOfBoth(email, address) : subjectOfAccount(email), attemptsPerAccount],
      [subjectOfAddress(address), attemptsPerAddress],
    ]);
  }

  private async count(subjects: string[]): Promise<Counted[]> {
    // Sorted, so that two logins lock their rows in the same order.
    const rows = subjects.toSorted().map(() => '(?, now(), 1)');
    // A fork: the count stays also when the transaction around the login is rolled back.
    return this.em.fork().execute<Counted[]>(
      `insert into login_attempt as l (subject, window_start, attempts) values ${rows.join(', ')}
       on conflict (subject) do update set
         attempts = case when l.window_start > now() - ?::interval then l.attempts + 1 else 1 end,
         window_start = case when l.window_start > now() - ?::interval then l.window_start else now() end
       returning subject, attempts,
         greatest(1, ceil(extract(epoch from window_start + ?::interval - now())))::int as retry_after`,
      [...subjects.toSorted(), ...Array.from({ length: 3 }, () => `${windowSeconds} seconds`)],
    );
  }
}

function subjectOfBoth(email: string, address: string): string {
  return sha256(`known:${normaliseEmail(email)}\0${address}`);
}

function subjectOfDevice(device: string): string {
  return sha256(`device:${device}`);
}

function subjectOfAddress(address: string): string {
  return sha256(`address:${address}`);
}

function subjectOfAccount(email: string): string {
  return sha256(`account:${normaliseEmail(email)}`);
}
