/** Work that comes back again and again, such as due schedules, deliveries to send, rows whose time is over. */
export interface WorkerLoop {
  /** Milliseconds from the end of one round to the begin of the next; a whole number from 1. */
  readonly everyMs: number;
  /**
   * Whether it does what people wait for, so that the process is not ready while all of its rounds fail or one does not end.
   * Without it failures show in the log, and both in the metrics.
   */
  readonly isVital?: boolean;
  /**
   * One round. `true` says that more is to be done at once. Several processes may be in the same loop at a time, so rows
   * are claimed with `for update skip locked`. `signal` fires when the process stops; what is not done by then is left to
   * the others. An error is logged, and the next round comes when it would have come.
   */
  run(signal: AbortSignal): Promise<boolean | void>;
}

/** Loops that run in every process with a worker role, from the start of the application to its end. */
export abstract class WorkerLoops {
  /** Adds a loop under a name of its own; the first round comes with the start, or at once when that was before. */
  abstract add(name: string, loop: WorkerLoop): void;

  /**
   * Lets the next round of the loop begin now, here or in a worker process elsewhere. A hint and no more: it may get lost.
   * Call it after the commit of what the round is to find; a name that nobody added is ignored.
   */
  abstract wake(name: string): void;
}
