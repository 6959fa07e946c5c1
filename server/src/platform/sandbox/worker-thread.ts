/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { SandboxGlobals } from '../../domain/language/sandbox.ts';
import { grace, sandboxLimits, slowAfter } from './limits.ts';
import type { SandboxJob } from './sandbox-job.ts';
import { ThreadGate } from './thread-gate.ts';
import { ready, type ThreadAnswer, type ThreadRequest } from './thread-messages.ts';

/** The files that threads run. */
export type ThreadEntry = 'worker' | 'document-worker';

/** What a thread tells whoever hands it jobs. */
export interface ThreadListener {
  /** A job has ended, after so many milliseconds of processor time. */
  onEnded(job: SandboxJob, used: number): void;
  /** A job was ended for the sake of others after so many milliseconds, and has to be run again. */
  onEvicted(job: SandboxJob, used: number): void;
  /** The first job takes so long that the others should not wait behind it. */
  onSlow(): void;
  /** The thread is gone, with the jobs that it has not begun. */
  onGone(unfinished: SandboxJob[], wasReady: boolean): void;
}

/** How long a thread may take to say what it has used, and how often it is looked at meanwhile. */
const longestSilence = 1_000;
const looks = 4;

/** The same file in both lives: compiled in dist, stripped of its types by Node in the tests. */
function entryOf(name: ThreadEntry): URL {
  return new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
}

interface Given {
  readonly id: number;
  readonly job: SandboxJob;
}

