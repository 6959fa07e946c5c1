import type { SandboxGlobals, SandboxOutcome, SandboxTask } from '../../domain/language/sandbox.ts';

/** A task as a thread gets it. */
export interface ThreadTask extends Omit<SandboxTask, 'globals' | 'organisationId'> {
  readonly globals: SandboxGlobals;
}

/** What a thread is asked. */
export interface ThreadRequest {
  readonly id: number;
  /** Of the gate, when it was asked. */
  readonly epoch: number;
  readonly task: ThreadTask;
}

/** What a thread answers; `broken` asks for the thread's end, because its QuickJS can no longer be trusted. */
export interface ThreadAnswer {
  readonly id: number;
  readonly outcome: SandboxOutcome;
  /** Milliseconds of processor time. */
  readonly used: number;
  readonly broken: boolean;
}

/** What a thread says first. */
export const ready = 'ready';
