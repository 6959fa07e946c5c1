/** Tells every process that the log of an execution has grown. A hint and no more: whoever listens also looks now and then. */
export abstract class LiveChannel {
  abstract start(): Promise<void>;
  abstract stop(): Promise<void>;

  /**
   * Wakes the listeners of this process at once and those of the others within milliseconds; never throws. `undefined` tells
   * them to look for themselves, as after news that were missed: the execution was paused or resumed.
   */
  abstract publish(executionId: string, ended: boolean | undefined): void;

  /** Calls `wake` at news of the execution, and with `ended` undefined when news may have been missed. Returns the way to stop. */
  abstract subscribe(executionId: string, wake: (ended: boolean | undefined) => void): () => void;
}
