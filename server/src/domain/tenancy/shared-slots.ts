import { watchSlots } from './shared-resources.ts';
import { Turns } from './turns.ts';

export interface SharedSlotsOptions {
  /** Label of the metrics. */
  readonly name: string;
  /** Slots that are taken at once, by all together. */
  readonly width: number;
}

export interface TakeOptions {
  /** Slots that the organisation may have at once. */
  readonly maxSlots?: number | undefined;
  /** Before all others and without regard to `maxSlots`: for work that has slots already, which others may wait for. */
  readonly first?: boolean | undefined;
  /** Milliseconds after which it is no longer waited; for ever when absent. */
  readonly waitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a number of slots has to do. */
export interface SlotsLoad {
  readonly taken: number;
  readonly waiting: number;
  /** Milliseconds for which the oldest of those whose turn is next has waited. */
  readonly oldestMs: number;
}

/** Gives a slot back; a second time changes nothing. */
export type Release = () => void;

/** There was no slot in time. */
export class NoSlotError extends Error {
  constructor(name: string, waitMs: number) {
    super(`no slot of ${name} was free within ${waitMs} ms`);
    this.name = 'NoSlotError';
  }
}

interface Waiting {
  readonly organisationId: string;
  readonly since: number;
  readonly give: (release: Release) => void;
}

/**
 * A number of slots that organisations share. Whoever waits is served in turns by organisation, and no organisation has more
 * than it may; the platform's own work, whose organisation is the empty text, has every second turn.
 */
export class SharedSlots {
  readonly #options: SharedSlotsOptions;
  readonly #taken = new Map<string, number>();
  readonly #limits = new Map<string, number>();
  readonly #first: Waiting[] = [];
  readonly #own = new Turns<Waiting>();
  readonly #waiting = new Turns<Waiting>();
  #count = 0;
  #ownTurn = true;

  constructor(options: SharedSlotsOptions) {
    this.#options = options;
    watchSlots(options.name, () => this.load());
  }

  load(): SlotsLoad {
    let since = Infinity;
    for (const head of [...this.#first, ...this.#own.heads(), ...this.#waiting.heads()])
      since = Math.min(since, head.since);
    const waiting = this.#first.length + this.#own.size + this.#waiting.size;
    return { taken: this.#count, waiting, oldestMs: Math.max(0, performance.now() - since) };
  }

  /** A slot if one is free now, and nobody waits for it. */
  tryTake(organisationId: string, { maxSlots, first = false }: TakeOptions = {}): Release | undefined {
    this.#limit(organisationId, maxSlots);
    if (this.#count >= this.#options.width || (!first && !this.#mayHave(organisationId))) return undefined;
    return this.#give(organisationId);
  }

  /** A slot as soon as it is the organisation's turn. Throws NoSlotError, or the reason of the signal. */
  async take(organisationId: string, options: TakeOptions = {}): Promise<Release> {
    const { signal, waitMs, first } = options;
    signal?.throwIfAborted();
    const free = this.tryTake(organisationId, options);
    if (free) return free;
    const { promise, resolve, reject } = Promise.withResolvers<Release>();
    const waiting: Waiting = { organisationId, since: performance.now(), give: resolve };
    if (first) this.#first.push(waiting);
    else this.#turnsOf(organisationId).push(organisationId, waiting);
    const leave = (reason: unknown): void => {
      this.#forget(waiting);
      reject(reason);
    };
    const onAbort = (): void => leave(signal!.reason);
    const timer =
      waitMs === undefined ? undefined : setTimeout(() => leave(new NoSlotError(this.#options.name, waitMs)), waitMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Runs `work` in a slot. */
  async run<T>(organisationId: string, work: () => Promise<T>, options: TakeOptions = {}): Promise<T> {
    const release = await this.take(organisationId, options);
    try {
      return await work();
    } finally {
      release();
    }
  }

  #turnsOf(organisationId: string): Turns<Waiting> {
    return organisationId === '' ? this.#own : this.#waiting;
  }

  #limit(organisationId: string, maxSlots: number | undefined): void {
    if (maxSlots !== undefined && organisationId !== '') this.#limits.set(organisationId, maxSlots);
  }

  #mayHave(organisationId: string): boolean {
    return (this.#taken.get(organisationId) ?? 0) < (this.#limits.get(organisationId) ?? Infinity);
  }

  #give(organisationId: string): Release {
    this.#count += 1;
    this.#taken.set(organisationId, (this.#taken.get(organisationId) ?? 0) + 1);
    let given = true;
    return () => {
      if (given) this.#over(organisationId);
      given = false;
    };
  }

  #over(organisationId: string): void {
    this.#count -= 1;
    const left = this.#taken.get(organisationId)! - 1;
    if (left > 0) this.#taken.set(organisationId, left);
    else this.#taken.delete(organisationId);
    for (let next = this.#next(); next; next = this.#next()) next.give(this.#give(next.organisationId));
    this.#forgetLimit(organisationId);
  }

  #forgetLimit(organisationId: string): void {
    if (!this.#taken.has(organisationId) && this.#waiting.sizeOf(organisationId) === 0)
      this.#limits.delete(organisationId);
  }

  #next(): Waiting | undefined {
    if (this.#count >= this.#options.width) return undefined;
    const first = this.#first.shift();
    if (first) return first;
    this.#ownTurn = !this.#ownTurn;
    const ofOthers = (): Waiting | undefined => this.#waiting.take((organisationId) => this.#mayHave(organisationId));
    return this.#ownTurn ? (this.#own.take() ?? ofOthers()) : (ofOthers() ?? this.#own.take());
  }

  #forget(waiting: Waiting): void {
    const index = this.#first.indexOf(waiting);
    if (index >= 0) this.#first.splice(index, 1);
    this.#turnsOf(waiting.organisationId).remove(waiting.organisationId, waiting);
    this.#forgetLimit(waiting.organisationId);
  }
}
