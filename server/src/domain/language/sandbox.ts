/** Where expressions and programs run: no clock, no randomness of its own, no network, bounded time, memory and output. */
export abstract class Sandbox {
  /** Runs each task in a state of its own and answers in the same order; one that fails does not touch the others. */
  abstract run(tasks: readonly SandboxTask[]): Promise<SandboxOutcome[]>;
}

/** One piece of work for the sandbox; it fails alone. */
export interface SandboxTask {
  /**
   * `expression` has 100 ms and 32 MB; `program`, the body of an async function, has 5 s and 64 MB; `schema` is a JSON
   * Schema, as JSON text, that the global `value` is held against, in 500 ms: its result is a list of faults; `yaml` is text to
   * parse, in 5 s.
   */
  kind: 'expression' | 'program' | 'schema' | 'yaml';
  source: string;
  /** Names the source may read, each with its value as JSON text; `undefined` declares the name without a value. */
  globals: Readonly<Record<string, string | undefined>>;
  /** What `Math.random` counts from; equal seeds give equal numbers. */
  seed: string;
  /** What the clock says, in milliseconds since 1970; it stands still. */
  now: number;
}

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

/** `error`: the source threw; the others are limits; `unavailable`: the sandbox is stopped. */
export type SandboxFailure = 'error' | 'time' | 'memory' | 'stack' | 'output' | 'unavailable';
