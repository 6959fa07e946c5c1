/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { SandboxOutcome, SandboxTask } from '../../domain/language/sandbox.ts';
import { grace, sandboxLimits } from './limits.ts';
import type { WorkerAnswer } from './worker.ts';

/** A task and where its outcome goes. */
export interface Job {
  readonly task: SandboxTask;
  settle(outcome: SandboxOutcome): void;
}

/** How long a thread may take to say what it has used; one that hangs in a native loop never says. */
const longestSilence = 1_000;

/** The same file in both lives: compiled in dist, stripped of its types by Node in the tests. */
function entryOf(name: 'worker' | 'document-worker'): URL {
  return new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
}

/** A thread with the sandbox in it, the jobs it was given, and the watch over the first of them. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #onEnd: (unfinished: Job[], wasReady: boolean) => void;
  readonly #onIdle: () => void;
  readonly #jobs: Job[] = [];
  #watch: NodeJS.Timeout | undefined;
  #ready = false;
  #ended = false;

  constructor(
    entry: 'worker' | 'document-worker',
    onIdle: () => void,
    onEnd: (unfinished: Job[], wasReady: boolean) => void,
  ) {
    this.#onIdle = onIdle;
    this.#onEnd = onEnd;
    this.#worker = new Worker(entryOf(entry), {
      // QuickJS recurses on the thread's stack as well as on its own, whose limit must be the first that is met.
      // The heap limit is far above what tasks that are within their limits take: V8 may end the whole process at it.
      resourceLimits: { stackSizeMb: 16, maxOldGenerationSizeMb: 768 },
      // Nothing of the process's environment is of use there, and what is not there cannot leak.
      env: {},
      execArgv: [],
      stdin: false,
    });
    this.#worker.unref();
    this.#worker.on('message', (message: WorkerAnswer | 'ready') => this.#hear(message));
    this.#worker.on('error', () => this.#end('memory', 'the sandbox broke down'));
    this.#worker.on('exit', () => this.#end('memory', 'the sandbox broke down'));
  }

  get load(): number {
    return this.#jobs.length;
  }

  give(job: Job): void {
    this.#jobs.push(job);
    if (this.#ready) this.#worker.postMessage(job.task);
    if (this.#jobs.length > 1) return;
    this.#worker.ref();
    if (this.#ready) this.#watchFirst();
  }

  /** Ends the thread; jobs it has not answered fail as `unavailable`. */
  async stop(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#watch);
    for (const job of this.#jobs.splice(0))
      job.settle({ ok: false, reason: 'unavailable', message: 'the sandbox was stopped' });
    await this.#worker.terminate();
  }

  #hear(message: WorkerAnswer | 'ready'): void {
    if (this.#ended) return;
    if (message === 'ready') {
      this.#ready = true;
      for (const { task } of this.#jobs) this.#worker.postMessage(task);
    } else {
      this.#jobs.shift()?.settle(message.outcome);
      if (message.broken) return this.#end();
    }
    if (this.#jobs.length === 0) {
      clearTimeout(this.#watch);
      this.#worker.unref();
    } else this.#watchFirst();
    this.#onIdle();
  }

  #watchFirst(): void {
    clearTimeout(this.#watch);
    const first = this.#jobs[0]!;
    this.#watch = setTimeout(() => void this.#judge(first), sandboxLimits[first.task.kind].time + grace);
  }

  /** The job is late. A thread that merely waits for a core is not at fault: it ends when it has used its time from here on. */
  async #judge(job: Job, from?: number): Promise<void> {
    const { time } = sandboxLimits[job.task.kind];
    const used = await this.#processorTime();
    if (this.#ended || this.#jobs[0] !== job) return;
    if (used === undefined || (from !== undefined && used - from >= time))
      return this.#end('time', `it used more than ${time} ms`);
    this.#watch = setTimeout(() => void this.#judge(job, from ?? used), time);
  }

  /** Milliseconds; undefined when the thread is where it cannot be asked. */
  async #processorTime(): Promise<number | undefined> {
    const silence = sleep(longestSilence, undefined, { ref: false });
    const usage = await Promise.race([this.#worker.cpuUsage().catch(() => undefined), silence]);
    // An answer may be waiting behind whatever kept this thread from its timers: hear it before judging.
    await new Promise((resolve) => setImmediate(resolve));
    return usage && (usage.user + usage.system) / 1_000;
  }

  /** The first job is the one that was running, so it fails; the others never began. */
  #end(reason?: 'time' | 'memory', message = ''): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#watch);
    if (reason && this.#ready) this.#jobs.shift()?.settle({ ok: false, reason, message });
    void this.#worker.terminate();
    this.#onEnd(this.#jobs.splice(0), this.#ready);
  }
}
