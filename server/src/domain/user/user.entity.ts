import { defineEntity, p } from '@mikro-orm/core';
import type { Scope } from '../scope.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { roles, scopesOfRole } from './role.ts';

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'user_account',
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade').index(),
    /** Lower case; one account per address over all organisations, because people log in with nothing else. */
    email: p.text().unique(),
    name: p.text(),
    role: p.enum(roles),
    passwordHash: p.text().hidden(),
    disabledAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p
      .datetime(3)
      .onCreate(() => new Date())
      .onUpdate(() => new Date()),
  },
});

/** A person of an organisation. */
export class User extends UserSchema.class {
  /** What the user may do now; a change of role takes effect at the next request. */
  scopes(): readonly Scope[] {
    return scopesOfRole(this.role);
  }

  isActive(): boolean {
    return !this.disabledAt;
  }
}

UserSchema.setClass(User);

/** The form in which addresses are stored and compared. */
export function normaliseEmail(email: string): string {
  return email.trim().toLowerCase();
}
