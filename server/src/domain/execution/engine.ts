import type { EntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../domain-error.ts';

/** What the engine is asked to run. */
export interface RunRequest {
  /** Names the run for ever; submitting it twice runs it once. */
  runId: string;
  /** A body that was registered, such as `graph@1`. */
  body: string;
  /** Given to the body, also when another process takes the run over. */
  input: Json;
  /** Whose run it is; how many of a tenant's runs are active at once, over all processes, may be limited. */
  tenant?: string;
  /** What the run is counted with besides. */
  group?: RunGroup;
}

/** Runs that are counted together, over all processes. */
export interface RunGroup {
  id: string;
  /**
   * The run starts only while fewer runs of its group than this are active, in the order in which they were submitted;
   * without it the run starts at once. A run is active from its start to its end, unless it rests (suspendUntil): then
   * it waits for a place again before it goes on, ahead of those that were submitted after it.
   */
  concurrency?: number;
}

/** Rows of the application that are stored in the same statement as runs. */
export interface RowsBeside {
  /** Names the statement, whose text is always the same. */
  readonly name: string;
  /** SQL that stores them, of one query; `parameter` stands for the value. */
  readonly sql: (parameter: string) => string;
  readonly value: unknown;
}

/** How a process stands as a worker. */
export interface EngineHealth {
  ok: boolean;
  /** Runs in progress in this process. */
  running: number;
  /** Runs that wait for a process, or for others of their tenant or group to end; counted to 100,000. */
  queued: number;
  detail?: string;
}

/** Runs a query in a transaction or on a connection that somebody else has opened. */
export type Query = (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>;

/** A run that waits outside of any process. */
export interface SuspendedRun {
  readonly runId: string;
  /** The signals that it waits for. */
  readonly signals: readonly string[];
  /** Whether it waits until `isOver` of its suspendUntil holds. */
  readonly held: boolean;
  /** When it was suspended. */
  readonly since: Date;
}

/** The body of a run. It is replayed from the start after a crash, so its calls on the context have one fixed order. */
export type RunBody = (context: RunContext, input: Json) => Promise<void>;

/**
 * Durable execution: runs outlive the process that accepted them. Bound to one technology in `platform/engine`; a process
 * has one engine.
 */
export abstract class Engine {
  /** Makes a body known before the start. A change in the order of its calls is a new name; old names stay registered. */
  abstract register(body: string, run: RunBody): void;

  /**
   * Records the runs in the transaction of `em`, and starts them when that commits: nothing accepted is lost, nothing starts
   * that was rolled back. Outside of a transaction the statement that also stores the `rows` is one, which takes one round
   * trip. Throws EngineUnavailableError when this process takes no work, and Error outside of a transaction without rows.
   */
  abstract submit(runs: readonly RunRequest[], em: EntityManager, rows?: RowsBeside): Promise<void>;

  /**
   * Ends the runs without their bodies; their signals fire within about a second, in whichever process they run. No-op for
   * those that have ended. With `em`, when the transaction of `em` commits.
   */
  abstract cancel(runIds: readonly string[], em?: EntityManager): Promise<void>;

  /**
   * Hands `payload` to the run's `awaitSignal(name)`, now or when it gets there, and ends the rest of a run that rests. The
   * first signal of a name counts, later ones are ignored, and so are signals to runs that have ended. With `em`, it is
   * sent when the transaction of `em` commits.
   */
  abstract signal(runId: string, name: string, payload: Json, em?: EntityManager): Promise<void>;

  /** Resumes a suspended run (suspendUntil), with `em` when the transaction of `em` commits; answers whether it was suspended. */
  abstract wake(runId: string, em?: EntityManager): Promise<boolean>;

  /** Whether this process is the one that does what one process does for all, such as sweeps; another takes its place when it dies. */
  abstract readonly leads: boolean;

  /** Suspended runs (suspendUntil) of all processes with an id behind `after`, by id. */
  abstract suspended(after: string, limit: number): Promise<SuspendedRun[]>;

  /** Those of the given runs that have ended for the engine, for whatever reason, or that it never knew. */
  abstract ended(runIds: readonly string[]): Promise<string[]>;

  /** Removes what is remembered of those of the given runs that have ended. */
  abstract forget(runIds: readonly string[]): Promise<void>;

  abstract health(): Promise<EngineHealth>;

  /** Takes up work, including the runs of processes that died. */
  abstract start(): Promise<void>;

  /**
   * Starts nothing new, gives steps in progress `graceMs` (a default of its own unless told), and leaves the rest to other
   * processes or the next start.
   */
  abstract stop(graceMs?: number): Promise<void>;
}

/** What the body of a run may do; only the scheduler calls it. */
export interface RunContext {
  readonly runId: string;
  /** True when the run may have steps behind it: taken over, resumed or dequeued. */
  readonly resumed: boolean;
  /** Fires when the run is cancelled, belongs to another process, or this process stops. */
  readonly signal: AbortSignal;
  readonly memory: RunMemory;
  /**
   * Runs `work` once and remembers the JSON that it returned; only a step in flight at a crash runs again. `work` must not
   * throw, except RunAbandonedError to be run again elsewhere. Rejects with RunAbandonedError when the run is no longer this process's to continue.
   */
  step<T>(key: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Waits; `at` (milliseconds since 1970) must be the same at every replay. */
  sleepUntil(at: number): Promise<void>;
  /**
   * Lets the run rest outside of any process, so that a long wait costs nothing, until about `at`; then it is resumed
   * wherever there is room. A signal that it waits for ends the rest, and so does `wake`. No step may be in flight. The
   * body is left: its pending calls reject with RunAbandonedError. With `isOver`, only `wake` ends the rest; it is asked in the transaction
   * that suspends the run, under the lock that `wake` takes too: what the run would be woken for may have happened just
   * before.
   */
  suspendUntil(at: number, isOver?: (query: Query) => Promise<boolean>): Promise<void>;
  /** The payload of the signal of that name, remembered like that of a step; undefined when there is none at `timeoutAt`. */
  awaitSignal(name: string, timeoutAt?: number): Promise<Json | undefined>;
  /** Which of the pending promises settles first; the answer is remembered. They must not reject, except as abandoned. */
  select(key: string, pending: ReadonlyMap<string, Promise<unknown>>): Promise<string>;
}

/**
 * What the run holds of the memory that all runs of the process share. A tenant whose runs hold more than its share waits
 * before they make more; the oldest run always goes on in the end.
 */
export interface RunMemory {
  /** Counts so many bytes more that the run holds, or fewer. */
  add(bytes: number): void;
  /**
   * Set while the run has to wait before it makes another value; ends when it may. Room for the value is kept free until
   * `leave`. Rejects with the reason of the signal.
   */
  enter(signal: AbortSignal): Promise<void> | undefined;
  /** The value is made, and counted by `add`. */
  leave(): void;
  /** As `enter`, for so many bytes, which are counted when there is room for them. */
  reserve(signal: AbortSignal, bytes: number): Promise<void> | undefined;
}

/** The run goes on elsewhere, later or not at all; its body must end without a trace. */
export class RunAbandonedError extends Error {
  override readonly name = 'RunAbandonedError';

  constructor(runId: string, options?: ErrorOptions) {
    super(`Run ${runId} is not this process's to continue.`, options);
  }
}
