import { getHeapStatistics } from 'node:v8';
import type { RunMemory } from '../../domain/execution/engine.ts';
import { watchMemory, type MemoryLoad } from '../../domain/tenancy/shared-resources.ts';

/** Values take up to four times what they count in memory, such as lists of empty objects, and one run may go beyond the bound. */
const partOfHeap = 1 / 8;
/** How many times as much as is free a tenant may hold. */
const timesFree = 4;
/** A tenant that holds less than this part of the bound never waits; a process has at most so many runs. */
const guaranteedPart = 1 / 100;
/** How many times the bound may be held while the oldest run of each tenant goes on. */
const timesBound = 2;
/** Part of the bound that is expected of the next value of a tenant of which nothing is known. */
const firstExpected = 1 / 16;
/** After that the largest one is expected, less a sixteenth for each smaller one since. */
const forgotten = 1 / 16;

/** Bytes that the runs of this process may hold, with the heap that V8 allows it. */
export function memoryBound(): number {
  return Math.floor(getHeapStatistics().heap_size_limit * partOfHeap);
}

/** What the runs of one tenant hold. */
interface Account {
  readonly tenant: string;
  /** The oldest first. */
  readonly runs: Set<HeldMemory>;
  /** In the order in which they came. */
  readonly waiting: Set<Waiting>;
  bytes: number;
  /** How often its runs are making something. */
  making: number;
  /** Bytes that each of these is expected to come to. */
  expected: number;
  /** What it holds and is expected to make. */
  load: number;
}

interface Waiting {
  readonly run: HeldMemory;
  /** Bytes that there has to be room for; what is expected where none are named. */
  readonly bytes: number | undefined;
  readonly since: number;
  readonly give: () => void;
}

/**
 * The memory that the runs of a process hold, by tenant and run. A tenant whose runs hold more than its share waits before
 * they make more: it has up to four times as much as is free, alone four fifths of the bound, and less the more others have. The
 * oldest run of each tenant goes on beyond that, so that its runs end one after the other, and the oldest of the process always.
 */
export class MemoryShares {
  readonly #bound: number;
  readonly #accounts = new Map<string, Account>();
  /** All runs, the oldest first. */
  readonly #runs = new Set<HeldMemory>();
  #load = 0;
  #waiting = 0;

  constructor(bound = memoryBound()) {
    this.#bound = bound;
    watchMemory('executions', () => this.load());
  }

