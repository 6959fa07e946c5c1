import type { DbosRun } from './dbos-run.ts';

/** The runs that are in this process: those at work, and those that wait for room to begin. */
export class RunsAtWork {
  readonly #runs = new Map<string, DbosRun>();
  /** By run and token; a run that was taken away may be here twice for a moment. */
  readonly #handed = new Map<string, DbosRun>();

  get size(): number {
    return this.#runs.size;
  }

  get ids(): string[] {
    return [...this.#runs.keys()];
  }

  add(run: DbosRun, token: string): void {
    this.leave(run.runId, 'The run was handed to this process again.');
    this.#runs.set(run.runId, run);
    this.#handed.set(`${run.runId} ${token}`, run);
  }

  /** The run that was handed to this process under the token. */
  get(runId: string, token: string): DbosRun | undefined {
    return this.#handed.get(`${runId} ${token}`);
  }

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }

  /** A second time changes nothing. */
  end(run: DbosRun, token: string): void {
    run.end();
    this.#handed.delete(`${run.runId} ${token}`);
    if (this.#runs.get(run.runId) === run) this.#runs.delete(run.runId);
  }

  /** Leaves the run, if it is here. */
  leave(runId: string, reason: string): void {
    this.#runs.get(runId)?.leave(reason);
  }

  /** A call that leaves those of the runs that are here now, and none that come later under the same id. */
  leaver(): (runId: string, reason: string) => void {
    const here = new Map(this.#runs);
    return (runId, reason) => here.get(runId)?.leave(reason);
  }

  /** Leaves all: those that only wait at once, the others at the end of the step they are in, or after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const deadline = Date.now() + graceMs;
    for (;;) {
      const busy = [...this.#runs.values()].filter((run) => run.inFlight > 0);
      for (const run of this.#runs.values()) if (run.inFlight === 0) run.leave('The process stops.');
      if (busy.length === 0 || Date.now() >= deadline) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const run of this.#runs.values()) run.leave('The process stops.');
  }
}
