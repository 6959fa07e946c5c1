import { jest } from '@jest/globals';
import type { Json } from '../../src/domain/domain-error.ts';
import { RunAbandonedError } from '../../src/domain/execution/engine.ts';
import type { ExecutionRecorder } from '../../src/domain/execution/execution-recorder.ts';
import type { Failure } from '../../src/domain/execution/execution.entity.ts';
import { Chronicle } from '../../src/domain/execution/interpreter/chronicle.ts';
import type { GraphRunOptions } from '../../src/domain/execution/interpreter/graph-run-options.ts';
import { GraphRun } from '../../src/domain/execution/interpreter/graph-run.ts';
import { childSignal } from '../../src/domain/execution/interpreter/program.ts';
import { SizeLimits } from '../../src/domain/execution/interpreter/size-limits.ts';
import {
  type EventRecord,
  type ExecutionChange,
  type LogRecord,
  Report,
  type StepChange,
  type WaitRecord,
} from '../../src/domain/execution/report.ts';
import { compile, Evaluator, type WorkflowDefinition } from '../../src/domain/language/index.ts';
import { NodeRegistry } from '../../src/domain/nodes/node-registry.ts';
import type { NodeType } from '../../src/domain/nodes/node-type.ts';
import { eventLoop } from '../../src/domain/tenancy/event-loop-turns.ts';
import { Pauses, type PauseWindow } from './pauses.ts';
import { PlainSandbox } from './plain-sandbox.ts';
import { type CountedMemory, ReplayedRun, RunJournal, type RunSuspension, sleepUntil } from './replayed-run.ts';

/** What the clock of a test says at first. */
export const beganAt = Date.UTC(2026, 0, 1);
const runId = 'exec_1';
/** Milliseconds until a run that was abandoned goes on. */
const foundAgainMs = 1_000;

export interface GraphBenchOptions extends Partial<
  Pick<GraphRunOptions, 'suspensionTimes' | 'room' | 'isEnded' | 'excess' | 'kept' | 'maxNodes'>
> {
  readonly types: readonly NodeType[];
  readonly sizes?: { readonly node: number; readonly execution: number };
  /** When the execution is paused, by the clock. */
  readonly pauses?: readonly PauseWindow[];
  /** Milliseconds that it takes to record an outcome. */
  readonly recordMs?: number;
  /** Milliseconds that it takes to start another execution. */
  readonly callMs?: number;
  /** Milliseconds after its beginning at which the run is taken from its process. */
  readonly crashes?: readonly number[];
}

export interface Ended {
  readonly status: 'completed' | 'failed' | 'left';
  readonly output: Json;
  readonly error: Failure | undefined;
  /** Milliseconds after the beginning. */
  readonly tookMs: number;
}

/** What a called execution is asked for. */
interface Calls {
  readonly started: string[];
  readonly cancelled: string[];
  readonly results: Map<string, Json>;
}

/**
 * Graphs on a clock of the test's own: no database, no process, no waiting. What an engine remembers is remembered, and runs
 * that are suspended or abandoned are replayed from it. Needs `useVirtualTime` before, and `useRealTime` after.
 */
export class GraphBench {
  readonly changes: ExecutionChange[] = [];
  readonly steps = new Map<string, StepChange>();
  readonly events: EventRecord[] = [];
  readonly logs: LogRecord[] = [];
  readonly waits: WaitRecord[] = [];
  readonly faults: unknown[] = [];
  readonly calls: Calls = { started: [], cancelled: [], results: new Map() };
  readonly expired: string[] = [];
  /** How often the run was begun: once, and once more for each suspension. */
  begun = 0;
  readonly #options: GraphBenchOptions;
  readonly #journal = new RunJournal();
  readonly #keys = new Set<string>();
  #current: ReplayedRun | undefined;
  /** When the execution began. */
  readonly #since = Date.now();

  constructor(options: GraphBenchOptions) {
    this.#options = options;
  }

  /** Runs the definition to its end. */
  async run(definition: WorkflowDefinition, input: Json = {}): Promise<Ended> {
    const ended = this.begin(definition, input);
    let isOver = false;
    const over = (): void => void (isOver = true);
    ended.then(over, over);
    await passUntil(() => isOver);
    return ended;
  }

