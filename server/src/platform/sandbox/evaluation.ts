import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSWASMModule } from 'quickjs-emscripten';
import {
  maxLogLines,
  maxLogMessage,
  type SandboxLog,
  type SandboxLogLevel,
  type SandboxOutcome,
} from '../../domain/language/sandbox.ts';
import { clock } from './clock.ts';
import { Guest, Thrown, Unreadable } from './guest.ts';
import { type SandboxLimits, sandboxLimits } from './limits.ts';
import type { ThreadGate } from './thread-gate.ts';
import type { ThreadTask } from './thread-messages.ts';

const consoleMethods: Readonly<Record<string, SandboxLogLevel>> = {
  debug: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
};
/** Characters of what is told of a value that was thrown, and of its name in that. */
const longestFailure = 1_000;
const longestName = 100;
/** Bytes on top of a task's own memory, once it has failed. */
const memoryForFailures = 1024 * 1024;

/**
 * Runs one task in a runtime of its own, made and thrown away here (0.2 ms): nothing that the source does to prototypes
 * or globals can outlive it. Throws only when QuickJS itself is broken afterwards.
 */
export function evaluate(quickjs: QuickJSWASMModule, task: ThreadTask, gate: ThreadGate): SandboxOutcome {
  const limits = sandboxLimits[task.kind];
  const read = Object.values(task.globals).reduce((length, json) => length + (json?.length ?? 0), task.source.length);
  // Text goes in through memory that QuickJS does not count, and that the thread would keep.
  if (read > limits.memory / 2) return { ok: false, reason: 'memory', message: 'what it reads is too large' };
  // QuickJS seeds Math.random with the time at which a context is made.
  clock.set(momentOf(task.seed));
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(limits.memory);
  runtime.setMaxStackSize(limits.stack);
  const context = runtime.newContext();
  clock.set(task.now);
  const deadline = new Deadline(runtime, limits.time, gate);
  const outcome = new Run(context, runtime, task, limits, deadline).outcome();
  context.dispose();
  runtime.dispose();
  return outcome;
}

/**
 * Interrupts QuickJS once it has used its processor time: a thread that merely waits for a core is not at fault. Lets it
 * pause, and end before its time, where the main thread wants that.
 */
class Deadline {
  passed = false;

  constructor(runtime: QuickJSRuntime, milliseconds: number, gate: ThreadGate) {
    const started = performance.now();
    const used = process.threadCpuUsage();
    runtime.setInterruptHandler(() => {
      if (gate.pass()) this.passed = true;
      if (this.passed || performance.now() - started < milliseconds) return this.passed;
      const { user, system } = process.threadCpuUsage(used);
      this.passed = (user + system) / 1_000 >= milliseconds;
      return this.passed;
    });
  }
}

class Run {
  readonly #context: QuickJSContext;
  readonly #runtime: QuickJSRuntime;
  readonly #task: ThreadTask;
  readonly #limits: SandboxLimits;
  readonly #deadline: Deadline;
  readonly #guest: Guest;
  readonly #logs: SandboxLog[] = [];
  #written = 0;

  constructor(
    context: QuickJSContext,
    runtime: QuickJSRuntime,
    task: ThreadTask,
    limits: SandboxLimits,
    deadline: Deadline,
  ) {
    this.#context = context;
    this.#runtime = runtime;
    this.#task = task;
    this.#limits = limits;
    this.#deadline = deadline;
    this.#guest = new Guest(context);
  }

  outcome(): SandboxOutcome {
    try {
      const outcome = this.#evaluate();
      // Some loops inside QuickJS swallow the interruption.
      return this.#deadline.passed ? this.#tooLate() : outcome;
    } catch (ended) {
      if (ended instanceof Thrown) return this.#failure(ended.value);
      if (ended instanceof Unreadable) return { ok: false, reason: 'memory', message: 'out of memory' };
      throw ended;
    } finally {
      this.#guest.dispose();
    }
  }

  #evaluate(): SandboxOutcome {
    const { kind, globals, source } = this.#task;
    const names = Object.keys(globals);
    const values = names.map((name) => this.#guest.parse(globals[name]));
    if (kind === 'expression') {
      const code = `(function(${names.join()}){'use strict';return(\n${source}\n)})`;
      return this.#result(this.#guest.call(this.#guest.eval(code), values));
    }
    const code = `(async function(${[...names, 'console'].join()}){'use strict';\n${source}\n})`;
    const promise = this.#guest.call(this.#guest.eval(code), [...values, this.#console()]);
    return this.#settled(promise);
  }

