import type { BatchBacklog, BatchMetrics } from './batch-metrics.ts';
import { isPassing, passingOf } from './passing-error.ts';
import { currentOrganisation, outsideOrganisations } from './tenancy/current-organisation.ts';
import { BatchPace } from './tenancy/batch-pace.ts';
import { watchBatcher } from './tenancy/shared-resources.ts';
import { Turns } from './tenancy/turns.ts';

export interface LaneOptions<Item, Answer> {
  /** Label of the metrics. */
  readonly name: string;
  /** Items of one call at most. */
  readonly batchSize: number;
  /** Bytes of one call at most, as `bytesOf` counts them, unless one item alone has more. */
  readonly batchBytes?: number;
  /** About how many bytes the item brings into a call; without it all items count as nothing. */
  readonly bytesOf?: (item: Item) => number;
  /** Calls under way at once. */
  readonly calls?: number;
  /** Does all or nothing, and answers in the order of the items. */
  readonly work: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** Hears of errors after which the items are tried again; without it nothing is tried again. */
  readonly passing?: (error: unknown) => void;
  readonly metrics?: Pick<BatchMetrics, 'batchFailed'> | undefined;
}

interface Waiting<Item, Answer> {
  readonly organisationId: string;
  readonly item: Item;
  readonly bytes: number;
  readonly at: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** How often in a row it was in a call whose error passes by itself, and how often that may have been because of an item. */
  failures: number;
  suspicions: number;
  notBefore: number;
}

const defaultBatchBytes = 4 * 1_048_576;
/** Items that a call may have however long calls take. */
const minItems = 8;
const firstPause = 20;
const maxPauseMs = 2_000;
/** How often an item may be suspected before it is tried by itself. */
const patience = 2;

/**
 * Asks for many things in one call: what comes while a call is under way goes into the next one, so that the cost of each
 * falls as the load grows. Calls are bounded in bytes, and organisations take turns in what is more than one call takes. An
 * item that the call refuses does not spoil it for the others, and one that is tried again keeps no other waiting.
 */
export class Lane<Item, Answer> {
  readonly #options: LaneOptions<Item, Answer>;
  readonly #next = new Turns<Waiting<Item, Answer>>();
  readonly #pace = new BatchPace();
  /** Those that are tried again after a pause. */
  #again: Waiting<Item, Answer>[] = [];
  /** Under way. */
  readonly #calls = new Set<readonly Waiting<Item, Answer>[]>();
  readonly #busy = new Set<Promise<void>>();
  #turns = 0;
  /** Of all that waits for an answer. */
  #bytes = 0;
  #wake = Promise.withResolvers<void>();
  /** When something was answered last, or began to wait where nothing did before. */
  #progressAt = Date.now();
  #closed = false;

