import type { QuickJSContext, QuickJSHandle, QuickJSRuntime, QuickJSWASMModule } from 'quickjs-emscripten';
import type { SandboxLog, SandboxOutcome, SandboxTask } from '../../domain/language/sandbox.ts';
import { clock } from './clock.ts';
import { type SandboxLimits, sandboxLimits } from './limits.ts';

/**
 * Runs one task in a runtime of its own, made and thrown away here (0.2 ms): nothing that the source does to prototypes
 * or globals can outlive it. Throws only when QuickJS itself is broken afterwards.
 */
export function evaluate(quickjs: QuickJSWASMModule, task: SandboxTask): SandboxOutcome {
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
  const deadline = new Deadline(runtime, limits.time);
  const outcome = new Run(context, runtime, task, limits, deadline).outcome();
  context.dispose();
  runtime.dispose();
  return outcome;
}

/** Interrupts QuickJS once it has used its processor time: a thread that merely waits for a core is not at fault. */
class Deadline {
  passed = false;

  constructor(runtime: QuickJSRuntime, milliseconds: number) {
    const started = performance.now();
    const used = process.threadCpuUsage();
    runtime.setInterruptHandler(() => {
      if (this.passed || performance.now() - started < milliseconds) return this.passed;
      const { user, system } = process.threadCpuUsage(used);
      this.passed = (user + system) / 1_000 >= milliseconds;
      return this.passed;
    });
  }
}

/** Collects what a program writes, in the program's own state; bounded, because it counts against the result. */
const consoleSource = `(function (stringify) {
  'use strict';
  const lines = [];
  const text = (value) => (typeof value === 'string' ? value : stringify(value) ?? String(value));
  const writer = (level) => (...values) => {
    if (lines.length < 200) lines[lines.length] = { level, message: values.map(text).join(' ').slice(0, 4000) };
  };
  const log = writer('info');
  return [{ debug: writer('debug'), log, info: log, warn: writer('warn'), error: writer('error') }, lines];
})`;

class Run {
  readonly #context: QuickJSContext;
  readonly #runtime: QuickJSRuntime;
  readonly #task: SandboxTask;
  readonly #limits: SandboxLimits;
  readonly #deadline: Deadline;
  readonly #held: QuickJSHandle[] = [];

  constructor(
    context: QuickJSContext,
    runtime: QuickJSRuntime,
    task: SandboxTask,
    limits: SandboxLimits,
    deadline: Deadline,
  ) {
    this.#context = context;
    this.#runtime = runtime;
    this.#task = task;
    this.#limits = limits;
    this.#deadline = deadline;
  }

  outcome(): SandboxOutcome {
    try {
      return this.#evaluate();
    } catch (thrown) {
      if (thrown instanceof Failed) return this.#failure(thrown.error);
      throw thrown;
    } finally {
      this.#held.forEach((handle) => handle.alive && handle.dispose());
    }
  }

  #evaluate(): SandboxOutcome {
    const json = this.#hold(this.#context.getProp(this.#context.global, 'JSON'));
    const parse = this.#hold(this.#context.getProp(json, 'parse'));
    const stringify = this.#hold(this.#context.getProp(json, 'stringify'));
    const { kind, globals, source } = this.#task;
    const names = Object.keys(globals);
    const values = names.map((name) => this.#parsed(parse, globals[name]));
    if (kind === 'expression') {
      const code = `(function(${names.join()}){'use strict';return(\n${source}\n)})`;
      return this.#result(stringify, this.#call(this.#eval(code), values), []);
    }
    const channel = this.#call(this.#eval(consoleSource), [stringify]);
    const [console, lines] = [0, 1].map((index) => this.#hold(this.#context.getProp(channel, index)));
    const code = `(async function(${[...names, 'console'].join()}){'use strict';\n${source}\n})`;
    const promise = this.#call(this.#eval(code), [...values, console!]);
    return this.#result(stringify, this.#settled(promise), this.#logs(stringify, lines!));
  }

  #hold(handle: QuickJSHandle): QuickJSHandle {
    this.#held.push(handle);
    return handle;
  }

  #parsed(parse: QuickJSHandle, json: string | undefined): QuickJSHandle {
    if (json === undefined) return this.#context.undefined;
    return this.#call(parse, [this.#hold(this.#context.newString(json))]);
  }

  #eval(code: string): QuickJSHandle {
    const result = this.#context.evalCode(code, 'expression');
    if (result.error) throw new Failed(this.#hold(result.error));
    return this.#hold(result.value);
  }

  #call(fn: QuickJSHandle, args: QuickJSHandle[]): QuickJSHandle {
    const result = this.#context.callFunction(fn, this.#context.undefined, args);
    if (result.error) throw new Failed(this.#hold(result.error));
    return this.#hold(result.value);
  }

  #settled(promise: QuickJSHandle): QuickJSHandle {
    const jobs = this.#runtime.executePendingJobs();
    if (jobs.error) throw new Failed(this.#hold(jobs.error));
    jobs.dispose();
    const state = this.#context.getPromiseState(promise);
    if (state.type === 'fulfilled') return this.#hold(state.value);
    if (state.type === 'rejected') throw new Failed(this.#hold(state.error));
    throw new Failed(
      this.#hold(
        this.#context.newError('the code waits for something that never happens: there are no timers and no network'),
      ),
    );
  }

  #result(stringify: QuickJSHandle, value: QuickJSHandle, logs: readonly SandboxLog[]): SandboxOutcome {
    const text = this.#call(stringify, [value]);
    if (this.#context.typeof(text) !== 'string') return { ok: true, json: undefined, logs };
    const length = this.#context.getNumber(this.#hold(this.#context.getProp(text, 'length')));
    if (length <= this.#limits.output) return { ok: true, json: this.#context.getString(text), logs };
    return {
      ok: false,
      reason: 'output',
      message: `the result has ${length} characters as JSON, of ${this.#limits.output} allowed`,
    };
  }

  #logs(stringify: QuickJSHandle, lines: QuickJSHandle): SandboxLog[] {
    const text = this.#call(stringify, [lines]);
    return JSON.parse(this.#context.getString(text)) as SandboxLog[];
  }

  #failure(error: QuickJSHandle): SandboxOutcome {
    if (this.#deadline.passed)
      return { ok: false, reason: 'time', message: `it used more than ${this.#limits.time} ms` };
    const described = describe(this.#context.dump(error));
    if (described === 'InternalError: out of memory') return { ok: false, reason: 'memory', message: 'out of memory' };
    if (described === 'InternalError: stack overflow') return { ok: false, reason: 'stack', message: 'stack overflow' };
    return { ok: false, reason: 'error', message: described.slice(0, 1_000) };
  }
}

/** A value thrown inside QuickJS, on its way out. */
class Failed {
  readonly error: QuickJSHandle;

  constructor(error: QuickJSHandle) {
    this.error = error;
  }
}

function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { name, message } = error as { name?: unknown; message?: unknown };
  if (typeof message !== 'string') return JSON.stringify(error);
  return typeof name === 'string' && name !== 'Error' ? `${name}: ${message}` : message;
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
