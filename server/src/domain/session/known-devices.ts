import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { randomBase62, sha256 } from '../secret.ts';
import { normaliseEmail } from '../user/user.entity.ts';
import { KnownDevice } from './known-device.entity.ts';

/** How long a device is known after the last login in it. */
const lifetimeMs = 180 * 24 * 60 * 60 * 1000;
/** Of one user; with one more, the one unused for longest is forgotten. */
const maxPerUser = 20;

/** What a browser keeps to be known again. */
export interface IssuedDevice {
  /** A secret, though it signs nobody in. */
  readonly cookie: string;
  readonly expiresAt: Date;
}

/**
 * The browsers in which users have signed in, so that the logins of their owners are counted apart from the guesses of
 * others (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
 */
@Injectable()
export class KnownDevices {
  constructor(private readonly em: EntityManager) {}

  /** Whether the cookie is of a device of this account. */
  async isOf(email: string, cookie: string): Promise<boolean> {
    const user = { email: normaliseEmail(email) };
    const known = { hash: sha256(cookie), user, expiresAt: { $gt: new Date() } };
    return (await this.em.fork().count(KnownDevice, known)) > 0;
  }

  /** Gives the device a new cookie, which replaces the one it had: a copy of that is worth nothing from then on. */
  async remember(userId: string, presented: string | undefined): Promise<IssuedDevice> {
    const cookie = randomBase62(43);
    const device = { hash: sha256(cookie), expiresAt: new Date(Date.now() + lifetimeMs) };
    await this.em.fork().transactional(async (em) => {
      const replaced = presented === undefined ? undefined : { hash: sha256(presented), user: userId };
      const renewed = replaced ? await em.nativeUpdate(KnownDevice, replaced, device) : 0;
      if (renewed > 0) return;
      await em.insert(KnownDevice, { ...device, user: userId });
      await em.execute(
        `delete from known_device where hash in
           (select hash from known_device where user_id = ? order by expires_at desc, hash offset ?)`,
        [userId, maxPerUser],
      );
    });
    return { cookie, expiresAt: device.expiresAt };
  }

  /** Removes those whose time is over, and says how many. */
  purge(): Promise<number> {
    return this.em.fork().nativeDelete(KnownDevice, { expiresAt: { $lt: new Date() } });
  }
}