  constructor(options: LaneOptions<Item, Answer>) {
    this.#options = options;
    watchBatcher(options.name, () => this.backlog);
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const at = Date.now();
      const bytes = this.#options.bytesOf?.(item) ?? 0;
      if (this.#isIdle) this.#progressAt = at;
      const organisationId = currentOrganisation();
      this.#next.push(organisationId, {
        organisationId,
        item,
        bytes,
        at,
        resolve,
        reject,
        failures: 0,
        suspicions: 0,
        notBefore: 0,
      });
      this.#bytes += bytes;
      this.#wake.resolve();
      if (this.#turns >= (this.#options.calls ?? 1)) return;
      this.#turns += 1;
      const turn: Promise<void> = outsideOrganisations(() => this.#turn()).finally(() => this.#busy.delete(turn));
      this.#busy.add(turn);
    });
  }

  /** What waits for an answer. */
  get backlog(): BatchBacklog {
    // Of a call that is tried again in halves, some stand in two.
    const called = [...new Set([...this.#calls].flat())];
    const first = [...this.#next.heads(), ...this.#again, ...called];
    const since = first.reduce((oldest, { at }) => Math.min(oldest, at), Infinity);
    const items = this.#next.size + this.#again.length + called.length;
    return { items, bytes: this.#bytes, oldestMs: items === 0 ? 0 : Math.max(0, Date.now() - since) };
  }

  /** For how long something has waited while nothing was answered, in milliseconds. */
  get standstillMs(): number {
    return this.#isIdle ? 0 : Date.now() - this.#progressAt;
  }

  /** Tries nothing again any more, and ends when no call is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake.resolve();
    await Promise.all(this.#busy);
  }

  get #batchBytes(): number {
    return this.#options.batchBytes ?? defaultBatchBytes;
  }

  get #isIdle(): boolean {
    return this.#next.size + this.#again.length + this.#calls.size === 0;
  }

  async #turn(): Promise<void> {
    // On the next turn of the event loop, so that what is asked for in this one goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#next.size + this.#again.length > 0) {
      const batch = this.#choose();
      if (batch.length > 0) await this.#call(batch);
      else if (this.#again.length > 0) await this.#pause();
      // What is left is of organisations with calls under way, which go on with it.
      else break;
    }
    // In the same breath as the look above: what is asked for from here on begins a turn of its own.
    this.#turns -= 1;
  }

  /** What is to be tried again comes first, since it has waited longer. */
  #choose(): Waiting<Item, Answer>[] {
    const { share } = this.#pace;
    const batchSize = Math.min(this.#options.batchSize, Math.max(minItems, this.#options.batchSize * share));
    const batchBytes = this.#batchBytes * share;
    const batch: Waiting<Item, Answer>[] = [];
    let bytes = 0;
    const fits = (waiting: Waiting<Item, Answer>): boolean =>
      batch.length === 0 || (batch.length < batchSize && bytes + waiting.bytes <= batchBytes);
    const take = (waiting: Waiting<Item, Answer>): void => {
      batch.push(waiting);
      bytes += waiting.bytes;
    };
    const now = Date.now();
    const left: Waiting<Item, Answer>[] = [];
    for (const waiting of this.#again) {
      const isDue = waiting.notBefore <= now || this.#closed;
      const isAlone = waiting.suspicions > patience;
      if (isDue && (isAlone ? batch.length === 0 : fits(waiting)) && !isFull(batch)) take(waiting);
      else left.push(waiting);
    }
    this.#again = left;
    if (isFull(batch)) return batch;
    const mayCall = this.#whoMayCall();
    for (let next = this.#next.peek(mayCall); next && fits(next); next = this.#next.peek(mayCall))
      take(this.#next.take(mayCall)!);
    return batch;
  }

  /** While several organisations are at work, each leaves one call to the others, who find it free when they come. */
  #whoMayCall(): (organisationId: string) => boolean {
    const { calls = 1 } = this.#options;
    if (calls === 1 || !this.#pace.isShared) return () => true;
    const called = [...this.#calls].map((batch) => new Set(batch.map(({ organisationId }) => organisationId)));
    return (organisationId) => called.filter((organisations) => organisations.has(organisationId)).length < calls - 1;
  }

  async #pause(): Promise<void> {
    this.#wake = Promise.withResolvers();
    const until = this.#again.reduce((first, { notBefore }) => Math.min(first, notBefore), Infinity);
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise((resolve) => (timer = setTimeout(resolve, Math.max(1, until - Date.now()))));
    await Promise.race([over, this.#wake.promise]);
    clearTimeout(timer);
  }

  async #call(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    this.#calls.add(batch);
    try {
      const since = performance.now();
      const answers = await this.#options.work(batch.map(({ item }) => item));
      this.#pace.took(this.#partOf(batch), performance.now() - since);
      this.#progressAt = Date.now();
      batch.forEach(({ resolve, bytes }, index) => {
        this.#bytes -= bytes;
        resolve(answers[index]!);
      });
    } catch (error) {
      await this.#failed(batch, error);
    } finally {
      this.#calls.delete(batch);
    }
  }

  /** The part of a full call that it is. */
  #partOf(batch: readonly Waiting<Item, Answer>[]): number {
    const bytes = batch.reduce((sum, waiting) => sum + waiting.bytes, 0);
    return Math.max(batch.length / this.#options.batchSize, bytes / this.#batchBytes);
  }

  async #failed(batch: readonly Waiting<Item, Answer>[], error: unknown): Promise<void> {
    const { name, metrics, passing } = this.#options;
    if (passing && !this.#closed && isPassing(error)) {
      metrics?.batchFailed(name, 'passing');
      return this.#tryAgain(batch, error);
    }
    // Without the database there is nothing to tell apart.
    if (batch.length > 1 && !this.#closed && passingOf(error) !== 'unavailable') {
      const half = Math.ceil(batch.length / 2);
      await this.#call(batch.slice(0, half));
      return this.#call(batch.slice(half));
    }
    metrics?.batchFailed(name, isPassing(error) ? 'passing' : 'refused');
    if (!isPassing(error)) this.#progressAt = Date.now();
    for (const { reject, bytes } of batch) {
      this.#bytes -= bytes;
      reject(error);
    }
  }

  #tryAgain(batch: readonly Waiting<Item, Answer>[], error: unknown): void {
    if (batch.some(({ failures }) => failures === 0)) this.#options.passing!(error);
    for (const waiting of batch) {
      waiting.notBefore = Date.now() + Math.min(firstPause * 2 ** waiting.failures, maxPauseMs);
      waiting.failures += 1;
      if (mayBeOfItem(error)) waiting.suspicions += 1;
      this.#again.push(waiting);
    }
  }
}

/** An item that is tried by itself shares its call with no other. */
function isFull(batch: readonly { readonly suspicions: number }[]): boolean {
  return batch.length === 1 && batch[0]!.suspicions > patience;
}

/** A lost connection (class 08, or no SQLSTATE at all) and a server that goes down (57P) say nothing of what was asked. */
function mayBeOfItem(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code ?? '');
  return /^[0-9][0-9A-Z]{4}$/.test(code) && !/^(08|57P)/.test(code);
}
