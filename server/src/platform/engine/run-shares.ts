/** From so many slots on, no tenant has all of them. */
const fewest = 10;
/** How many times as many slots as are free a tenant may have. */
const timesFree = 4;

/**
 * The slots for runs that one process has. A tenant may have up to four times as many as are free: alone four fifths of all,
 * and less the more others have, so that there is a slot for whoever comes with nothing under way.
 */
export class RunShares {
  readonly #slots: number;
  readonly #used = new Map<string, number>();
  #all = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Runs that were promised or handed to this process and are not over. */
  get used(): number {
    return this.#all;
  }

  add(tenant: string, count: number): void {
    this.#all += count;
    const used = (this.#used.get(tenant) ?? 0) + count;
    if (used > 0) this.#used.set(tenant, used);
    else this.#used.delete(tenant);
  }

  /** How many more runs the process takes, of the tenant where one is named. */
  roomOf(tenant?: string): number {
    const free = this.#slots - this.#all;
    if (tenant === undefined || tenant === '' || this.#slots < fewest || free <= 0) return free;
    const own = this.#used.get(tenant) ?? 0;
    // What is taken is free no longer: own + n <= timesFree * (free - n).
    const share = Math.floor((timesFree * free - own) / (timesFree + 1));
    return own === 0 ? Math.max(1, share) : Math.max(0, share);
  }
}
