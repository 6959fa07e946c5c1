import { DBOS } from '@dbos-inc/dbos-sdk';
import { DBOSWorkflowCancelledError, DBOSWorkflowConflictError } from '@dbos-inc/dbos-sdk/internal/error';
import type { Json } from '../../domain/domain-error.ts';
import { isPassing } from '../../domain/passing-error.ts';
import { type Query, RunAbandonedError, type RunContext } from '../../domain/execution/engine.ts';

import type { HeldMemory } from './memory-shares.ts';

/** What a run needs of the engine. */
export interface RunServices {
  readonly draining: () => boolean;
  /** `signals` are those that the run waits for. */
  readonly suspend: (
    runId: string,
    until: number,
    signals: readonly string[],
    isOver?: (query: Query) => Promise<boolean>,
  ) => Promise<void>;
  readonly receive: (
    runId: string,
    name: string,
    timeoutAt: number | undefined,
    signal: AbortSignal,
  ) => Promise<{ payload: Json } | null>;
}

/** setTimeout takes no longer span. */
const longestTimer = 2_147_483_647;

/** One run in this process, as the body sees it and as the engine handles it. */
export class DbosRun implements RunContext {
  readonly runId: string;
  readonly resumed: boolean;
  readonly memory: HeldMemory;
  /** What the body is given; read when there is room for it. */
  input: Json = null;
  readonly #controller = new AbortController();
  readonly #services: RunServices;
  /** Fires when the body has ended, for waits that it has left behind. */
  readonly #over = new AbortController();
  /** The signals that are waited for, or came while this run was here: it must not be suspended over one of them. */
  readonly #awaited = new Set<string>();
  /** Rejects when the run is to be left; DBOS does not record a step that ends this way. */
  readonly #left: Promise<never>;
  #inFlight = 0;

  constructor(runId: string, resumed: boolean, memory: HeldMemory, services: RunServices) {
    this.runId = runId;
    this.resumed = resumed;
    this.memory = memory;
    this.#services = services;
    this.#left = new Promise<never>((_, reject) => {
      this.signal.addEventListener('abort', () => reject(new DBOSWorkflowConflictError(runId)));
    });
    this.#left.catch(() => undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Steps whose outcome is not recorded yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Ends when no step is in flight any more, or when the run is to be left. */
  async quiet(): Promise<void> {
    while (this.#inFlight > 0 && !this.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Makes the body end where it stands, without a trace; steps in flight are not recorded. */
  leave(reason: string): void {
    this.#controller.abort(new RunAbandonedError(this.runId, { cause: new Error(reason) }));
  }

  async step<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#guarded(async () => {
      this.#inFlight += 1;
      try {
        return await DBOS.runStep(() => this.#unlessAbandoned(() => work(this.signal)), { name: key });
      } finally {
        this.#inFlight -= 1;
      }
    });
  }

  /** DBOS records every error of a step but this one. */
  async #unlessAbandoned<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await Promise.race([work(), this.#left]);
    } catch (error) {
      // Nor may a database that cannot be used now be what a step has come to, since every replay would find it so.
      const isLeft = error instanceof RunAbandonedError || isPassing(error);
      throw isLeft ? new DBOSWorkflowConflictError(this.runId) : error;
    }
  }

  async sleepUntil(at: number): Promise<void> {
    await this.#guarded(async () => {
      while (Date.now() < at) await this.#pause(Math.min(at - Date.now(), longestTimer));
    });
  }

  async suspendUntil(at: number, isOver?: (query: Query) => Promise<boolean>): Promise<void> {
    await this.#guarded(() => this.#services.suspend(this.runId, at, [...this.#awaited], isOver));
    this.leave('The run rests.');
  }

  /** Not counted as in flight: it may be left at any time. */
  async awaitSignal(name: string, timeoutAt?: number): Promise<Json | undefined> {
    const signal = AbortSignal.any([this.signal, this.#over.signal]);
    this.#awaited.add(name);
    let remembered = true;
    return this.#guarded(async () => {
      const receive = (): Promise<{ payload: Json } | null> => {
        remembered = false;
        return this.#services.receive(this.runId, name, timeoutAt, signal);
      };
      const message = await DBOS.runStep(() => this.#unlessAbandoned(receive), { name: `signal:${name}` });
      if (remembered) this.#awaited.delete(name);
      return message?.payload;
    });
  }

  /** The body has ended; what it still waits for is of no interest, and it holds nothing any more. */
  end(): void {
    this.memory.end();
    this.#over.abort(new RunAbandonedError(this.runId, { cause: new Error('The run has ended.') }));
  }

  async select(key: string, pending: ReadonlyMap<string, Promise<unknown>>): Promise<string> {
    return this.#guarded(() => {
      const race = [...pending].map(([name, promise]) => promise.then(() => name));
      // Of those that a run leaves behind, nobody waits for the outcome.
      for (const one of race) one.catch(() => undefined);
      return DBOS.runStep(() => this.#unlessAbandoned(() => Promise.race(race)), { name: key });
    });
  }

  /** Whatever says that the run is no longer ours comes out as RunAbandonedError. The call itself is made synchronously: DBOS numbers calls in the order in which they are made. */
  async #guarded<T>(call: () => Promise<T>): Promise<T> {
    if (this.signal.aborted) throw this.signal.reason;
    if (this.#services.draining()) throw new RunAbandonedError(this.runId, { cause: new Error('The process stops.') });
    try {
      return await call();
    } catch (error) {
      if (error instanceof DBOSWorkflowConflictError || error instanceof DBOSWorkflowCancelledError) {
        this.leave('The run is no longer owned by this process.');
        throw new RunAbandonedError(this.runId, { cause: error });
      }
      if (isPassing(error)) {
        // It goes on where it stands, here or elsewhere, when the database is back.
        this.leave('The database cannot be used now.');
        throw new RunAbandonedError(this.runId, { cause: error });
      }
      throw error;
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await Promise.race([new Promise((resolve) => (timer = setTimeout(resolve, milliseconds))), this.#left]);
    } finally {
      clearTimeout(timer);
    }
  }
}
