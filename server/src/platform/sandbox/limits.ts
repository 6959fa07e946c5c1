import type { SandboxTaskKind } from '../../domain/language/sandbox.ts';

/** What one evaluation may use. */
export interface SandboxLimits {
  /** Milliseconds of processor time. */
  time: number;
  /** Bytes of QuickJS heap. */
  memory: number;
  /** Bytes of QuickJS stack. */
  stack: number;
  /** Characters of JSON in the result. */
  output: number;
}

const MiB = 1024 * 1024;

export const sandboxLimits: Readonly<Record<SandboxTaskKind, SandboxLimits>> = {
  expression: { time: 100, memory: 32 * MiB, stack: 256 * 1024, output: MiB },
  // These two run on the thread itself, whose own heap limit is the one that counts.
  schema: { time: 500, memory: 768 * MiB, stack: 16 * MiB, output: MiB },
  yaml: { time: 5_000, memory: 768 * MiB, stack: 16 * MiB, output: 8 * MiB },
  program: { time: 5_000, memory: 64 * MiB, stack: 512 * 1024, output: 4 * MiB },
};

/**
 * Milliseconds that a task may stay without an answer beyond its processor time, before its thread is ended: QuickJS does
 * not look at the clock inside some of its native loops, and a busy machine runs threads late.
 */
export const grace = 400;

/** Milliseconds after which jobs do not wait any longer behind the one that runs in their thread. */
export const slowAfter = 50;
