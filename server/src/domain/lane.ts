import { isPassing } from './passing-error.ts';

export interface LaneOptions<Item, Answer> {
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
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

const firstPause = 20;
const longestPause = 2_000;

/**
 * Asks for many things in one call: what comes while a call is under way goes into the next one, so that the cost of each
 * falls as the load grows. An item that the call refuses does not spoil it for the others.
 */
export class Lane<Item, Answer> {
  readonly #options: LaneOptions<Item, Answer>;
  readonly #next: Waiting<Item, Answer>[] = [];
  readonly #busy = new Set<Promise<void>>();
  #closed = false;

  constructor(options: LaneOptions<Item, Answer>) {
    this.#options = options;
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#next.push({ item, resolve, reject });
      if (this.#busy.size >= (this.#options.calls ?? 1)) return;
      const turn: Promise<void> = this.#turn().finally(() => this.#busy.delete(turn));
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
    while (this.#next.length > 0) await this.#call(this.#next.splice(0, this.#options.batchSize));
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

  async #isolate(batch: readonly Waiting<Item, Answer>[], error: unknown): Promise<void> {
    if (batch.length === 1 || this.#closed) return batch.forEach(({ reject }) => reject(error));
    for (const one of batch) await this.#call([one]);
  }
}
