import type { EntityManager } from '@mikro-orm/postgresql';
import { ResourceNotFoundError } from '../domain-error.ts';
import { PasswordReset } from '../password-reset/password-reset.entity.ts';
import { forgetAttempts } from '../session/attempts.ts';
import { KnownDevice } from '../session/known-device.entity.ts';
import { Session } from '../session/session.entity.ts';
import { User } from './user.entity.ts';

/** A user whose password was set, and how many sessions that has ended. */
export interface PasswordSet {
  readonly user: User;
  readonly endedSessions: number;
}

/**
 * Stores a new password in a transaction. Whatever let somebody in by the former one ends: sessions, known devices, and a
 * token that would set another password. Attempts to sign in are forgotten, so that the owner gets in however many others have
 * made. Throws ResourceNotFoundError.
 */
export async function storePassword(em: EntityManager, userId: string, passwordHash: string): Promise<PasswordSet> {
  const user = await em.findOne(User, userId, { populate: ['organisation'] });
  if (!user) throw new ResourceNotFoundError('user', userId);
  user.passwordHash = passwordHash;
  await em.flush();
  const live = { user: userId, endedAt: null, expiresAt: { $gt: new Date() } };
  const endedSessions = await em.nativeUpdate(Session, live, { endedAt: new Date(), endReason: 'password_set' });
  await em.nativeDelete(KnownDevice, { user: userId });
  await em.nativeDelete(PasswordReset, { user: userId });
  await forgetAttempts(em, user.email);
  return { user, endedSessions };
}
