import { isPassing } from './passing-error.ts';
import { currentOrganisation, outsideOrganisations } from './tenancy/current-organisation.ts';
import { watchBatcher } from './tenancy/shared-resources.ts';
import { Turns } from './tenancy/turns.ts';

export interface LaneOptions<Item, Answer> {
  /** Label of the metrics. */
  readonly name: string;
  /** Items of one call at most. */
  readonly batchSize: number;
  /** Calls under way at once. */
  readonly calls?: number;
  /** Does all or nothing, and answers in the order of the items. */
  readonly work: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** Hears of errors after which the call is tried again; without it nothing is tried again. */
  readonly passing?: (error: unknown) => void;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly since: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const firstPause = 20;
const longestPause = 2_000;

/**
 * Asks for many things in one call: what comes while a call is under way goes into the next one, so that the cost of each
 * falls as the load grows. Organisations take turns in what is more than one call takes. An item that the call refuses does
 * not spoil it for the others.
 */
export class Lane<Item, Answer> {
  readonly #options: LaneOptions<Item, Answer>;
  readonly #next = new Turns<Waiting<Item, Answer>>();
  readonly #busy = new Set<Promise<void>>();
  #closed = false;

  constructor(options: LaneOptions<Item, Answer>) {
    this.#options = options;
    watchBatcher(options.name, () => ({ items: this.#next.size, bytes: 0, oldestMs: this.#oldestMs() }));
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#next.push(currentOrganisation(), { item, since: Date.now(), resolve, reject });
      if (this.#busy.size >= (this.#options.calls ?? 1)) return;
      const turn: Promise<void> = outsideOrganisations(() => this.#turn()).finally(() => this.#busy.delete(turn));
      this.#busy.add(turn);
    });
  }

  /** Tries nothing again any more, and ends when no call is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#busy);
  }

  async #turn(): Promise<void> {
    // On the next turn of the event loop, so that what is asked for in this one goes along.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#next.size > 0) await this.#call(this.#next.takeMany(this.#options.batchSize));
  }

  async #call(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    const { work, passing } = this.#options;
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      try {
        const answers = await work(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(answers[index]!));
        return;
      } catch (error) {
        if (!passing || this.#closed || !isPassing(error)) return this.#isolate(batch, error);
        if (pause === firstPause) passing(error);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  #oldestMs(): number {
    let since = Infinity;
    for (const head of this.#next.heads()) since = Math.min(since, head.since);
    return Math.max(0, Date.now() - since);
  }

  async #isolate(batch: readonly Waiting<Item, Answer>[], error: unknown): Promise<void> {
    if (batch.length === 1 || this.#closed) return batch.forEach(({ reject }) => reject(error));
    for (const one of batch) await this.#call([one]);
  }
}
