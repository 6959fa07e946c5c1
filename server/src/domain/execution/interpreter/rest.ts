import { failpoint } from '../../failpoints.ts';
import { RunAbandonedError, type RunContext } from '../engine.ts';
import type { Chronicle } from './chronicle.ts';
import type { Hold } from './graph-run-options.ts';
import type { NodeRun } from './node-run.ts';

/** Shortest wait that is worth calling the whole execution waiting. */
const notableWait = 1_000;
/** When a run is suspended rather than left to wait in its process; in milliseconds. */
export interface SuspensionTimes {
  /** A wait from which on a run is suspended; it is resumed up to two seconds late. */
  readonly longWait: number;
  /** How long an answer from outside is waited for in the process; many come at once, and a suspension costs a replay. */
  readonly patience: number;
}

export const suspensionTimes: SuspensionTimes = { longWait: 20_000, patience: 2_000 };
/** Where no end is known, a run looks again after a year. */
export const longestRest = 366 * 86_400_000;

export interface RestOptions {
  readonly context: RunContext;
  readonly chronicle: Chronicle;
  readonly times?: SuspensionTimes;
  readonly fault: (error: unknown, path: string) => void;
}

/** Sees to it that an execution in which only time passes says so, and rests outside of the process when that takes long. */
export class Rest {
  readonly #options: RestOptions;
  readonly #times: SuspensionTimes;
  #timer: NodeJS.Timeout | undefined;
  /** Counts what went on, so that a suspension that was prepared meanwhile is given up. */
  #turns = 0;

  constructor(options: RestOptions) {
    this.#options = options;
    this.#times = options.times ?? suspensionTimes;
  }

  /** Nothing goes on but what these nodes wait for. */
  idle(runs: readonly NodeRun[]): void {
    this.over();
    const first = firstOf(runs);
    if (!first) return;
    const until = first.waits!.until;
    const left = until - Date.now();
    if (left < notableWait) return;
    const answered = runs.filter((run) => run.waits!.reason !== 'delay');
    if (answered.every((run) => run.waits!.reason !== 'execution')) this.#tell(answered[0] ?? first);
    if (left < this.#times.longWait) return;
    if (answered.length === 0) return void this.#suspend(until);
    this.#timer = setTimeout(() => {
      this.#tell(answered[0]!);
      void this.#suspend(until);
    }, this.#times.patience);
  }

  /** Lets the run rest until the hold is over; never returns. */
  async whileHeld(hold: Hold): Promise<never> {
    const { context, chronicle } = this.#options;
    await chronicle.stored();
    await context.suspendUntil(Date.now() + longestRest, (query) => hold.isOver(query));
    throw new RunAbandonedError(context.runId);
  }

  /** Something goes on. */
  over(): void {
    this.#turns += 1;
    clearTimeout(this.#timer);
  }

  #tell(run: NodeRun): void {
    const { until, reason } = run.waits!;
    this.#options.chronicle.waits(run.path, run.lastKey, Number.isFinite(until) ? new Date(until) : undefined, reason);
  }

  /**
   * What is waited for is stored first: a process that dies right after must not leave behind a run that waits for an
   * approval which nobody can find. Should it fail, the run waits where it is.
   */
  async #suspend(until: number): Promise<void> {
    const { context, chronicle, fault } = this.#options;
    const turn = this.#turns;
    try {
      await chronicle.stored();
      failpoint('suspend.told');
      if (turn === this.#turns) await context.suspendUntil(Math.min(until, Date.now() + longestRest));
    } catch (error) {
      if (!(error instanceof RunAbandonedError)) fault(error, 'a wait');
    }
  }
}

function firstOf(runs: readonly NodeRun[]): NodeRun | undefined {
  if (runs.some(({ waits }) => waits === undefined)) return undefined;
  return runs.reduce<NodeRun | undefined>(
    (first, run) => (!first || run.waits!.until < first.waits!.until ? run : first),
    undefined,
  );
}
