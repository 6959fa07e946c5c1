import { watchCache } from './shared-resources.ts';

export interface SharedCacheOptions {
  /** Label of the metrics. */
  readonly name: string;
  /** Entries of all organisations at most. */
  readonly maxEntries: number;
}

export interface CacheLoad {
  readonly entries: number;
  /** Entries that made room for others, since the start of the process. */
  readonly evicted: number;
}

/**
 * Remembers things of organisations. When it is full, the organisation that has the most gives up what it used longest ago,
 * so that nobody pushes out what others need.
 */
export class SharedCache<Value> {
  readonly #maxEntries: number;
  readonly #entries = new Map<string, Map<string, Value>>();
  #size = 0;
  #evicted = 0;

  constructor({ name, maxEntries }: SharedCacheOptions) {
    this.#maxEntries = maxEntries;
    watchCache(name, () => ({ entries: this.#size, evicted: this.#evicted }));
  }

  get(organisationId: string, key: string): Value | undefined {
    const own = this.#entries.get(organisationId);
    const value = own?.get(key);
    if (value === undefined) return undefined;
    own!.delete(key);
    own!.set(key, value);
    return value;
  }

  set(organisationId: string, key: string, value: Value): void {
    this.delete(organisationId, key);
    const own = this.#entries.get(organisationId) ?? new Map<string, Value>();
    own.set(key, value);
    this.#entries.set(organisationId, own);
    this.#size += 1;
    if (this.#size > this.#maxEntries) this.#evict(organisationId);
  }

  delete(organisationId: string, key: string): void {
    const own = this.#entries.get(organisationId);
    if (!own?.delete(key)) return;
    this.#size -= 1;
    if (own.size === 0) this.#entries.delete(organisationId);
  }

  /** Of those that have as many as anybody, the one that made the cache too full. */
  #evict(newest: string): void {
    let largest = newest;
    for (const [organisationId, own] of this.#entries)
      if (own.size > this.#entries.get(largest)!.size) largest = organisationId;
    this.#evicted += 1;
    this.delete(largest, this.#entries.get(largest)!.keys().next().value!);
  }
}
