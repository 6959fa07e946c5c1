import type { SandboxOutcome, SandboxTask } from '../../domain/language/sandbox.ts';
import { type Job, WorkerThread } from './worker-thread.ts';

/** A number of threads that share one queue. Threads start when there is work, and are replaced when one ends. */
export class Lane {
  readonly #entry: 'worker' | 'document-worker';
  readonly #size: number;
  readonly #depth: number;
  readonly #threads = new Set<WorkerThread>();
  readonly #queue: Job[] = [];
  #failedStarts = 0;
  #stopped = false;

  /** `depth`: how many jobs a thread is given ahead, so that it need not wait for the next one. */
  constructor(entry: 'worker' | 'document-worker', size: number, depth: number) {
    this.#entry = entry;
    this.#size = size;
    this.#depth = depth;
  }

  run(task: SandboxTask): Promise<SandboxOutcome> {
    if (this.#stopped) return Promise.resolve({ ok: false, reason: 'unavailable', message: 'the sandbox was stopped' });
    return new Promise((settle) => {
      this.#queue.push({ task, settle });
      this.#dispatch();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#refuseAll('the sandbox was stopped');
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
    this.#threads.clear();
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#leastLoaded();
      if (!thread) return;
      thread.give(this.#queue.shift()!);
    }
  }

  #leastLoaded(): WorkerThread | undefined {
    let best: WorkerThread | undefined;
    for (const thread of this.#threads)
      if (thread.load < this.#depth && (!best || thread.load < best.load)) best = thread;
    if (best?.load === 0 || this.#threads.size >= this.#size) return best;
    return this.#start();
  }

  #start(): WorkerThread {
    const thread: WorkerThread = new WorkerThread(
      this.#entry,
      () => this.#dispatch(),
      (unfinished, wasReady) => {
        this.#threads.delete(thread);
        this.#queue.unshift(...unfinished);
        this.#failedStarts = wasReady ? 0 : this.#failedStarts + 1;
        if (this.#failedStarts < 3) this.#dispatch();
        else this.#refuseAll('the sandbox does not start');
      },
    );
    this.#threads.add(thread);
    return thread;
  }

  #refuseAll(message: string): void {
    for (const job of this.#queue.splice(0)) job.settle({ ok: false, reason: 'unavailable', message });
  }
}
