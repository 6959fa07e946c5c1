import { type WorkerLoop, WorkerLoops } from '../../domain/worker-loops.ts';

export interface ProcessWorkerLoopsOptions {
  /** False in a process that only serves the API: its loops never run, and a wake goes to the others. */
  readonly works: boolean;
  readonly warn: (message: string, error: unknown) => void;
  /** Passes a wake on to the other processes; must not throw. */
  readonly tellOthers: (name: string) => void;
  /** Called for every round that failed. */
  readonly failed?: (name: string) => void;
  /** Milliseconds for which all rounds of a loop have to fail before the process is not ready. */
  readonly standstillMs?: number;
  /** Milliseconds after which a round of a vital loop counts as one that hangs, so that the process is not ready. */
  readonly maxRoundMs?: number;
}

/** Rounds of a loop that have to fail in a row before it counts: a pause may be longer than the time for a standstill. */
const standstillRounds = 3;

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
    const turns = new Turns(loop, this.#stop.signal, (error) => {
      this.#options.failed?.(name);
      this.#options.warn(`A round of ${name} failed; the next comes as usual.`, error);
    });
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

  /** Loops with the milliseconds for which their rounds have failed. */
  failing(): { readonly name: string; readonly forMs: number }[] {
    return [...this.#loops].map(([name, { failingForMs: forMs }]) => ({ name, forMs }));
  }

  /** Loops with the milliseconds for which their round has been under way; 0 in the pause between two rounds. */
  underWay(): { readonly name: string; readonly forMs: number }[] {
    return [...this.#loops].map(([name, { roundMs: forMs }]) => ({ name, forMs }));
  }

  /** A ReadinessCheck. */
  problem(): string | undefined {
    const { standstillMs = 30_000, maxRoundMs = 300_000 } = this.#options;
    for (const [name, { isVital, failures, failingForMs, roundMs }] of this.#loops) {
      if (!isVital) continue;
      if (failures >= standstillRounds && failingForMs >= standstillMs)
        return `the loop ${name} has failed for ${toSeconds(failingForMs)} seconds`;
      if (roundMs >= maxRoundMs)
        return `a round of the loop ${name} has been under way for ${toSeconds(roundMs)} seconds`;
    }
    return undefined;
  }

  /** Ends when no round is under way any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#loops.values()].map((turns) => turns.ended));
  }
}

function toSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}

/** One loop: rounds and pauses. */
class Turns {
  readonly #loop: WorkerLoop;
  readonly #stop: AbortSignal;
  readonly #failed: (error: unknown) => void;
  #interrupt: (() => void) | undefined;
  #woken = false;
  #ended: Promise<void> = Promise.resolve();
  #failures = 0;
  #failingSince = 0;
  /** When the round under way began. */
  #began: number | undefined;

  constructor(loop: WorkerLoop, stop: AbortSignal, failed: (error: unknown) => void) {
    this.#loop = loop;
    this.#stop = stop;
    this.#failed = failed;
    stop.addEventListener('abort', () => this.wake());
  }

  get isVital(): boolean {
    return this.#loop.isVital ?? false;
  }

  /** Rounds that failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  get failingForMs(): number {
    return this.#failures === 0 ? 0 : Date.now() - this.#failingSince;
  }

  get roundMs(): number {
    return this.#began === undefined ? 0 : Date.now() - this.#began;
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
    this.#began = Date.now();
    try {
      const more = (await this.#loop.run(this.#stop)) === true;
      this.#failures = 0;
      return more;
    } catch (error) {
      if (this.#stop.aborted) return false;
      if (this.#failures === 0) this.#failingSince = Date.now();
      this.#failures += 1;
      this.#failed(error);
      return false;
    } finally {
      this.#began = undefined;
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