  /** Its functions belong to the host, which bounds and keeps the lines where the program cannot reach them. */
  #console(): QuickJSHandle {
    const console = this.#guest.hold(this.#context.newObject());
    for (const [method, level] of Object.entries(consoleMethods)) {
      const write = this.#context.newFunction(method, (...values) => this.#log(level, values));
      this.#context.setProp(console, method, this.#guest.hold(write));
    }
    return console;
  }

  #log(level: SandboxLogLevel, values: readonly QuickJSHandle[]): { error: QuickJSHandle } | undefined {
    // Lines whose values throw while they are made into text count too.
    this.#written += 1;
    if (this.#written > maxLogLines) return undefined;
    try {
      let message = '';
      for (const [index, value] of values.entries()) {
        if (message.length >= maxLogMessage) break;
        message += `${index === 0 ? '' : ' '}${this.#guest.text(value, maxLogMessage)}`;
      }
      this.#logs.push({ level, message: message.slice(0, maxLogMessage) });
      return undefined;
    } catch (ended) {
      if (ended instanceof Thrown) return { error: ended.value };
      throw ended;
    }
  }

  #settled(promise: QuickJSHandle): SandboxOutcome {
    const jobs = this.#runtime.executePendingJobs();
    if (jobs.error) throw new Thrown(this.#guest.hold(jobs.error));
    jobs.dispose();
    const state = this.#context.getPromiseState(promise);
    if (state.type === 'fulfilled') return this.#result(this.#guest.hold(state.value));
    if (state.type === 'rejected') throw new Thrown(this.#guest.hold(state.error));
    const message = 'the code waits for something that never happens: there are no timers and no network';
    return { ok: false, reason: 'error', message };
  }

  #result(value: QuickJSHandle): SandboxOutcome {
    const { output } = this.#limits;
    const text = this.#guest.json(value);
    const logs = this.#logs;
    if (!text) return { ok: true, json: undefined, logs };
    const length = this.#guest.lengthOf(text);
    if (length <= output) return { ok: true, json: this.#guest.read(text), logs };
    const message = `the result has ${length} characters as JSON, of ${output} allowed`;
    return { ok: false, reason: 'output', message };
  }

  #failure(thrown: QuickJSHandle): SandboxOutcome {
    // What is thrown when the memory is full is made into text in memory that it does not have.
    this.#runtime.setMemoryLimit(this.#limits.memory + memoryForFailures);
    const described = this.#deadline.passed ? '' : this.#described(thrown);
    // Getters of what was thrown may have used up the time.
    if (this.#deadline.passed) return this.#tooLate();
    if (described === 'InternalError: out of memory') return { ok: false, reason: 'memory', message: 'out of memory' };
    if (described === 'InternalError: stack overflow') return { ok: false, reason: 'stack', message: 'stack overflow' };
    return { ok: false, reason: 'error', message: described.slice(0, longestFailure) };
  }

  #tooLate(): SandboxOutcome {
    return { ok: false, reason: 'time', message: `it used more than ${this.#limits.time} ms` };
  }

  /** `TypeError: message`, or any other value as text. */
  #described(thrown: QuickJSHandle): string {
    try {
      const message = this.#guest.textAt(thrown, 'message', longestFailure);
      if (message === undefined) return this.#guest.text(thrown, longestFailure);
      const name = this.#guest.textAt(thrown, 'name', longestName);
      return name === undefined || name === 'Error' ? message : `${name}: ${message}`;
    } catch (ended) {
      if (ended instanceof Thrown || ended instanceof Unreadable) return 'it threw something that cannot be described';
      throw ended;
    }
  }
}

/** A moment that depends on every character of the seed: FNV-1a, once for the seconds and once for the microseconds. */
function momentOf(seed: string): number {
  const seconds = fnv1a(`s${seed}`) >>> 1;
  const microseconds = fnv1a(`u${seed}`) % 1_000_000;
  return seconds * 1_000 + microseconds / 1_000;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
