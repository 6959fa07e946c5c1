import { defineEntity, p } from '@mikro-orm/core';
import { Organisation } from '../organisation/organisation.entity.ts';
import { User } from '../user/user.entity.ts';
import { ApiKeyNotActiveError } from './api-key.errors.ts';
import type { RequestLimits } from './request-limits.ts';
import { expandGrants, isBundleName, type BundleName, type Grant, type Scope } from '../scope.ts';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  indexes: [{ properties: ['organisation', 'createdAt', 'id'] }],
  properties: {
    id: p.text().primary(),
    organisation: () => p.manyToOne(Organisation).deleteRule('cascade'),
    createdBy: () => p.manyToOne(User).nullable().deleteRule('set null'),
    name: p.text(),
    description: p.text().nullable(),
    /** Beginning of the newest secret, enough to recognise it by. */
    prefix: p.text(),
    grants: p.json<Grant[]>(),
    /** Null where only the plan of the organisation limits the key. */
    requestsPerMinute: p.integer().nullable(),
    requestsPerDay: p.integer().nullable(),
    expiresAt: p.datetime(3).nullable(),
    revokedAt: p.datetime(3).nullable(),
    rotatedAt: p.datetime(3).nullable(),
    previousSecretExpiresAt: p.datetime(3).nullable(),
    /** At most a minute behind. */
    lastUsedAt: p.datetime(3).nullable(),
    createdAt: p.datetime(3).onCreate(() => new Date()),
    updatedAt: p
      .datetime(3)
      .onCreate(() => new Date())
      .onUpdate(() => new Date()),
  },
});

/** How a key stands now; a revoked key is `revoked` whether or not it has also expired. */
export type ApiKeyStatus = 'active' | 'expired' | 'revoked';

/** Access for a program. The key keeps its id while its secrets come and go by rotation. */
export class ApiKey extends ApiKeySchema.class {
  status(now = new Date()): ApiKeyStatus {
    if (this.revokedAt) return 'revoked';
    return this.expiresAt && this.expiresAt <= now ? 'expired' : 'active';
  }

  /** Bundles expanded. */
  scopes(): Scope[] {
    return expandGrants(this.grants);
  }

  requestLimits(): RequestLimits {
    return { perMinute: this.requestsPerMinute ?? null, perDay: this.requestsPerDay ?? null };
  }

  /** Takes effect at the next request. */
  limitRequests({ perMinute, perDay }: RequestLimits): void {
    this.requestsPerMinute = perMinute;
    this.requestsPerDay = perDay;
  }

  bundles(): BundleName[] {
    return this.grants.filter(isBundleName);
  }

  /** Until when secrets of before the last rotation work; undefined when none does any more. */
  overlapEndsAt(now = new Date()): Date | undefined {
    const end = this.previousSecretExpiresAt;
    return end && end > now ? end : undefined;
  }

  /** Ends the key for good; a second time changes nothing. */
  revoke(now = new Date()): void {
    this.revokedAt ??= now;
  }

  /** Throws ApiKeyNotActiveError for a revoked key, which nothing brings back. */
  assertNotRevoked(): void {
    if (this.revokedAt) throw new ApiKeyNotActiveError(this.id, 'revoked');
  }

  /** Throws ApiKeyNotActiveError for a key that is revoked or expired. */
  assertActive(now = new Date()): void {
    const status = this.status(now);
    if (status !== 'active') throw new ApiKeyNotActiveError(this.id, status);
  }
}

ApiKeySchema.setClass(ApiKey);
