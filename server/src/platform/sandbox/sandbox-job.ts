import type { SandboxOutcome, SandboxTask } from '../../domain/language/sandbox.ts';

/** A task on its way through the queue and the threads; settles once. */
export class SandboxJob {
  readonly task: SandboxTask;
  /** When it began to wait, on the clock of `performance`. */
  readonly since = performance.now();
  readonly #settle: (outcome: SandboxOutcome) => void;
  #isSettled = false;

  constructor(task: SandboxTask, settle: (outcome: SandboxOutcome) => void) {
    this.task = task;
    this.#settle = settle;
  }

  get tenantId(): string {
    return this.task.organisationId;
  }

  /** True when nobody waits for its outcome any more. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  settle(outcome: SandboxOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settle(outcome);
  }

  fail(reason: Exclude<SandboxOutcome, { ok: true }>['reason'], message: string): void {
    this.settle({ ok: false, reason, message });
  }
}
