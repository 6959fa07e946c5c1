import type { SandboxOutcome, SandboxRunOptions, SandboxTask } from '../../domain/language/sandbox.ts';
import { FairQueue } from './fair-queue.ts';
import { SandboxJob } from './sandbox-job.ts';
import { type ThreadEntry, WorkerThread } from './worker-thread.ts';

/** How the threads of one kind of task are shared. */
export interface ThreadPoolOptions {
  readonly entry: ThreadEntry;
  /** Threads that have the processor at once; the others pause. */
  readonly width: number;
  /** Threads there are at most: each holds the memory of a task. Those beyond `width` are for tenants that have none. */
  readonly capacity: number;
  /** Jobs that a thread is given ahead, so that it need not wait for the next one. */
  readonly depth: number;
  /** Whether threads can pause. Otherwise all of them run, whatever `width` says. */
  readonly canPause: boolean;
  /** Threads that one tenant may have at once. */
  readonly threadsOf: (tenantId: string) => number;
  /** Tasks of one tenant that may wait before others with a `maxWaitMs` are refused. */
  readonly waitingOf: (tenantId: string) => number;
}

/** What a pool has to do. */
export interface ThreadPoolLoad {
  readonly waiting: number;
  readonly running: number;
  readonly paused: number;
  /** Milliseconds for which the oldest of the waiting tasks has waited. */
  readonly oldestMs: number;
}

/** Milliseconds after which it is looked anew who has the processor, while there are more threads at work than may run. */
const slice = 50;
/** Milliseconds after which a thread beyond `width` that has nothing to do is ended. */
const idleAfter = 30_000;

/**
 * Threads that tenants share. Whoever has used the least processor time is next, and has the processor first: a program
 * pauses for those of others once it has had its share. Threads start when there is work, and are replaced when they end.
 */