  /** Begins a run; somebody has to let time pass. */
  async begin(definition: WorkflowDefinition, input: Json = {}): Promise<Ended> {
    const pauses = new Pauses(this.#options.pauses ?? []);
    const crashes = [...(this.#options.crashes ?? [])];
    for (;;) {
      this.begun += 1;
      const run = (this.#current = new ReplayedRun(runId, this.#journal, this.begun > 1, this.#options.recordMs));
      const crash = crashes.find((at) => this.#since + at > Date.now());
      const timer = crash === undefined ? undefined : setTimeout(() => run.leave(), this.#since + crash - Date.now());
      const graphRun = new GraphRun(this.#optionsOf(run, definition, input, pauses));
      try {
        const ending = await graphRun.run();
        return endedOf(ending, Date.now() - this.#since);
      } catch (error) {
        if (!(error instanceof RunAbandonedError)) throw error;
      } finally {
        clearTimeout(timer);
        run.end();
      }
      await this.#foundAgain(run.suspension, pauses);
      // As a run that is held before it begins.
      await pauses.released();
    }
  }

  async #foundAgain(suspension: RunSuspension | undefined, pauses: Pauses): Promise<void> {
    if (!suspension) return sleepUntil(Date.now() + foundAgainMs);
    if (suspension.isHeld) return pauses.released();
    const stop = Promise.withResolvers<never>();
    const signals = suspension.signals.map((name) => this.#journal.waitFor(name).promise);
    await Promise.race([...signals, sleepUntil(suspension.until, stop.promise)]);
    stop.reject(new Error('A signal came.'));
  }

  /** What the run holds that is at work. */
  get memory(): CountedMemory {
    return this.#current!.memory;
  }

  /** What the run waits for outside of its process, if it does. */
  get suspension(): RunSuspension | undefined {
    return this.#current!.suspension;
  }

  /** Hands a signal to the run. */
  signal(name: string, payload: Json): void {
    this.#journal.signal(name, payload);
  }

  /** The called execution has ended so. */
  childEnded(childId: string, result: Json): void {
    this.calls.results.set(childId, result);
    this.signal(childSignal(childId), { at: new Date().toISOString() });
  }

  /** The process loses the run. */
  crash(): void {
    this.#current!.leave();
  }

  /** Status of each step by path; `completed@2` in the second attempt. */
  get statuses(): Record<string, string> {
    const entries = [...this.steps].map(([path, { status, attempt }]) => [
      path,
      attempt > 1 ? `${status}@${attempt}` : status,
    ]);
    return Object.fromEntries(entries.sort(([one], [other]) => (one! < other! ? -1 : 1))) as Record<string, string>;
  }

  /** Milliseconds after the beginning of every `node:` event, as `a:1:started`. */
  get times(): Record<string, number> {
    const events = this.events.filter(({ type }) => type.startsWith('node:'));
    return Object.fromEntries(events.map(({ key, at }) => [key, at.getTime() - this.#since]));
  }

  #optionsOf(run: ReplayedRun, definition: WorkflowDefinition, input: Json, hold: Pauses): GraphRunOptions {
    const { types, sizes, isEnded = () => false, ...more } = this.#options;
    return {
      ...more,
      isEnded,
      context: run,
      graph: compile(definition),
      scope: {
        input,
        steps: {},
        variables: { ...definition.variables },
        trigger: null,
        execution: { id: runId, workflow_id: 'wf_1', started_at: new Date(this.#since).toISOString() },
      },
      evaluator: new Evaluator(new PlainSandbox()),
      nodeTypes: new NodeRegistry(types),
      chronicle: new Chronicle(this.#recorder, runId, new Date(this.#since)),
      callbackUrl: 'http://flowpact.test/v1/callbacks/',
      sizes: new SizeLimits(sizes),
      owner: { organisationId: 'org_1', workflowId: 'wf_1' },
      world: {
        executionId: runId,
        expire: async (signal) => this.expired.push(signal) > 0,
        start: async () => {
          if (this.#options.callMs) await sleepUntil(Date.now() + this.#options.callMs);
          return `child_${this.calls.started.push(runId)}`;
        },
        result: async (childId) => this.calls.results.get(childId)!,
        cancel: async (childId) => (this.calls.cancelled.push(childId), null),
      },
      hold,
      fault: (error) => this.faults.push(error),
    };
  }

  /** Keeps what it is told: an event and a line once under its key, of a step the latest. */
  get #recorder(): ExecutionRecorder {
    const record = (_: string, tell: (report: Report) => void): void => {
      const report = new Report();
      tell(report);
      this.changes.push(report.changes);
      for (const step of report.steps) this.steps.set(step.nodeId, step);
      for (const event of report.events) if (this.#isNew(`event ${event.key}`)) this.events.push(event);
      for (const log of report.logs) if (this.#isNew(`log ${log.key}`)) this.logs.push(log);
      this.waits.push(...report.waits);
    };
    return { record, stored: async () => true } as unknown as ExecutionRecorder;
  }

  #isNew(key: string): boolean {
    return this.#keys.size < this.#keys.add(key).size;
  }
}

function endedOf(ending: Awaited<ReturnType<GraphRun['run']>>, tookMs: number): Ended {
  if (!ending) return { status: 'left', output: null, error: undefined, tookMs };
  if ('failure' in ending) return { status: 'failed', output: null, error: ending.failure, tookMs };
  return { status: 'completed', output: ending.output, error: undefined, tookMs };
}

/** From here on clocks and timers are the test's own, and whoever asks for a turn on the event loop gets it at once. */
export function useVirtualTime(): void {
  jest.useFakeTimers({
    now: beganAt,
    doNotFake: ['setImmediate', 'clearImmediate', 'nextTick', 'queueMicrotask', 'performance'],
  });
  jest.spyOn(eventLoop, 'turn').mockReturnValue(undefined);
}

export function useRealTime(): void {
  jest.restoreAllMocks();
  jest.useRealTimers();
}

/** Lets everything go on that needs no time. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass, timer by timer, until it is so. Throws when nothing goes on any more. */
export async function passUntil(isSo: () => boolean): Promise<void> {
  for (;;) {
    await settle();
    if (isSo()) return;
    if (jest.getTimerCount() === 0) throw new Error('Nothing goes on.');
    jest.advanceTimersToNextTimer();
  }
}

/** Lets so many milliseconds pass, timer by timer. */
export async function pass(milliseconds: number): Promise<void> {
  let isOver = false;
  setTimeout(() => (isOver = true), milliseconds);
  await passUntil(() => isOver);
}