  load(): MemoryLoad {
    let held = 0;
    let since = Infinity;
    for (const account of this.#accounts.values()) {
      held += account.bytes;
      since = Math.min(since, first(account.waiting)?.since ?? Infinity);
    }
    return { held, bound: this.#bound, waiting: this.#waiting, oldestMs: Math.max(0, performance.now() - since) };
  }

  get #firstExpected(): number {
    return Math.floor(this.#bound * firstExpected);
  }

  /** How many more runs of the tenant there is room for; one at least where it has none. */
  roomOf(tenant: string): number {
    const { load, expected } = this.#accounts.get(tenant) ?? { load: 0, expected: this.#firstExpected };
    // What is taken is free no longer: load + n * expected <= timesFree * (free - n * expected).
    const share = Math.floor(
      (timesFree * (this.#bound - this.#load) - load) / ((timesFree + 1) * Math.max(1, expected)),
    );
    const own = Math.floor((guaranteedPart * this.#bound - load) / Math.max(1, expected));
    return Math.max(this.#accounts.has(tenant) ? 0 : 1, share, own);
  }

  /** Opens the account of a run that begins in this process; its `end` has to be called. */
  open(tenant: string): HeldMemory {
    let account = this.#accounts.get(tenant);
    if (!account) {
      const expected = this.#firstExpected;
      account = { tenant, runs: new Set(), waiting: new Set(), bytes: 0, making: 0, expected, load: 0 };
      this.#accounts.set(tenant, account);
    }
    const run = new HeldMemory(this, account);
    account.runs.add(run);
    this.#runs.add(run);
    return run;
  }

  /** For HeldMemory. */
  change(account: Account, bytes: number, making: number): void {
    account.bytes += bytes;
    account.making += making;
    if (making === 0 && bytes > 0) account.expected = Math.max(bytes, Math.floor(account.expected * (1 - forgotten)));
    this.#weigh(account);
  }

  /** For HeldMemory: bytes that are no value, so that nothing follows from them for the next. */
  take(account: Account, bytes: number): void {
    account.bytes += bytes;
    this.#weigh(account);
  }

  /** For HeldMemory. */
  close(run: HeldMemory, account: Account): void {
    account.runs.delete(run);
    this.#runs.delete(run);
    if (account.runs.size === 0) this.#accounts.delete(account.tenant);
    this.#serve();
  }

  mayTake(run: HeldMemory, account: Account, bytes = account.expected): boolean {
    const own = account.load + bytes;
    const all = this.#load + bytes;
    if (own <= timesFree * (this.#bound - all) || own <= guaranteedPart * this.#bound) return true;
    if (all <= timesBound * this.#bound && first(account.runs) === run) return true;
    return first(this.#runs) === run;
  }

  /** For HeldMemory. */
  wait(waiting: Waiting, account: Account): void {
    waiting.run.waiting.add(waiting);
    account.waiting.add(waiting);
    this.#waiting += 1;
  }

  /** For HeldMemory: it waits no longer. */
  forget(waiting: Waiting, account: Account): void {
    waiting.run.waiting.delete(waiting);
    if (account.waiting.delete(waiting)) this.#waiting -= 1;
  }

  #weigh(account: Account): void {
    const before = account.load;
    account.load = account.bytes + account.making * account.expected;
    this.#load += account.load - before;
    if (account.load < before) this.#serve();
  }

  #serve(): void {
    if (this.#waiting === 0) return;
    for (const account of this.#accounts.values()) {
      if (account.waiting.size === 0) continue;
      for (const waiting of first(account.runs)?.waiting ?? []) this.#give(waiting, account);
      for (const waiting of account.waiting) if (!this.#give(waiting, account)) break;
    }
  }

  #give(waiting: Waiting, account: Account): boolean {
    if (!this.mayTake(waiting.run, account, waiting.bytes)) return false;
    this.forget(waiting, account);
    waiting.give();
    return true;
  }
}

/** What one run holds in this process. */
export class HeldMemory implements RunMemory {
  /** What the run waits for; several branches may wait. */
  readonly waiting = new Set<Waiting>();
  readonly #shares: MemoryShares;
  readonly #account: Account;
  #bytes = 0;
  #making = 0;
  #ended = false;

  constructor(shares: MemoryShares, account: Account) {
    this.#shares = shares;
    this.#account = account;
  }

  add(bytes: number): void {
    if (this.#ended || bytes === 0) return;
    this.#bytes += bytes;
    this.#shares.change(this.#account, bytes, 0);
  }

  enter(signal: AbortSignal): Promise<void> | undefined {
    return this.#wait(signal, undefined, () => this.#make(1));
  }

  leave(): void {
    if (this.#making > 0) this.#make(-1);
  }

  reserve(signal: AbortSignal, bytes: number): Promise<void> | undefined {
    return this.#wait(signal, bytes, () => {
      this.#bytes += bytes;
      this.#shares.take(this.#account, bytes);
    });
  }

  /** The run is over in this process: it holds nothing any more. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const waiting of this.waiting) this.#shares.forget(waiting, this.#account);
    this.#shares.change(this.#account, -this.#bytes, -this.#making);
    this.#shares.close(this, this.#account);
  }

  #make(count: number): void {
    if (this.#ended) return;
    this.#making += count;
    this.#shares.change(this.#account, 0, count);
  }

  #wait(signal: AbortSignal, bytes: number | undefined, take: () => void): Promise<void> | undefined {
    if (this.#ended) return undefined;
    const account = this.#account;
    // Behind those of the tenant that came before it, unless nothing may stand in its way.
    if (account.waiting.size === 0 || first(account.runs) === this) {
      if (this.#shares.mayTake(this, account, bytes)) {
        take();
        return undefined;
      }
    }
    return this.#inLine(signal, bytes, take);
  }

  async #inLine(signal: AbortSignal, bytes: number | undefined, take: () => void): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const give = (): void => {
      take();
      resolve();
    };
    const waiting: Waiting = { run: this, bytes, since: performance.now(), give };
    this.#shares.wait(waiting, this.#account);
    const onAbort = (): void => {
      this.#shares.forget(waiting, this.#account);
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  return set.values().next().value;
}
