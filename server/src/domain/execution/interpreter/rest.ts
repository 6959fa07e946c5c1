import { RunAbandonedError, type RunContext } from '../engine.ts';
import type { Chronicle } from './chronicle.ts';
import type { Hold } from './graph-run-options.ts';
import type { NodeRun } from './node-run.ts';

/** Shortest wait that is worth calling the whole execution waiting. */
const notableWait = 1_000;
/** A wait from which on a run rests outside of the process; it is resumed up to two seconds late. */
const longWait = 20_000;
/** How long an answer from outside is waited for in the process; many come at once, and a rest costs a replay. */
const patience = 2_000;
/** Where no end is known, a run looks again after a year. */
export const longestRest = 366 * 86_400_000;

export interface RestOptions {
  readonly context: RunContext;
  readonly chronicle: Chronicle;
  readonly fault: (error: unknown, path: string) => void;
}

/** Sees to it that an execution in which only time passes says so, and rests outside of the process when that takes long. */
export class Rest {
  readonly #options: RestOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Nothing goes on but what these nodes wait for. */
  idle(runs: readonly NodeRun[]): void {
    clearTimeout(this.#timer);
    const first = firstOf(runs);
    if (!first) return;
    const until = first.waits!.until;
    const left = until - Date.now();
    if (left < notableWait) return;
    const answered = runs.filter((run) => run.waits!.reason !== 'delay');
    if (answered.every((run) => run.waits!.reason !== 'execution')) this.#tell(answered[0] ?? first);
    if (left < longWait) return;
    if (answered.length === 0) return this.#suspend(until);
    this.#timer = setTimeout(() => {
      this.#tell(answered[0]!);
      this.#suspend(until);
    }, patience);
  }

  /** Lets the run rest until the hold is over; never returns. */
  async whileHeld(hold: Hold): Promise<never> {
    const { context } = this.#options;
    await context.suspendUntil(Date.now() + longestRest, () => hold.isOver());
    throw new RunAbandonedError(context.runId);
  }

  /** Something goes on. */
  over(): void {
    clearTimeout(this.#timer);
  }

  #tell(run: NodeRun): void {
    const { until, reason } = run.waits!;
    this.#options.chronicle.waits(run.path, run.lastKey, Number.isFinite(until) ? new Date(until) : undefined, reason);
  }

  /** Should it fail, the run waits where it is. */
  #suspend(until: number): void {
    const { context, fault } = this.#options;
    context.suspendUntil(Math.min(until, Date.now() + longestRest)).catch((error: unknown) => {
      if (!(error instanceof RunAbandonedError)) fault(error, 'a wait');
    });
  }
}

function firstOf(runs: readonly NodeRun[]): NodeRun | undefined {
  if (runs.some(({ waits }) => waits === undefined)) return undefined;
  return runs.reduce<NodeRun | undefined>(
    (first, run) => (!first || run.waits!.until < first.waits!.until ? run : first),
    undefined,
  );
}
