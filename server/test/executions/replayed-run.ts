import type { Json } from '../../src/domain/domain-error.ts';
import { type Query, RunAbandonedError, type RunContext, type RunMemory } from '../../src/domain/execution/engine.ts';

/** setTimeout takes no longer span. */
const longestTimer = 2_147_483_647;

interface Recorded {
  readonly key: string;
  readonly json: string;
}

/** What is remembered of one run, whichever process it is in. */
export class RunJournal {
  readonly #recorded: Recorded[] = [];
  readonly #signals = new Map<string, PromiseWithResolvers<Json>>();

  /** Throws when a replay asks for something else than was asked for at first. */
  find(number: number, key: string): Recorded | undefined {
    const found = this.#recorded[number];
    if (found && found.key !== key) throw new Error(`Call ${number} was ${found.key} and is ${key} at the replay.`);
    return found;
  }

  add(number: number, key: string, value: unknown): void {
    this.#recorded[number] = { key, json: JSON.stringify(value ?? null) };
  }

  /** The first of a name counts. */
  signal(name: string, payload: Json): void {
    this.waitFor(name).resolve(payload);
  }

  waitFor(name: string): PromiseWithResolvers<Json> {
    const known = this.#signals.get(name) ?? Promise.withResolvers<Json>();
    this.#signals.set(name, known);
    return known;
  }
}

/** What a run waits for outside of its process. */
export interface RunSuspension {
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly signals: readonly string[];
  /** Whether it waits for the end of a pause alone. */
  readonly isHeld: boolean;
}

/** Counts what a run holds, and never lets it wait. */
export class CountedMemory implements RunMemory {
  held = 0;
  making = 0;

  add(bytes: number): void {
    this.held += bytes;
  }

  enter(): undefined {
    this.making += 1;
  }

  leave(): void {
    this.making -= 1;
  }

  reserve(_: AbortSignal, bytes: number): undefined {
    this.held += bytes;
  }
}

/** A run as the engine gives it to its body, without an engine: remembered in a RunJournal, from which it is replayed. */
export class ReplayedRun implements RunContext {
  readonly memory = new CountedMemory();
  /** Set when the run was suspended. */
  suspension: RunSuspension | undefined;
  readonly #controller = new AbortController();
  readonly #left = Promise.withResolvers<never>();
  readonly #awaited = new Set<string>();
  #number = 0;
  #inFlight = 0;

  constructor(
    readonly runId: string,
    readonly journal: RunJournal,
    readonly resumed: boolean,
    /** Milliseconds that it takes to record an outcome. */
    readonly recordMs = 0,
  ) {
    this.#left.promise.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  leave(): void {
    const error = new RunAbandonedError(this.runId);
    this.#controller.abort(error);
    this.#left.reject(error);
  }

  /** The body has ended. */
  end(): void {
    this.#left.reject(new RunAbandonedError(this.runId));
  }

  async step<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#remembered(key, async () => {
      this.#inFlight += 1;
      try {
        return await work(this.signal);
      } finally {
        this.#inFlight -= 1;
      }
    });
  }

  async sleepUntil(at: number): Promise<void> {
    this.signal.throwIfAborted();
    await Promise.race([sleepUntil(at, this.#left.promise), this.#left.promise]);
  }

  async suspendUntil(at: number, isOver?: (query: Query) => Promise<boolean>): Promise<void> {
    this.signal.throwIfAborted();
    if (this.#inFlight > 0) throw new Error('The run is suspended while a step is in flight.');
    const isHeld = isOver !== undefined && !(await isOver(async () => []));
    this.suspension = { until: isOver ? Date.now() : at, signals: [...this.#awaited], isHeld };
    this.leave();
  }

  async awaitSignal(name: string, timeoutAt?: number): Promise<Json | undefined> {
    this.#awaited.add(name);
    const message = await this.#remembered(`signal:${name}`, () => {
      const sent = this.journal.waitFor(name).promise.then((payload) => ({ payload }));
      if (timeoutAt === undefined) return sent;
      return Promise.race([sent, sleepUntil(timeoutAt, this.#left.promise).then(() => null)]);
    });
    this.#awaited.delete(name);
    return message?.payload;
  }

  async select(key: string, pending: ReadonlyMap<string, Promise<unknown>>): Promise<string> {
    const race = [...pending].map(([name, promise]) => promise.then(() => name));
    for (const one of race) one.catch(() => undefined);
    return this.#remembered(key, () => Promise.race(race));
  }

  /** Calls are numbered in the order in which they are made. */
  async #remembered<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const number = this.#number++;
    const recorded = this.journal.find(number, key);
    if (recorded) return JSON.parse(recorded.json) as T;
    const value = await Promise.race([work(), this.#left.promise]);
    if (this.recordMs > 0) await sleepUntil(Date.now() + this.recordMs, this.#left.promise);
    this.signal.throwIfAborted();
    this.journal.add(number, key, value);
    return value;
  }
}

/** Ends at the time; with `left`, its timer is gone when that rejects. */
export async function sleepUntil(at: number, left?: Promise<never>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  left?.catch(() => clearTimeout(timer));
  while (Date.now() < at) {
    const span = Math.min(at - Date.now(), longestTimer);
    await new Promise((resolve) => (timer = setTimeout(resolve, span)));
  }
}
