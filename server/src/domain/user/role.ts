import { scopes, type Scope } from '../scope.ts';

/** What a user may do in the organisation. */
export const roles = ['owner', 'admin', 'member', 'viewer'] as const;

/** One of `roles`; the most powerful first. */
export type Role = (typeof roles)[number];

/** Owners and admins may do everything, members everything but manage keys, viewers only read. */
export function scopesOfRole(role: Role): readonly Scope[] {
  switch (role) {
    case 'owner':
    case 'admin':
      return scopes;
    case 'member':
      return scopes.filter((scope) => scope !== 'api-keys:write');
    case 'viewer':
      return scopes.filter((scope) => scope.endsWith(':read'));
  }
}
