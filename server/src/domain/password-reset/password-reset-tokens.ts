import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { randomBase62, sha256 } from '../secret.ts';
import { PasswordReset } from './password-reset.entity.ts';

const marker = 'fp_reset_';

/** How long a token works. */
export const resetLifetimeSeconds = 30 * 60;

/** A token, which nobody can read again. */
export interface IssuedReset {
  readonly token: string;
  readonly expiresAt: Date;
}

/** The tokens that set a password: one for each user at most, for one use. */
@Injectable()
export class PasswordResetTokens {
  constructor(private readonly em: EntityManager) {}

  /** Makes a token for the user; the one before works no longer. */
  async issue(userId: string): Promise<IssuedReset> {
    const token = marker + randomBase62(43);
    const expiresAt = new Date(Date.now() + resetLifetimeSeconds * 1000);
    await this.em.fork().execute(
      `insert into password_reset (user_id, hash, expires_at) values (?, ?, ?)
       on conflict (user_id) do update set hash = excluded.hash, expires_at = excluded.expires_at`,
      [userId, sha256(token), expiresAt],
    );
    return { token, expiresAt };
  }

  /** Whether `take` would take it now. */
  async isGood(token: string): Promise<boolean> {
    return (await this.em.fork().count(PasswordReset, liveOf(token))) > 0;
  }

  /** Uses the token up in a transaction, and answers whose it was; undefined when it sets no password. */
  async take(em: EntityManager, token: string): Promise<string | undefined> {
    const found = await em.findOne(PasswordReset, liveOf(token));
    if (!found) return undefined;
    // Of two at once, one finds nothing to delete.
    const taken = await em.nativeDelete(PasswordReset, { hash: found.hash });
    return taken === 1 ? found.user.id : undefined;
  }

  /** Removes those that nobody used in time, and says how many. */
  purge(): Promise<number> {
    return this.em.fork().nativeDelete(PasswordReset, { expiresAt: { $lt: new Date() } });
  }
}

function liveOf(token: string): object {
  return { hash: sha256(token), expiresAt: { $gt: new Date() }, user: { disabledAt: null } };
}
