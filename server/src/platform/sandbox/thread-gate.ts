const stateAt = 0;
const epochAt = 1;
const keptAt = 2;
const beatAt = 3;
const running = 0;
const toPause = 1;
const paused = 2;
const toStop = 3;

/**
 * What the main thread and a thread of the sandbox share without messages, since a thread that runs a program hears none:
 * whether the program is to pause or to stop, and since when jobs that were handed over are called back.
 */
export class ThreadGate {
  /** For the other thread. */
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** True once the other thread stands still. */
  get isPaused(): boolean {
    return Atomics.load(this.#cells, stateAt) === paused;
  }

  /** True while nothing keeps the other thread from running. */
  get isOpen(): boolean {
    return Atomics.load(this.#cells, stateAt) === running;
  }

  /** Belongs to every request; those of an earlier epoch were called back. */
  get epoch(): number {
    return Atomics.load(this.#cells, epochAt);
  }

  /** How often the program has looked at its clock, which tells a slow one from one that hangs in a loop of QuickJS itself. */
  get beats(): number {
    return Atomics.load(this.#cells, beatAt);
  }

  /** The program pauses when it next looks at its clock. */
  close(): void {
    Atomics.compareExchange(this.#cells, stateAt, running, toPause);
  }

  /** The program goes on; also takes `stop` back. */
  open(): void {
    Atomics.store(this.#cells, stateAt, running);
    Atomics.notify(this.#cells, stateAt);
  }

  /** The program ends when it next looks at its clock. */
  stop(): void {
    Atomics.store(this.#cells, stateAt, toStop);
    Atomics.notify(this.#cells, stateAt);
  }

  /** Calls all requests back that were sent so far, but for one that may have begun. */
  callBack(keptId: number): void {
    Atomics.store(this.#cells, keptAt, keptId);
    Atomics.add(this.#cells, epochAt, 1);
  }

  /** For the thread that got a request: whether it was called back. */
  isCalledBack({ id, epoch }: { readonly id: number; readonly epoch: number }): boolean {
    return epoch !== this.epoch && id !== Atomics.load(this.#cells, keptAt);
  }

  /** For the thread that runs the program: waits while it is to pause, and answers whether it is to stop. */
  pass(): boolean {
    Atomics.add(this.#cells, beatAt, 1);
    for (;;) {
      const state = Atomics.load(this.#cells, stateAt);
      if (state === running) return false;
      if (state === toStop) return true;
      if (state === toPause) Atomics.compareExchange(this.#cells, stateAt, toPause, paused);
      else Atomics.wait(this.#cells, stateAt, paused);
    }
  }
}
