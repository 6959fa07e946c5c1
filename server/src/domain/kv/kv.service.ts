import type { FilterQuery } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { type Json, ResourceNotFoundError, ValidationFailedError } from '../domain-error.ts';
import { checkStorable } from '../storable.ts';
import { Group } from '../group/group.entity.ts';
import { isId } from '../id.ts';
import { Organisation } from '../organisation/organisation.entity.ts';
import { assertMoreAllowed, takeTurns } from '../organisation/take-turns.ts';
import { type Page, type PageRequest, rangeOf } from '../page.ts';
import { StorageQuota } from '../storage/storage-quota.ts';
import { Sealer } from '../sealer.ts';
import { Workflow } from '../workflow/workflow.entity.ts';
import { KvNotAListError, KvVersionConflictError } from './kv.errors.ts';
import { KvEntry, type KvScope } from './kv-entry.entity.ts';

/** Whose values are meant; the id is that of a group or workflow, and absent for the organisation. */
export interface KvPlace {
  readonly organisationId: string;
  readonly scope: KvScope;
  readonly scopeId?: string | undefined;
}

/** A page of entries whose keys begin with `prefix`. */
export interface KvQuery extends PageRequest {
  readonly prefix?: string;
}

/** A value to store. */
export interface KvChange {
  readonly value: Json;
  /** Seconds until it is gone; null or absent: never. */
  readonly ttl?: number | null;
  /** The version that the entry must have; 0 when there must be none. */
  readonly ifVersion?: number;
}

/** An item for the end of a list. */
export interface KvItem {
  readonly item: Json;
  /** How many of the last items are kept. */
  readonly maxItems?: number;
  /** Seconds until the list is gone; null: never; absent: as before. */
  readonly ttl?: number | null;
}

/** An entry and what it holds. */
export interface KvValue {
  readonly entry: KvEntry;
  readonly value: Json;
}

/** Bytes of a value as JSON. */
export const largestValue = 256 * 1024;

/** Where an entry is, once it is known that the place exists. */
interface Room {
  readonly organisationId: string;
  readonly scope: KvScope;
  readonly scopeId: string;
}

/** Values that workflows keep. Methods take the EntityManager of the caller's transaction where there is one. */
@Injectable()
export class KvService {
  constructor(
    private readonly em: EntityManager,
    private readonly sealer: Sealer,
    private readonly quota: StorageQuota,
  ) {}

  /** By key, without values. Throws ResourceNotFoundError for the group or workflow. */
  async list(place: KvPlace, query: KvQuery): Promise<Page<KvEntry>> {
    const { scopeId } = await roomOf(this.em, place);
    const { prefix } = query;
    const where: FilterQuery<KvEntry> = {
      scopeId,
      ...present(),
      ...(prefix !== undefined && { key: { $like: `${prefix.replaceAll(/[\\%_]/g, String.raw`\$&`)}%` } }),
    };
    if (prefix?.includes('\0')) return { items: [], total: 0 };
    const [items, total] = await this.em.findAndCount(KvEntry, where, { orderBy: { key: 'asc' }, ...rangeOf(query) });
    return { items, total };
  }

  /** Throws ResourceNotFoundError for the entry, the group or the workflow. */
  async get(place: KvPlace, key: string, em: EntityManager = this.em): Promise<KvValue> {
    const found = await this.find(place, key, em);
    if (!found) throw new ResourceNotFoundError('kv_entry', key);
    return found;
  }

