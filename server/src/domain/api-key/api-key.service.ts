import { EntityManager, LockMode, type FindOneOptions } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuthenticatedCaller, Caller } from '../caller.ts';
import { ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { checkStorable } from '../storable.ts';
import { isId, newId } from '../id.ts';
import { isWriteRefused } from '../passing-error.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { activeApiKeys, type Plan } from '../organisation/plan.ts';
import { takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { runPrepared, type PreparedQuery } from '../prepared-query.ts';
import { sha256 } from '../secret.ts';
import { User } from '../user/user.entity.ts';
import { ApiKeySecret } from './api-key-secret.entity.ts';
import { looksLikeApiKey, mintSecret } from './api-key-text.ts';
import { ApiKey, type ApiKeyStatus } from './api-key.entity.ts';
import {
  ExpiredApiKeyError,
  InsufficientScopeError,
  InvalidApiKeyError,
  RevokedApiKeyError,
} from './api-key.errors.ts';
import { requestLimits, type RequestLimitsChange } from './request-limits.ts';
import { expandGrants, isBundleName, type BundleName, type Grant, type Scope } from '../scope.ts';

/** How often the time of last use is written, so that a busy key costs one write a minute and not one a request. */
const lastUsedGranularityMs = 60_000;

/** What a caller asks for; together `scopes` and `bundles` name at least one grant. */
export interface NewApiKey {
  readonly name: string;
  readonly description?: string | null;
  /** At least one. */
  readonly scopes?: readonly Scope[];
  readonly bundles?: readonly BundleName[];
  /** Absent or null: until it is revoked. */
  readonly expiresAt?: Date | null;
  /** Absent: only the plan limits it. */
  readonly requestLimits?: RequestLimitsChange | undefined;
}

/** What is absent stays as it is. */
export type ApiKeyChange = Partial<NewApiKey>;

/** A key together with its new secret, which nobody can read again. */
export interface ApiKeyWithSecret {
  readonly apiKey: ApiKey;
  readonly secret: string;
}

/** A page of keys, of one status where it is given. */
export interface ApiKeyQuery extends PageRequest {
  readonly status?: ApiKeyStatus;
}

/** The API keys of an organisation. */
@Injectable()
export class ApiKeyService {
  constructor(private readonly em: EntityManager) {}

  /** Newest first. */
  async list(organisationId: string, query: ApiKeyQuery): Promise<Page<ApiKey>> {
    const [items, total] = await this.em.findAndCount(
      ApiKey,
      { organisation: organisationId, ...whereStatus(query.status) },
      { orderBy: { createdAt: 'desc', id: 'desc' }, ...rangeOf(query) },
    );
    return { items, total };
  }

  /** Throws ResourceNotFoundError. */
  get(organisationId: string, id: string): Promise<ApiKey> {
    return find(this.em, organisationId, id);
  }

  /**
   * Throws InsufficientScopeError when the caller would hand on what it lacks, ValidationFailedError for a past expiry, for
   * limits that nobody may give, and when the plan has no room for another key.
   */
  async create(
    caller: Caller,
    { name, description, scopes = [], bundles = [], expiresAt, requestLimits: limits = {} }: NewApiKey,
  ): Promise<ApiKeyWithSecret> {
    checkStorable('name', name);
    checkStorable('description', description ?? null);
    const grants = grantsOf(scopes, bundles);
    assertMayGrant(caller, grants);
    assertFuture(expiresAt);
    const minted = mintSecret();
    return this.em.transactional(async (em) => {
      const plan = await takeTurns(em, caller.organisationId);
      await assertRoom(em, caller.organisationId, plan);
      const apiKey = em.create(ApiKey, {
        id: newId('key'),
        organisation: em.getReference(Organisation, caller.organisationId),
        createdBy: caller.userId ? em.getReference(User, caller.userId) : undefined,
        name,
        description,
        prefix: minted.prefix,
        grants,
        expiresAt,
      });
      apiKey.limitRequests(requestLimits(limits, { plan, own: caller.requestLimits }));
      em.create(ApiKeySecret, { hash: minted.hash, apiKey });
      return { apiKey, secret: minted.text };
    });
  }

  /**
   * Throws ResourceNotFoundError, InsufficientScopeError when the key may do what the caller may not, ApiKeyNotActiveError for
   * a revoked key, and what `create` throws.
   */
  update(caller: Caller, id: string, change: ApiKeyChange): Promise<ApiKey> {
    checkStorable('name', change.name ?? null);
    checkStorable('description', change.description ?? null);
    return this.em.transactional(async (em) => {
      const plan = await takeTurns(em, caller.organisationId);
      const apiKey = await find(em, caller.organisationId, id, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
      assertMayManage(caller, apiKey);
      apiKey.assertNotRevoked();
      const { name, description, scopes, bundles, expiresAt, requestLimits: limits } = change;
      if (scopes !== undefined || bundles !== undefined) {
        const kept = apiKey.grants.filter((grant) => (isBundleName(grant) ? !bundles : !scopes));
        apiKey.grants = grantsOf([...kept, ...(scopes ?? [])], bundles ?? []);
        assertMayGrant(caller, apiKey.grants);
      }
      if (expiresAt !== undefined) {
        assertFuture(expiresAt);
        if (apiKey.status() === 'expired') await assertRoom(em, caller.organisationId, plan);
        apiKey.expiresAt = expiresAt;
      }
      const giver = { plan, own: caller.requestLimits };
      if (limits) apiKey.limitRequests(requestLimits(limits, giver, apiKey.requestLimits()));
      if (name !== undefined) apiKey.name = name;
      if (description !== undefined) apiKey.description = description;
      return apiKey;
    });
  }

  /**
   * Gives the key a new secret; the ones before work for `overlapSeconds` more. Throws ResourceNotFoundError,
   * ApiKeyNotActiveError, and InsufficientScopeError when the key may do what the caller may not.
   */
  rotate(caller: Caller, id: string, overlapSeconds: number): Promise<ApiKeyWithSecret> {
    return this.em.transactional((em) => this.rotateLocked(em, caller, id, overlapSeconds));
  }

  private async rotateLocked(
    em: EntityManager,
    caller: Caller,
    id: string,
    overlapSeconds: number,
  ): Promise<ApiKeyWithSecret> {
    // Two rotations at once take turns, so that the second knows the secret of the first and ends it.
    const apiKey = await find(em, caller.organisationId, id, { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true });
    assertMayManage(caller, apiKey);
    apiKey.assertActive();
    const now = new Date();
    const overlapEnd = new Date(now.getTime() + overlapSeconds * 1000);
    for (const secret of await em.find(ApiKeySecret, { apiKey: id })) secret.replaceAt(overlapEnd);
    const minted = mintSecret();
    em.create(ApiKeySecret, { hash: minted.hash, apiKey });
    apiKey.prefix = minted.prefix;
    apiKey.rotatedAt = now;
    apiKey.previousSecretExpiresAt = overlapEnd;
    await em.flush();
    return { apiKey, secret: minted.text };
  }

  /**
   * Ends the key at once, with all its secrets; repeating it changes nothing. Throws ResourceNotFoundError, and
   * InsufficientScopeError when the key may do what the caller may not.
   */
  async revoke(caller: Caller, id: string): Promise<ApiKey> {
    const apiKey = await this.get(caller.organisationId, id);
    assertMayManage(caller, apiKey);
    apiKey.revoke();
    await this.em.flush();
    return apiKey;
  }

  /** Whose key this is. Throws InvalidApiKeyError, RevokedApiKeyError or ExpiredApiKeyError. */
  async authenticate(secretText: string): Promise<AuthenticatedCaller> {
    if (!looksLikeApiKey(secretText)) throw new InvalidApiKeyError();
    // Outside of the request's transaction, and without entities: every request pays for this.
    const [found] = await runPrepared<PresentedKey>(this.em, selectPresentedKey, [sha256(secretText)]);
    const caller = toCaller(found);
    if ((found!.last_used_at ?? 0) <= Date.now() - lastUsedGranularityMs) await this.recordUse(found!.id);
    return caller;
  }

  /** The key as it is now, for what was made with it. Throws InvalidApiKeyError, RevokedApiKeyError or ExpiredApiKeyError. */
  async callerOf(id: string): Promise<AuthenticatedCaller> {
    const [found] = await runPrepared<PresentedKey>(this.em, selectKeyById, [id]);
    return toCaller(found);
  }

  private async recordUse(id: string): Promise<void> {
    const now = new Date();
    const stale = new Date(now.getTime() - lastUsedGranularityMs);
    const unused = { $or: [{ lastUsedAt: null }, { lastUsedAt: { $lte: stale } }] };
    try {
      await this.em.fork().nativeUpdate(ApiKey, { id, ...unused }, { lastUsedAt: now });
    } catch (error) {
      // Whoever reads is answered although the database takes no writes.
      if (!isWriteRefused(error)) throw error;
    }
  }
}

/** Times are Unix milliseconds. */
interface PresentedKey {
  id: string;
  organisation_id: string;
  plan: Plan;
  grants: Grant[];
  requests_per_minute: number | null;
  requests_per_day: number | null;
  revoked_at: number | null;
  expires_at: number | null;
  valid_until: number | null;
  last_used_at: number | null;
}

const milliseconds = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

function toCaller(found: PresentedKey | undefined): AuthenticatedCaller {
  if (!found) throw new InvalidApiKeyError();
  const { id, organisation_id, plan, grants, revoked_at, expires_at, valid_until } = found;
  if (revoked_at !== null) throw new RevokedApiKeyError(new Date(revoked_at));
  const end = Math.min(expires_at ?? Infinity, valid_until ?? Infinity);
  if (end <= Date.now()) throw new ExpiredApiKeyError(new Date(end));
  const limits = { perMinute: found.requests_per_minute, perDay: found.requests_per_day };
  const hasLimits = limits.perMinute !== null || limits.perDay !== null;
  const caller = { organisationId: organisation_id, apiKeyId: id, scopes: expandGrants(grants), plan };
  return hasLimits ? { ...caller, requestLimits: limits } : caller;
}

const selectKeyById: PreparedQuery = {
  name: 'flowpact_key_by_id',
  text: `
  select k.id, k.organisation_id, o.plan, k.grants, k.requests_per_minute, k.requests_per_day,
    ${milliseconds('k.revoked_at')} as revoked_at,
    ${milliseconds('k.expires_at')} as expires_at,
    null as valid_until, null as last_used_at
  from api_key k
  join organisation o on o.id = k.organisation_id
  where k.id = $1`,
};

const selectPresentedKey: PreparedQuery = {
  name: 'flowpact_presented_key',
  text: `
  select k.id, k.organisation_id, o.plan, k.grants, k.requests_per_minute, k.requests_per_day,
    ${milliseconds('k.revoked_at')} as revoked_at,
    ${milliseconds('k.expires_at')} as expires_at,
    ${milliseconds('s.valid_until')} as valid_until,
    ${milliseconds('k.last_used_at')} as last_used_at
  from api_key_secret s
  join api_key k on k.id = s.api_key_id
  join organisation o on o.id = k.organisation_id
  where s.hash = $1`,
};

async function find(
  em: EntityManager,
  organisation: string,
  id: string,
  options?: FindOneOptions<ApiKey>,
): Promise<ApiKey> {
  const apiKey = isId('key', id) ? await em.findOne(ApiKey, { id, organisation }, options) : null;
  if (!apiKey) throw new ResourceNotFoundError('api_key', id);
  return apiKey;
}

/** Whoever could take away what somebody else may do could do more than their own scopes say. */
function assertMayManage(caller: Caller, apiKey: ApiKey): void {
  const required = apiKey.scopes();
  const missing = required.filter((scope) => !caller.scopes.includes(scope));
  if (missing.length === 0) return;
  const message = `The key ${apiKey.id} may do more than you: only who may do that too can change or end it. You lack ${missing.join(', ')}.`;
  throw new InsufficientScopeError(message, required, missing);
}

function assertMayGrant(caller: Caller, grants: readonly Grant[]): void {
  const required = expandGrants(grants);
  const missing = required.filter((scope) => !caller.scopes.includes(scope));
  if (missing.length === 0) return;
  throw new InsufficientScopeError(
    `A key cannot be given more than its giver has. You lack ${missing.join(', ')}.`,
    required,
    missing,
  );
}

/** Throws ValidationFailedError when the plan has no room for one more key that works. */
async function assertRoom(em: EntityManager, organisation: string, plan: Plan): Promise<void> {
  const most = activeApiKeys[plan];
  if ((await em.count(ApiKey, { organisation, ...whereStatus('active') })) < most) return;
  const message = `There are ${most} active API keys, which is as many as the plan has. Revoke one first.`;
  throw new ValidationFailedError(message, [{ field: '', message, location: 'body' }]);
}

function assertFuture(expiresAt: Date | null | undefined): void {
  if (!expiresAt || expiresAt > new Date()) return;
  const message = 'must be in the future; leave it out for a key without an end';
  throw new ValidationFailedError('The expiry of the key is in the past.', [
    { field: 'expires_at', message, location: 'body' },
  ]);
}

function whereStatus(status: ApiKeyStatus | undefined): object {
  const now = new Date();
  switch (status) {
    case 'revoked':
      return { revokedAt: { $ne: null } };
    case 'expired':
      return { revokedAt: null, expiresAt: { $lte: now } };
    case 'active':
      return { revokedAt: null, $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }] };
    case undefined:
      return {};
  }
}

function grantsOf(...grants: readonly (readonly Grant[])[]): Grant[] {
  const unique = [...new Set(grants.flat())];
  if (unique.length > 0) return unique;
  throw new ValidationFailedError('A key needs at least one scope or bundle.', [
    { field: 'scopes', message: 'must name a scope, or bundles a bundle', location: 'body' },
  ]);
}
