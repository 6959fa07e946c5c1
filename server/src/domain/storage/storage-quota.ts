import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Lane } from '../lane.ts';
import { storageCeiling } from '../organisation/plan.ts';
import { runPrepared } from '../prepared-query.ts';
import { usageAndQuota } from './storage-statements.ts';
import { StorageCeilingReachedError, StorageQuotaExceededError, type StorageUsed } from './storage.errors.ts';

interface Known extends StorageUsed {
  readonly at: number;
}

/** Milliseconds for which usage that was read is believed, and for which it counts while it is read again. */
const maxAgeMs = 1_000;
const staleMs = 10_000;
/** Share of the quota from which on every question is answered by the database. */
const nearlyFull = 0.9;
/** Organisations remembered at most; the one that was read longest ago goes first. */
const maxRemembered = 10_000;
/** An organisation that is gone may finish what it began. */
const unlimited: StorageUsed = { usedBytes: 0, quotaBytes: Number.POSITIVE_INFINITY };

/** Refuses what would be stored for an organisation that has no room for it. What removes or replaces is never refused. */
@Injectable()
export class StorageQuota {
  readonly #remembered = new Map<string, Known>();
  readonly #reading = new Set<string>();
  readonly #lane: Lane<string, StorageUsed>;

  constructor(private readonly orm: MikroORM) {
    this.#lane = new Lane({
      name: 'storage_usage',
      batchSize: 200,
      calls: 2,
      work: (ids) => this.#readAll(ids),
    });
  }

  /**
   * Throws StorageQuotaExceededError when the organisation stores as much as its plan allows. Give the EntityManager of a
   * transaction that is open: it counts what the transaction has stored, and needs no other connection.
   */
  async assertRoom(organisationId: string, em?: EntityManager): Promise<void> {
    const known = this.#known(organisationId);
    if (known && known.usedBytes < known.quotaBytes * nearlyFull) return;
    const used = em?.isInTransaction() ? await this.#readIn(em, organisationId) : await this.#lane.ask(organisationId);
    if (used.usedBytes >= used.quotaBytes) throw new StorageQuotaExceededError(used);
  }

  /**
   * Whether even what was begun before the quota was reached has to end; a StorageCeilingReachedError that says why, or
   * undefined. It answers at once, by what was read a moment ago.
   */
  excess(organisationId: string): StorageCeilingReachedError | undefined {
    const last = this.#known(organisationId, staleMs);
    if (!this.#known(organisationId)) this.#refresh(organisationId);
    if (!last || last.usedBytes < last.quotaBytes * storageCeiling) return undefined;
    return new StorageCeilingReachedError(last);
  }

  #known(organisationId: string, age = maxAgeMs): Known | undefined {
    const known = this.#remembered.get(organisationId);
    return known && known.at > Date.now() - age ? known : undefined;
  }

  /** What cannot be read now is asked for again by the next who wants to know. */
  #refresh(organisationId: string): void {
    if (this.#reading.has(organisationId)) return;
    this.#reading.add(organisationId);
    void this.#lane
      .ask(organisationId)
      .catch(() => undefined)
      .finally(() => this.#reading.delete(organisationId));
  }

  async #readAll(ids: readonly string[]): Promise<StorageUsed[]> {
    const rows = await runPrepared<StorageUsed & { id: string }>(this.orm.em, usageAndQuota, [[...new Set(ids)]]);
    const found = new Map<string, StorageUsed>(rows.map(({ id, ...usage }) => [id, usage]));
    const usages = ids.map((id) => found.get(id) ?? unlimited);
    ids.forEach((id, index) => this.#remember(id, { ...usages[index]!, at: Date.now() }));
    return usages;
  }

  async #readIn(em: EntityManager, id: string): Promise<StorageUsed> {
    const [usage] = await em.execute<StorageUsed[]>(usageAndQuota.text.replace('$1', '?'), [`{${id}}`]);
    return usage ?? unlimited;
  }

  #remember(id: string, known: Known): void {
    this.#remembered.delete(id);
    this.#remembered.set(id, known);
    if (this.#remembered.size > maxRemembered) this.#remembered.delete(this.#remembered.keys().next().value!);
  }
}