/** A thread with the sandbox in it, the jobs it was given, and the watch over the first of them. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #listener: ThreadListener;
  readonly #gate = new ThreadGate();
  readonly #given: Given[] = [];
  /** Ends when the jobs have been posted whose globals are still being written; those that come after them wait for it. */
  #posting: Promise<void> | undefined;
  #lastId = 0;
  #watch: NodeJS.Timeout | undefined;
  #isReady = false;
  #isGone = false;
  #isSlow = false;
  #isStopping = false;
  #isEvicting = false;
  readonly #canPause: boolean;
  #ranMs = 0;
  #runsSince: number | undefined;

  /** `canPause` says that what runs looks at the gate now and then. */
  constructor(entry: ThreadEntry, canPause: boolean, listener: ThreadListener) {
    this.#canPause = canPause;
    this.#listener = listener;
    this.#worker = new Worker(entryOf(entry), {
      workerData: this.#gate.buffer,
      // QuickJS recurses on the thread's stack as well as on its own, whose limit must be the first that is met.
      // The heap limit is far above what tasks that are within their limits take: V8 may end the whole process at it.
      resourceLimits: { stackSizeMb: 16, maxOldGenerationSizeMb: 768 },
      // Nothing of the process's environment is of use there, and what is not there cannot leak.
      env: {},
      execArgv: [],
      stdin: false,
    });
    this.#worker.unref();
    this.#worker.on('message', (message: ThreadAnswer | typeof ready) => this.#hear(message));
    this.#worker.on('error', () => this.#end('memory', 'the sandbox broke down'));
    this.#worker.on('exit', () => this.#end('memory', 'the sandbox broke down'));
  }

  /** Jobs that it was given and that have not ended. */
  get load(): number {
    return this.#given.length;
  }

  get jobs(): SandboxJob[] {
    return this.#given.map(({ job }) => job);
  }

  /** The job that runs, or that will when the thread has started. */
  get current(): SandboxJob | undefined {
    return this.#given[0]?.job;
  }

  /** True when nothing should be handed to it now. */
  get isTaken(): boolean {
    return this.#isSlow || this.#isStopping || !this.#gate.isOpen;
  }

  /** True while its program stands still. */
  get isPaused(): boolean {
    return this.#gate.isPaused;
  }

  /** Milliseconds for which the current job has run, pauses left out. */
  get ranMs(): number {
    return this.#ranMs + (this.#runsSince === undefined ? 0 : performance.now() - this.#runsSince);
  }

  give(job: SandboxJob): void {
    this.#lastId += 1;
    this.#given.push({ id: this.#lastId, job });
    if (this.#isReady) this.#post(this.#given.at(-1)!);
    if (this.#given.length > 1) return;
    this.#worker.ref();
    if (this.#isReady) this.#begin();
  }

  /** Lets the program stand still, so that others have the processor. */
  pause(): void {
    if (this.#isStopping || !this.#gate.isOpen) return;
    this.#gate.close();
    this.#ranMs = this.ranMs;
    this.#runsSince = undefined;
  }

  resume(): void {
    if (this.#isStopping || this.#gate.isOpen) return;
    this.#gate.open();
    if (this.#isReady && this.#given.length > 0) this.#runsSince = performance.now();
  }

  /** Takes the jobs back that have not begun. Should one just have done so, it runs twice, to no effect. */
  takeBack(): SandboxJob[] {
    const begun = this.#isReady ? 1 : 0;
    // The first is kept, though the thread may not have come to it.
    if (this.#given.length > begun) this.#gate.callBack(this.#given[0]!.id);
    return this.#given.splice(begun).map(({ job }) => job);
  }

  /** Ends what runs, without an outcome. The jobs behind it have to be taken back first. */
  stopCurrent(): void {
    this.#isStopping = true;
    clearTimeout(this.#watch);
    if (!this.#canPause) return this.#end('cancelled');
    this.#gate.stop();
    // It may be where it does not look at its clock.
    this.#watch = setTimeout(() => this.#end('cancelled'), grace);
  }

  /** Ends what runs, so that it can be run again when others have had their turn. */
  evictCurrent(): void {
    this.#isEvicting = true;
    this.stopCurrent();
  }

  /** True when what runs may be ended. */
  get canStop(): boolean {
    return this.#isReady && this.#given.length > 0 && !this.#isStopping;
  }

  /** Ends the thread; jobs it has not answered fail as `unavailable`. */
  async stop(): Promise<void> {
    this.#isGone = true;
    clearTimeout(this.#watch);
    for (const { job } of this.#given.splice(0)) job.fail('unavailable', 'the sandbox was stopped');
    await this.#worker.terminate();
  }

  /** In the order in which the jobs were given. */
  #post(given: Given): void {
    const globals = given.job.task.globals();
    if (this.#posting === undefined && !(globals instanceof Promise)) return this.#send(given, globals);
    const posting: Promise<void> = this.#sendLater(given, globals, this.#posting).finally(() => {
      if (this.#posting === posting) this.#posting = undefined;
    });
    this.#posting = posting;
  }

  async #sendLater(
    given: Given,
    globals: SandboxGlobals | Promise<SandboxGlobals>,
    before: Promise<void> | undefined,
  ): Promise<void> {
    const texts = await globals;
    await before;
    // It may have been taken back in the meantime.
    if (!this.#isGone && this.#given.includes(given)) this.#send(given, texts);
  }

  #send({ id, job: { task } }: Given, globals: SandboxGlobals): void {
    const { kind, source, seed, now } = task;
    const { epoch } = this.#gate;
    const request: ThreadRequest = { id, epoch, task: { kind, source, seed, now, globals } };
    this.#worker.postMessage(request);
  }

  #hear(message: ThreadAnswer | typeof ready): void {
    if (this.#isGone) return;
    if (message === ready) {
      this.#isReady = true;
      for (const given of this.#given) this.#post(given);
      if (this.#given.length > 0) this.#begin();
      return;
    }
    const { id, outcome, used, broken } = message;
    // What was taken back is waited for elsewhere.
    if (this.#given[0]?.id !== id) return broken ? this.#end() : undefined;
    const { job } = this.#given.shift()!;
    const evicted = this.#isEvicting;
    if (!evicted) job.settle(outcome);
    clearTimeout(this.#watch);
    this.#isStopping = false;
    this.#isEvicting = false;
    if (!this.#gate.isOpen) this.#gate.open();
    if (this.#given.length > 0 && !broken) this.#begin();
    else this.#rest();
    if (broken) this.#end();
    if (evicted) this.#listener.onEvicted(job, used);
    else this.#listener.onEnded(job, used);
  }

  #begin(): void {
    this.#isSlow = false;
    this.#ranMs = 0;
    // It may have been paused before it was ready.
    this.#runsSince = this.#gate.isOpen ? performance.now() : undefined;
    const first = this.#given[0]!;
    this.#watch = setTimeout(() => void this.#slow(first), slowAfter);
  }

  #rest(): void {
    this.#isSlow = false;
    this.#ranMs = 0;
    this.#runsSince = undefined;
    if (this.#given.length === 0) this.#worker.unref();
  }

  async #slow(first: Given): Promise<void> {
    // An answer may be waiting behind whatever kept this thread from its timers.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#isGone || this.#isStopping || this.#given[0] !== first) return;
    this.#isSlow = true;
    this.#watch = setTimeout(() => void this.#judge(first), sandboxLimits[first.job.task.kind].time + grace);
    this.#listener.onSlow();
  }

  /** The job is late. A thread that merely waits for a core is not at fault: it ends when it has used its time from here on. */
  async #judge(first: Given, from?: number): Promise<void> {
    const { time } = sandboxLimits[first.job.task.kind];
    const used = await this.#processorTime();
    if (this.#isGone || this.#isStopping || this.#given[0] !== first) return;
    if (used === 'hangs' || (used !== undefined && from !== undefined && used - from >= time))
      return this.#end('time', `it used more than ${time} ms`);
    this.#watch = setTimeout(() => void this.#judge(first, from ?? used), time);
  }

  /** Milliseconds; undefined while the thread pauses, and `hangs` when it neither says nor looks at its clock. */
  async #processorTime(): Promise<number | 'hangs' | undefined> {
    const { beats } = this.#gate;
    let usage: NodeJS.CpuUsage | undefined;
    const asked = this.#worker.cpuUsage().then(
      (answer) => void (usage = answer),
      () => undefined,
    );
    for (let look = 0; look < looks; look++) {
      if (this.#gate.isPaused) return undefined;
      await Promise.race([asked, sleep(longestSilence / looks, undefined, { ref: false })]);
      // An answer may be waiting behind whatever kept this thread from its timers: hear it before judging.
      await new Promise((resolve) => setImmediate(resolve));
      if (usage) return (usage.user + usage.system) / 1_000;
    }
    return this.#gate.isPaused || this.#gate.beats !== beats ? undefined : 'hangs';
  }

  /** The first job is the one that was running, so it fails; the others never began. */
  #end(reason?: 'time' | 'memory' | 'cancelled', message = ''): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#watch);
    const used = this.ranMs;
    const ended = reason && this.#isReady ? this.#given.shift()?.job : undefined;
    void this.#worker.terminate();
    if (ended && this.#isEvicting) this.#listener.onEvicted(ended, used);
    else if (ended) {
      ended.fail(reason!, message);
      this.#listener.onEnded(ended, used);
    }
    const unfinished = this.#given.splice(0).map(({ job }) => job);
    this.#listener.onGone(unfinished, this.#isReady);
  }
}
