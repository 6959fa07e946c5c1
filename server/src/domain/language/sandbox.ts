/** Where expressions and programs run: no clock, no randomness of its own, no network, bounded time, memory and output. */
export abstract class Sandbox {
  /**
   * Runs each task in a state of its own and answers in the same order; one that fails does not touch the others. Tasks of
   * different organisations take turns by the processor time that each has used.
   */
  abstract run(tasks: readonly SandboxTask[], options?: SandboxRunOptions): Promise<SandboxOutcome[]>;
}

/** How long the tasks are of use to whoever asks. */
export interface SandboxRunOptions {
  /** Takes the tasks that wait out of the queue and stops the one that runs; they fail as `cancelled`. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds that a task may wait for its turn before it fails as `busy`. It also fails as `busy`, at once, when too many
   * of its organisation's wait already (`sandboxShares` of the plan). Without it a task waits as long as it takes.
   */
  readonly maxWaitMs?: number;
}

/** One piece of work for the sandbox; it fails alone. */
export interface SandboxTask {
  /** Whose turn it takes, and whose share of the threads. */
  organisationId: string;
  /**
   * `expression` has 100 ms and 32 MB; `program`, the body of an async function, has 5 s and 64 MB; `schema` is a JSON
   * Schema, as JSON text, that the global `value` is held against, in 500 ms: its result is a list of faults, of the schema
   * itself where there is no `value`; `yaml` is text to
   * parse, in 5 s.
   */
  kind: SandboxTaskKind;
  source: string;
  /**
   * Names the source may read, each with its value as JSON text; `undefined` declares the name without a value. Asked for
   * when the task gets its turn, and perhaps again, so that what waits holds no text; must be the same every time. A promise
   * where the texts are large, which are written in pieces; it does not reject.
   */
  globals: () => SandboxGlobals | Promise<SandboxGlobals>;
  /** What `Math.random` counts from; equal seeds give equal numbers. */
  seed: string;
  /** What the clock says, in milliseconds since 1970; it stands still. */
  now: number;
}

/** JSON texts by name. */
export type SandboxGlobals = Readonly<Record<string, string | undefined>>;

/** What a task is; each kind has threads of its own. */
export const sandboxTaskKinds = ['expression', 'program', 'schema', 'yaml'] as const;
export type SandboxTaskKind = (typeof sandboxTaskKinds)[number];

/** What a task came to. */
export type SandboxOutcome =
  | {
      ok: true;
      /** JSON text; `undefined` when the value has none. */
      json: string | undefined;
      logs: readonly SandboxLog[];
    }
  | { ok: false; reason: SandboxFailure; message: string };

/** Lines of a program that are kept, and characters of each; what comes beyond is left out. */
export const maxLogLines = 200;
export const maxLogMessage = 4_000;

/** How urgent a line of `console` is. */
export const sandboxLogLevels = ['debug', 'info', 'warn', 'error'] as const;
export type SandboxLogLevel = (typeof sandboxLogLevels)[number];

/** A line the program wrote with `console`. */
export interface SandboxLog {
  level: SandboxLogLevel;
  message: string;
}

/**
 * `error`: the source threw; `time`, `memory`, `stack`, `output`: limits; `unavailable`: the sandbox is stopped; `busy`: no turn
 * came in time; `cancelled`: the signal fired.
 */
export type SandboxFailure = 'error' | 'time' | 'memory' | 'stack' | 'output' | 'unavailable' | 'busy' | 'cancelled';
