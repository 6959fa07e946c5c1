import { type WorkerLoop, WorkerLoops } from '../../domain/worker-loops.ts';

export interface ProcessWorkerLoopsOptions {
  /** False in a process that only serves the API: its loops never run, and a wake goes to the others. */
  readonly works: boolean;
  readonly warn: (message: string, error: unknown) => void;
  /** Passes a wake on to the other processes; must not throw. */
  readonly tellOthers: (name: string) => void;
}

/** The loops of this process, each in a turn of its own, one round at a time. */
export class ProcessWorkerLoops extends WorkerLoops {
  readonly #options: ProcessWorkerLoopsOptions;
  readonly #loops = new Map<string, Turns>();
  readonly #stop = new AbortController();
  #started = false;

  constructor(options: ProcessWorkerLoopsOptions) {
    super();
    this.#options = options;
  }

  add(name: string, loop: WorkerLoop): void {
    if (this.#loops.has(name)) throw new Error(`There is a worker loop ${name} already; give this one another name.`);
    const turns = new Turns(name, loop, this.#stop.signal, this.#options.warn);
    this.#loops.set(name, turns);
    if (this.#started) turns.start();
  }

  wake(name: string): void {
    if (this.#options.works) this.wakeHere(name);
    else this.#options.tellOthers(name);
  }

  /** What another process asked for. */
  wakeHere(name: string): void {
    this.#loops.get(name)?.wake();
  }

  start(): void {
    if (this.#started || !this.#options.works) return;
    this.#started = true;
    for (const turns of this.#loops.values()) turns.start();
  }

  /** Ends when no round is under way any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#loops.values()].map((turns) => turns.ended));
  }
}

/** One loop: rounds and pauses. */
class Turns {
  readonly #name: string;
  readonly #loop: WorkerLoop;
  readonly #stop: AbortSignal;
  readonly #warn: ProcessWorkerLoopsOptions['warn'];
  #interrupt: (() => void) | undefined;
  #woken = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(name: string, loop: WorkerLoop, stop: AbortSignal, warn: ProcessWorkerLoopsOptions['warn']) {
    this.#name = name;
    this.#loop = loop;
    this.#stop = stop;
    this.#warn = warn;
    stop.addEventListener('abort', () => this.wake());
  }

  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Ends the pause, or lets the round under way be followed by another, since it may not see what came meanwhile. */
  wake(): void {
    this.#woken = true;
    this.#interrupt?.();
  }

  start(): void {
    this.#ended = this.#turn();
  }

  async #turn(): Promise<void> {
    while (!this.#stop.aborted) {
      this.#woken = false;
      const more = await this.#round();
      if (!more) await this.#pause();
    }
  }

  async #round(): Promise<boolean> {
    try {
      return (await this.#loop.run(this.#stop)) === true;
    } catch (error) {
      if (!this.#stop.aborted) this.#warn(`A round of ${this.#name} failed; the next comes as usual.`, error);
      return false;
    }
  }

  async #pause(): Promise<void> {
    if (this.#woken) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#interrupt = resolve;
      timer = setTimeout(resolve, this.#loop.everyMs);
    });
    this.#interrupt = undefined;
    clearTimeout(timer);
  }
}