export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #threads = new Set<WorkerThread>();
  readonly #queue: FairQueue<SandboxJob>;
  #slices: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #failedStarts = 0;
  #stopped = false;
  #refused = 0;
  #evicted = 0;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#queue = new FairQueue((tenantId) => this.#runningMs(tenantId));
  }

  /** Tasks that were refused because no turn came in time. */
  get refused(): number {
    return this.#refused;
  }

  /** How often a task was ended for the sake of others, to be run again. */
  get evicted(): number {
    return this.#evicted;
  }

  load(): ThreadPoolLoad {
    const busy = this.#busy();
    const paused = busy.filter(({ isPaused }) => isPaused).length;
    const now = performance.now();
    let oldestMs = 0;
    for (const { since } of this.#queue.heads()) oldestMs = Math.max(oldestMs, now - since);
    return { waiting: this.#queue.size, running: busy.length - paused, paused, oldestMs };
  }

  run(task: SandboxTask, { signal, maxWaitMs }: SandboxRunOptions): Promise<SandboxOutcome> {
    const { organisationId } = task;
    if (this.#stopped) return failed('unavailable', 'the sandbox was stopped');
    if (signal?.aborted) return failed('cancelled', 'it was cancelled');
    if (maxWaitMs !== undefined && this.#queue.sizeOf(organisationId) >= this.#options.waitingOf(organisationId))
      return this.#refuse();
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const onAbort = (): void => this.#cancel(job);
      const job = new SandboxJob(task, (outcome) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        resolve(outcome);
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.push(organisationId, job);
      this.#dispatch();
      if (maxWaitMs !== undefined && !job.isSettled) timer = setTimeout(() => this.#giveUp(job), maxWaitMs);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#slices);
    clearTimeout(this.#idle);
    this.#failAll('the sandbox was stopped');
    await Promise.all([...this.#threads].map((thread) => thread.stop()));
    this.#threads.clear();
  }

  #refuse(): Promise<SandboxOutcome> {
    this.#refused += 1;
    return failed('busy', 'too much of the organisation waits already');
  }

  #giveUp(job: SandboxJob): void {
    // What has begun is worth its end.
    if (!this.#queue.remove(job.tenantId, job)) return;
    this.#refused += 1;
    job.fail('busy', 'no turn came in time');
  }

  #cancel(job: SandboxJob): void {
    job.fail('cancelled', 'it was cancelled');
    if (this.#queue.remove(job.tenantId, job)) return;
    const thread = [...this.#threads].find(({ jobs }) => jobs.includes(job));
    if (!thread) return;
    this.#takeBack(thread);
    if (thread.current === job) thread.stopCurrent();
    this.#dispatch();
  }

  #takeBack(thread: WorkerThread): void {
    this.#putBack(thread.takeBack());
  }

  #putBack(jobs: readonly SandboxJob[]): void {
    for (const job of [...jobs].reverse()) {
      if (job.isSettled) this.#queue.ended(job.tenantId, 0);
      else this.#queue.putBack(job.tenantId, job);
    }
  }

  #dispatch(): void {
    for (let offer = this.#offer(); offer !== undefined; offer = this.#offer()) {
      const thread = offer instanceof WorkerThread ? offer : undefined;
      const job = this.#queue.take((tenantId) => this.#mayTakeThread(tenantId, thread));
      if (!job) break;
      (thread ?? this.#start()).give(job);
    }
    if (this.#threads.size <= this.#options.width) this.#keepSpare();
    this.#share();
  }

  /** Where the next job may go: to a thread, to a new one, or nowhere now. */
  #offer(): WorkerThread | 'new' | undefined {
    if (this.#queue.size === 0) return undefined;
    const { width, capacity, depth } = this.#options;
    let best: WorkerThread | undefined;
    for (const thread of this.#threads)
      if (!thread.isTaken && thread.load < depth && (!best || thread.load < best.load)) best = thread;
    if (best?.load === 0 || (best && this.#threads.size >= width)) return best;
    return this.#threads.size < capacity ? 'new' : best;
  }

  /**
   * Beyond `width`, threads are for those who have none: they wait for nobody, and nobody has them all. Jobs that wait behind
   * that of another count too: each may be the one that keeps its thread.
   */
  #mayTakeThread(tenantId: string, thread: WorkerThread | undefined): boolean {
    const others = this.#busy().filter((other) => other !== thread);
    const own = others.filter(({ jobs }) => jobs.some((job) => job.tenantId === tenantId)).length;
    return own === 0 || (own < this.#options.threadsOf(tenantId) && others.length < this.#options.width);
  }

  #busy(): WorkerThread[] {
    return [...this.#threads].filter(({ load }) => load > 0);
  }

  #runningMs(tenantId: string): number {
    let milliseconds = 0;
    for (const thread of this.#threads) if (thread.current?.tenantId === tenantId) milliseconds += thread.ranMs;
    return milliseconds;
  }

  /** Gives the processor to those who have used the least, while there are more of them than may run. */
  #share(): void {
    if (!this.#options.canPause) return;
    const busy = this.#busy();
    this.#shareProcessor(busy, this.#queue.size > 0 && busy.length >= this.#options.capacity);
    if (busy.length > this.#options.width) this.#slices ??= setInterval(() => this.#nextSlice(), slice).unref();
    else {
      clearInterval(this.#slices);
      this.#slices = undefined;
    }
  }

  #nextSlice(): void {
    const busy = this.#busy();
    if (this.#queue.size > 0 && busy.length >= this.#options.capacity) this.#evict(busy);
    this.#share();
  }

  #shareProcessor(busy: readonly WorkerThread[], isShort: boolean): void {
    const chosen = busy.length > this.#options.width ? this.#chosen(busy, isShort) : new Set(busy);
    for (const thread of busy) if (!chosen.has(thread)) thread.pause();
    for (const thread of chosen) thread.resume();
  }

  /**
   * All threads are taken, and a tenant that has none has waited for a slice: whoever has used the most gives one up. Tasks
   * have no effects but their outcomes, so what was ended begins anew later. One goes on in any case, so that even then
   * tasks come to their end.
   */
  #evict(busy: readonly WorkerThread[]): void {
    const isWithout = (tenantId: string): boolean => !busy.some(({ current }) => current!.tenantId === tenantId);
    const waits = [...this.#queue.heads()].some(
      ({ since, tenantId }) => performance.now() - since >= slice && isWithout(tenantId),
    );
    if (!waits) return;
    const nearest = nearestToItsEnd(busy);
    const others = busy.filter((thread) => thread !== nearest && thread.canStop && thread.ranMs >= slice);
    if (others.length === 0) return;
    const usedBy = ({ current }: WorkerThread): number => this.#queue.usedBy(current!.tenantId);
    const most = others.reduce((one, other) => (usedBy(other) > usedBy(one) ? other : one));
    this.#evicted += 1;
    this.#takeBack(most);
    most.evictCurrent();
  }

  #chosen(busy: readonly WorkerThread[], isShort: boolean): Set<WorkerThread> {
    const chosen = new Set<WorkerThread>();
    // While threads are short, the one that is nearest to its end goes on beside the others.
    if (isShort) chosen.add(nearestToItsEnd(busy));
    const width = Math.min(this.#options.width + chosen.size, busy.length);
    const used = new Map<string, number>();
    const usedBy = (thread: WorkerThread): number => {
      const { tenantId } = thread.current!;
      return used.get(tenantId) ?? this.#queue.usedBy(tenantId);
    };
    while (chosen.size < width) {
      const rest = busy.filter((thread) => !chosen.has(thread));
      const next = rest.reduce((least, thread) => (usedBy(thread) < usedBy(least) ? thread : least));
      used.set(next.current!.tenantId, usedBy(next) + slice);
      chosen.add(next);
    }
    return chosen;
  }

  #start(): WorkerThread {
    const { entry, canPause } = this.#options;
    const thread: WorkerThread = new WorkerThread(entry, canPause, {
      onEnded: (job, used) => {
        this.#queue.ended(job.tenantId, used);
        this.#dispatch();
        this.#endIdle();
      },
      onEvicted: (job, used) => {
        if (job.isSettled) this.#queue.ended(job.tenantId, used);
        else this.#queue.putBack(job.tenantId, job, used);
        this.#dispatch();
      },
      onSlow: () => {
        this.#takeBack(thread);
        this.#keepSpare();
        this.#dispatch();
      },
      onGone: (unfinished, wasReady) => {
        this.#threads.delete(thread);
        this.#putBack(unfinished);
        this.#failedStarts = wasReady ? 0 : this.#failedStarts + 1;
        if (this.#failedStarts < 3) this.#dispatch();
        else this.#failAll('the sandbox does not start');
      },
    });
    this.#threads.add(thread);
    return thread;
  }

  /** Starting takes a while, and longer beside much work: a tenant that has no thread finds one that is ready. */
  #keepSpare(): void {
    const areBusy = this.#busy().length === this.#threads.size;
    if (areBusy && !this.#stopped && this.#threads.size < this.#options.capacity) this.#start();
  }

  #endIdle(): void {
    const kept = this.#options.width + 1;
    if (this.#idle || this.#threads.size <= kept) return;
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      const idle = [...this.#threads].find(({ load }) => load === 0);
      if (idle && this.#threads.size > kept) {
        this.#threads.delete(idle);
        void idle.stop();
      }
      this.#endIdle();
    }, idleAfter).unref();
  }

  #failAll(message: string): void {
    for (const job of this.#queue.clear()) job.fail('unavailable', message);
  }
}

function nearestToItsEnd(threads: readonly WorkerThread[]): WorkerThread {
  return threads.reduce((nearest, thread) => (thread.ranMs > nearest.ranMs ? thread : nearest));
}

function failed(reason: 'unavailable' | 'busy' | 'cancelled', message: string): Promise<SandboxOutcome> {
  return Promise.resolve({ ok: false, reason, message });
}
