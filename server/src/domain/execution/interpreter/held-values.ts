import type { RunContext } from '../engine.ts';
import type { Frame } from './frame.ts';
import type { NodeRun } from './node-run.ts';

/** Counts what one execution holds in memory: values of its open frames, and outcomes that its nodes have not taken up. */
export class HeldValues {
  readonly #context: Pick<RunContext, 'memory' | 'signal'>;
  readonly #memory: RunContext['memory'];
  readonly #stored: () => Promise<void> | undefined;

  /** `stored` is set while what was reported has to be stored before more is. */
  constructor(context: Pick<RunContext, 'memory' | 'signal'>, stored: () => Promise<void> | undefined) {
    this.#context = context;
    this.#memory = context.memory;
    this.#stored = stored;
  }

  /**
   * Ends when there is room for what a node reports and makes, which is kept free until `left`: whether it had to be waited for.
   * Throws RunAbandonedError when the run is to be left.
   */
  async entered(): Promise<boolean> {
    const { signal } = this.#context;
    const stored = this.#stored();
    if (stored) await stored;
    signal.throwIfAborted();
    const free = this.#memory.enter(signal);
    if (free) await free;
    return stored !== undefined || free !== undefined;
  }

  left(): void {
    this.#memory.leave();
  }

  /** So many bytes more are held until the frame is over. */
  inFrame(frame: Frame, bytes: number): void {
    frame.heldBytes += bytes;
    this.#memory.add(bytes);
  }

  frameOver(frame: Frame): void {
    this.#memory.add(-frame.heldBytes);
    frame.heldBytes = 0;
  }

  /** So many bytes more are held until the node takes them up; nobody holds them when it was cancelled. */
  outcome(run: NodeRun, bytes: number): void {
    if (run.cancelled.aborted) return;
    run.heldBytes += bytes;
    this.#memory.add(bytes);
  }

  takenUp(run: NodeRun): void {
    this.#memory.add(-run.heldBytes);
    run.heldBytes = 0;
  }
}
