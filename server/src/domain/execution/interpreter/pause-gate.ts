import type { EarlyProjection } from './early-projection.ts';
import type { Hold } from './graph-run-options.ts';
import type { NodeRun } from './node-run.ts';
import type { PendingCommands } from './pending-commands.ts';
import type { Rest } from './rest.ts';

export interface PauseGateOptions {
  /** None where an execution cannot be paused. */
  readonly hold: Hold | undefined;
  readonly pending: PendingCommands;
  readonly earlyProjection: EarlyProjection;
  readonly rest: Rest;
}

/** Lets no node begin while the execution is paused. */
export class PauseGate {
  readonly #options: PauseGateOptions;

  constructor(options: PauseGateOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#options.hold?.isHeld() ?? false;
  }

  /** Whether it is closed, once all news of pauses so far have been read. */
  async isKnownClosed(): Promise<boolean> {
    while (this.#options.hold?.known) await this.#options.hold.known;
    return this.isClosed;
  }

  /**
   * Lets commands in flight come to their end and be reported, then suspends the run. Their outcomes are not taken up before
   * the pause is over: a replay would begin the nodes that are held back first, and number its commands otherwise.
   */
  async wait(): Promise<void> {
    const hold = this.#options.hold!;
    const busy = this.#options.pending.runs.filter(({ waits }) => waits === undefined);
    await Promise.race([Promise.allSettled(busy.map((run) => this.#report(run))), hold.released()]);
    if (hold.isHeld()) await this.#options.rest.whileHeld(hold);
  }

  async #report(run: NodeRun): Promise<void> {
    const { pending } = run;
    await this.#options.earlyProjection.report(run, await pending!, () => this.isClosed && run.pending === pending);
  }
}