  /** Undefined when there is no such entry. Throws ResourceNotFoundError for the group or the workflow. */
  async find(place: KvPlace, key: string, em: EntityManager = this.em): Promise<KvValue | undefined> {
    const { scopeId } = await roomOf(em, place);
    const entry = await em.findOne(
      KvEntry,
      { scopeId, key, ...present() },
      { populate: ['value'], refresh: true, ...(em === this.em && { disableIdentityMap: true }) },
    );
    return entry ? { entry, value: this.#open(entry) } : undefined;
  }

  /**
   * Throws KvVersionConflictError, ResourceNotFoundError for the group or workflow, ValidationFailedError for a value that is
   * too large or when there are too many entries, and StorageQuotaExceededError for a value that is larger than before.
   */
  async set(place: KvPlace, key: string, change: KvChange, em: EntityManager = this.em): Promise<KvValue> {
    checkStorable('value', change.value);
    return this.#write(place, key, em, (entry) => {
      const { ifVersion, value, ttl } = change;
      assertVersion(key, entry?.version ?? 0, ifVersion);
      return { value, expiresAt: endOf(ttl) };
    });
  }

  /** Throws KvNotAListError, and what `set` throws. */
  async append(place: KvPlace, key: string, addition: KvItem, em: EntityManager = this.em): Promise<KvValue> {
    checkStorable('item', addition.item);
    return this.#write(place, key, em, (entry) => {
      const { item, maxItems = Infinity, ttl } = addition;
      const list = entry ? this.#open(entry) : [];
      if (!Array.isArray(list)) throw new KvNotAListError(key);
      const value = [...(list as Json[]), item].slice(-maxItems);
      return { value, expiresAt: ttl === undefined ? (entry?.expiresAt ?? null) : endOf(ttl) };
    });
  }

  /** False when there was none. Throws KvVersionConflictError, and ResourceNotFoundError for the group or workflow. */
  async delete(place: KvPlace, key: string, ifVersion?: number, em: EntityManager = this.em): Promise<boolean> {
    return em.transactional(async (inner) => {
      const { scopeId } = await roomOf(inner, place);
      await lock(inner, scopeId, key);
      const entry = await inner.findOne(KvEntry, { scopeId, key, ...present() }, { refresh: true });
      if (!entry) return false;
      assertVersion(key, entry.version, ifVersion);
      return (await inner.nativeDelete(KvEntry, { scopeId, key })) > 0;
    });
  }

  /** As `delete`; throws ResourceNotFoundError also when there is no such entry. */
  async remove(place: KvPlace, key: string, ifVersion?: number): Promise<void> {
    if (!(await this.delete(place, key, ifVersion))) throw new ResourceNotFoundError('kv_entry', key);
  }

  /** Writes to one key take turns, so that each sees what the one before has left. */
  async #write(
    place: KvPlace,
    key: string,
    em: EntityManager,
    change: (entry: KvEntry | undefined) => { value: Json; expiresAt: Date | null },
  ): Promise<KvValue> {
    return em.transactional(async (inner) => {
      const room = await roomOf(inner, place);
      await lock(inner, room.scopeId, key);
      const stored = await inner.findOne(
        KvEntry,
        { scopeId: room.scopeId, key },
        { populate: ['value'], refresh: true },
      );
      const isPresent = stored !== null && !isOver(stored);
      const { value, expiresAt } = change(isPresent ? stored : undefined);
      const json = JSON.stringify(value);
      const size = Buffer.byteLength(json);
      if (size > largestValue) throw tooLarge(size);
      if (!stored) await assertMoreEntries(inner, room.organisationId);
      if (size > (stored?.size ?? 0)) await this.quota.assertRoom(room.organisationId, inner);
      const entry = stored ?? this.#create(inner, room, key);
      const now = new Date();
      entry.value = this.sealer.seal(room.organisationId, json, contextOf(entry));
      Object.assign(entry, { size, version: isPresent ? entry.version + 1 : 1, expiresAt, updatedAt: now });
      if (!isPresent) entry.createdAt = now;
      await inner.flush();
      return { entry, value };
    });
  }

  #create(em: EntityManager, { organisationId, scope, scopeId }: Room, key: string): KvEntry {
    const now = new Date();
    return em.create(KvEntry, {
      scopeId,
      key,
      organisation: em.getReference(Organisation, organisationId),
      scope,
      ...(scope === 'group' && { group: em.getReference(Group, scopeId) }),
      ...(scope === 'workflow' && { workflow: em.getReference(Workflow, scopeId) }),
      value: Buffer.of(),
      size: 0,
      version: 0,
      createdAt: now,
      updatedAt: now,
    });
  }

  #open(entry: KvEntry): Json {
    const { id } = entry.organisation;
    return JSON.parse(this.sealer.open(id, entry.value!, contextOf(entry))) as Json;
  }
}

/** The scope, once it is known that the group or workflow is the organisation's. */
async function roomOf(em: EntityManager, { organisationId, scope, scopeId }: KvPlace): Promise<Room> {
  if (scope === 'organisation') {
    if (scopeId !== undefined) throw refusedScopeId('goes with the scopes group and workflow only');
    return { organisationId, scope, scopeId: organisationId };
  }
  if (scopeId === undefined) throw refusedScopeId(`is missing: the id of the ${scope}`);
  const where = { id: scopeId, organisation: organisationId };
  const found =
    scope === 'group'
      ? isId('grp', scopeId) && (await em.count(Group, where))
      : isId('wf', scopeId) && (await em.count(Workflow, where));
  if (!found) throw new ResourceNotFoundError(scope, scopeId);
  return { organisationId, scope, scopeId };
}

function refusedScopeId(message: string): ValidationFailedError {
  return new ValidationFailedError(`scope_id ${message}.`, [{ field: 'scope_id', message, location: 'query' }]);
}

async function lock(em: EntityManager, scopeId: string, key: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`kv\n${scopeId}\n${key}`]);
}

async function assertMoreEntries(em: EntityManager, organisationId: string): Promise<void> {
  const plan = await takeTurns(em, organisationId);
  assertMoreAllowed('kv_entries', plan, await em.count(KvEntry, { organisation: organisationId }));
}

function assertVersion(key: string, version: number, expected: number | undefined): void {
  if (expected !== undefined && expected !== version) throw new KvVersionConflictError(key, version, expected);
}

function tooLarge(size: number): ValidationFailedError {
  const message = `has ${size} bytes as JSON; at most ${largestValue} are stored`;
  return new ValidationFailedError('The value is too large.', [{ field: 'value', message, location: 'body' }]);
}

function endOf(ttl: number | null | undefined): Date | null {
  return ttl ? new Date(Date.now() + ttl * 1_000) : null;
}

function isOver({ expiresAt }: KvEntry): boolean {
  return Boolean(expiresAt && expiresAt <= new Date());
}

function present(): object {
  return { $or: [{ expiresAt: null }, { expiresAt: { $gt: new Date() } }] };
}

function contextOf({ scopeId, key }: KvEntry): string {
  return `kv:${scopeId}:${key}`;
}
