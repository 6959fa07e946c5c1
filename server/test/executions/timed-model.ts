import type { Json } from '../../src/domain/domain-error.ts';
import {
  parseDuration,
  type WorkflowBody,
  type WorkflowDefinition,
  type WorkflowEdge,
  type WorkflowNode,
} from '../../src/domain/language/index.ts';
import type { PauseWindow } from './pauses.ts';

/** What a run has to come to; times are milliseconds after its beginning. */
export interface ExpectedInTime {
  readonly status: 'completed' | 'failed';
  readonly code: string | null;
  readonly output: Json;
  /** Statuses of all steps by path, `completed@2` in the second attempt. */
  readonly steps: Record<string, string>;
  /** When attempts began, as `a:1:started`, and when those of steps and sleeps ended. */
  readonly times: Record<string, number>;
  readonly tookMs: number;
}

/** Which of two things comes first that happen at the same time. */
export type TieOrder = 'oldest' | 'newest';

/** What happens depends on which of two things comes first that are as good as simultaneous. */
export class TooCloseError extends Error {}

/** The names that expressions of the model read. */
type Names = { readonly item?: Json; readonly index?: number };

interface Timer {
  /** By the clock, and when it is taken up: a pause may lie between. */
  readonly at: number;
  readonly takenUpAt: number;
  readonly fire: () => void;
}

interface Frame {
  readonly body: WorkflowBody;
  readonly prefix: string;
  readonly names: Names;
  readonly holder: Attempt | undefined;
  readonly index: number;
  readonly status: Map<string, 'ready' | 'active' | 'over'>;
  /** Whether an edge has fired; absent while that is open. */
  readonly fired: Map<WorkflowEdge, boolean>;
  readonly outputs: Map<string, Json>;
  readonly active: Map<string, Attempt>;
  failure: string | undefined;
  stopped: boolean;
}

interface Attempt {
  readonly node: WorkflowNode;
  readonly frame: Frame;
  readonly path: string;
  readonly number: number;
  readonly timers: Set<Timer>;
  readonly open: Set<Frame>;
  /** Told when a frame inside is over. */
  frameOver: (frame: Frame, outcome: Outcome) => void;
}

type Outcome = { readonly failed: string } | { readonly output: Json };

/** Milliseconds within which the interpreter may see two things in either order when there are pauses. */
const slackMs = 5_000;

/**
 * The meaning of workflows in time, worked out by a simulation of events that shares nothing with the interpreter: which nodes
 * begin when, with time limits, delays, attempts and pauses. Knows the node types `pure`, `port`, `work` and `pause` of the
 * tests, and foreach, while and parallel. Throws TooCloseError for what depends on things that are as good as simultaneous.
 */
export function expectedInTime(
  definition: WorkflowDefinition,
  pauses: readonly PauseWindow[],
  ties: TieOrder,
): ExpectedInTime {
  return new Simulation(definition, pauses, ties).run();
}

class Simulation {
  readonly #definition: WorkflowDefinition;
  readonly #pauses: readonly PauseWindow[];
  readonly #ties: TieOrder;
  readonly #timers = new Set<Timer>();
  readonly #frames = new Set<Frame>();
  readonly #steps: Record<string, string> = {};
  readonly #times: Record<string, number> = {};
  readonly #root: Frame;
  #now = 0;
  /** The latest time of what was taken up: during a pause things end before that. */
  #clock = 0;

  constructor(definition: WorkflowDefinition, pauses: readonly PauseWindow[], ties: TieOrder) {
    this.#definition = definition;
    this.#pauses = pauses;
    this.#ties = ties;
    this.#root = this.#open(definition, '', {}, undefined, 0);
  }

  run(): ExpectedInTime {
    const timeout = span(this.#definition.settings?.timeout);
    if (timeout !== undefined)
      this.#timer(this.#unpaused(timeout), () => this.#fail(this.#root, 'execution_timeout', true));
    for (;;) {
      this.#settle();
      const isOver = this.#root.stopped || this.#root.active.size === 0;
      const next = isOver ? undefined : this.#next();
      if (!next) break;
      this.#timers.delete(next);
      this.#now = next.takenUpAt;
      this.#clock = Math.max(this.#clock, next.at);
      next.fire();
    }
    for (const attempt of this.#root.active.values()) this.#cancel(attempt);
    const { failure } = this.#root;
    return {
      status: failure === undefined ? 'completed' : 'failed',
      code: failure ?? null,
      output: failure === undefined ? outputOf(this.#root) : null,
      steps: this.#steps,
      times: this.#times,
      tookMs: this.#now,
    };
  }

  #pauseAt(at: number): PauseWindow | undefined {
    return this.#pauses.find(({ from, to }) => from <= at && at < to);
  }

  /** When so many milliseconds without pauses are over. */
  #unpaused(milliseconds: number): number {
    let at = milliseconds;
    for (const { from, to } of [...this.#pauses].sort((a, b) => a.from - b.from)) if (from < at) at += to - from;
    return at;
  }

  #timer(at: number, fire: () => void, owner?: Attempt): void {
    const takenUpAt = Math.max(this.#now, this.#pauseAt(at)?.to ?? at);
    const timer: Timer = {
      at,
      takenUpAt,
      fire: () => {
        owner?.timers.delete(timer);
        fire();
      },
    };
    this.#timers.add(timer);
    owner?.timers.add(timer);
  }

  #next(): Timer | undefined {
    const all = [...this.#timers];
    const first = Math.min(...all.map(({ takenUpAt }) => takenUpAt));
    if (this.#pauses.length > 0) this.#checkSlack(first, all);
    const same = all.filter(({ takenUpAt }) => takenUpAt === first);
    return this.#ties === 'oldest' ? same[0] : same.at(-1);
  }

  #checkSlack(first: number, all: readonly Timer[]): void {
    const isClose = (at: number): boolean => at > first && at < first + slackMs;
    const bounds = this.#pauses.flatMap(({ from, to }) => [from, to]);
    if (all.some(({ takenUpAt }) => isClose(takenUpAt)) || bounds.some((at) => isClose(at) || isClose(at + slackMs)))
      throw new TooCloseError();
  }

  #open(body: WorkflowBody, prefix: string, names: Names, holder: Attempt | undefined, index: number): Frame {
    const status = new Map<string, 'ready'>();
    for (const { id } of body.nodes) if (!body.edges.some(({ to }) => to === id)) status.set(id, 'ready');
    const frame: Frame = {
      body,
      prefix,
      names,
      holder,
      index,
      status,
      stopped: false,
      failure: undefined,
      fired: new Map(),
      outputs: new Map(),
      active: new Map(),
    };
    this.#frames.add(frame);
    holder?.open.add(frame);
    return frame;
  }

  /** Begins what may begin, the first by path each time, and ends the frames that are over. */
  #settle(): void {
    for (;;) {
      this.#endFrames();
      if (this.#root.stopped || this.#pauseAt(this.#now)) return;
      const ready = [...this.#frames].flatMap((frame) =>
        [...frame.status].filter(([, status]) => status === 'ready').map(([id]) => ({ frame, id })),
      );
      const paths = ready.map(({ frame, id }) => frame.prefix + id);
      const first = ready[paths.indexOf([...paths].sort()[0]!)];
      if (!first) return;
      this.#begin(
        first.frame,
        first.frame.body.nodes.find(({ id }) => id === first.id)!,
      );
    }
  }

  #endFrames(): void {
    const isOver = (frame: Frame): boolean =>
      frame.holder !== undefined &&
      (frame.stopped || (frame.active.size === 0 && ![...frame.status.values()].includes('ready')));
    for (;;) {
      const frame = [...this.#frames].find(isOver);
      if (!frame) return;
      const { failure } = frame;
      this.#close(frame);
      frame.holder!.frameOver(frame, failure === undefined ? { output: outputOf(frame) } : { failed: failure });
    }
  }

  #close(frame: Frame): void {
    this.#frames.delete(frame);
    frame.holder!.open.delete(frame);
    for (const attempt of frame.active.values()) this.#cancel(attempt);
  }

  #begin(frame: Frame, node: WorkflowNode): void {
    frame.status.set(node.id, 'active');
    if (node.when === 'false') {
      this.#steps[frame.prefix + node.id] = 'skipped';
      return this.#leave(frame, node, undefined);
    }
    this.#attempt(frame, node, 1);
  }

  #attempt(frame: Frame, node: WorkflowNode, number: number): void {
    const path = frame.prefix + node.id;
    const attempt: Attempt = {
      node,
      frame,
      path,
      number,
      timers: new Set(),
      open: new Set(),
      frameOver: () => undefined,
    };
    frame.active.set(node.id, attempt);
    this.#times[`${path}:${number}:started`] = this.#now;
    const timeout = span(node.timeout);
    if (timeout !== undefined) {
      // When a node with bodies began is remembered, since its limit holds for all that is inside.
      if (!['pure', 'port', 'work', 'pause'].includes(node.type)) this.#clock = this.#now;
      const at = this.#now + timeout;
      this.#timer(at, () => this.#limitReached(attempt, at), attempt);
    }
    this.#carryOut(attempt);
  }

  #limitReached(attempt: Attempt, at: number): void {
    // A sleep that the limit of the execution had ended is told by the time at which it went on.
    if (this.#now > at && this.#definition.settings?.timeout !== undefined) throw new TooCloseError();
    this.#attemptFailed(attempt, 'timeout', at);
  }

  #carryOut(attempt: Attempt): void {
    const { node, frame, number } = attempt;
    const { type, params } = node;
    const read = (value: Json | undefined): Json => named(value, frame.names);
    switch (type) {
      case 'pure':
        return this.#completed(attempt, Object.fromEntries(Object.entries(params).map(([key, v]) => [key, read(v)])));
      case 'port':
        return this.#completed(attempt, params.port!, params.port as string);
      case 'work': {
        const at = this.#now + Number(read(params.ms));
        const fails = params.fail !== undefined && number <= Number(params.times ?? Infinity);
        const end = (): void =>
          fails
            ? this.#attemptFailed(attempt, params.fail as string, at)
            : this.#completed(attempt, read(params.value), 'default', at);
        return this.#timer(at, end, attempt);
      }
      case 'pause': {
        const at = this.#now + Number(read(params.ms));
        return this.#timer(at, () => this.#completed(attempt, 'woke', 'default', at), attempt);
      }
      case 'foreach':
        return this.#forEach(attempt);
      case 'while':
        return this.#repeat(attempt);
      case 'parallel':
        return this.#parallel(attempt);
      default:
        throw new Error(`The model does not know ${type}.`);
    }
  }

  #prefix({ path, number }: Attempt, segment: string): string {
    return `${path}${number > 1 ? `@${number}` : ''}[${segment}].`;
  }

  #forEach(attempt: Attempt): void {
    const { items, concurrency = 1, on_item_error: policy = 'fail', body } = attempt.node.params;
    const starts = (items as readonly Json[]).map(
      (item, index) => () =>
        this.#open(
          body as unknown as WorkflowBody,
          this.#prefix(attempt, String(index)),
          { item, index },
          attempt,
          index,
        ),
    );
    this.#bodies(attempt, starts, Number(concurrency), policy === 'fail' && 'item_failed', (results, failed) => ({
      count: starts.length,
      failed,
      results,
    }));
  }

  #parallel(attempt: Attempt): void {
    const { branches, on_branch_error: policy = 'fail' } = attempt.node.params;
    const names = Object.keys(branches as object).sort();
    const starts = names.map((name, index) => () => {
      const body = (branches as Record<string, Json>)[name] as unknown as WorkflowBody;
      return this.#open(body, this.#prefix(attempt, name), attempt.frame.names, attempt, index);
    });
    this.#bodies(attempt, starts, names.length, policy === 'fail' && 'branch_failed', (results, failed) => ({
      failed,
      results: Object.fromEntries(names.map((name, index) => [name, results[index]!])),
    }));
  }

  /** Runs so many of them at once; `code` is that of the failure where the first that fails ends the others. */
  #bodies(
    attempt: Attempt,
    starts: readonly (() => Frame)[],
    concurrency: number,
    code: string | false,
    output: (results: Json[], failed: number) => Json,
  ): void {
    const outcomes = new Map<number, Outcome>();
    let begun = 0;
    const goOn = (): void => {
      while (begun < starts.length && begun - outcomes.size < concurrency) starts[begun++]!();
      if (outcomes.size < starts.length) return;
      const all = starts.map((_, index) => outcomes.get(index)!);
      this.#completed(attempt, output(all.map(shown), all.filter((outcome) => 'failed' in outcome).length));
    };
    attempt.frameOver = ({ index }, outcome) => {
      outcomes.set(index, outcome);
      if (code && 'failed' in outcome) return this.#attemptFailed(attempt, code, undefined);
      goOn();
    };
    goOn();
  }

  #repeat(attempt: Attempt): void {
    const { condition, limit, body } = attempt.node.params;
    const times = Number(condition!.toString().split('<')[1]);
    const { names } = attempt.frame;
    let last: Json = null;
    const turn = (index: number): void => {
      if (index >= times) return this.#completed(attempt, { iterations: index, last });
      if (index >= Number(limit)) return this.#attemptFailed(attempt, 'loop_limit_reached', undefined);
      attempt.frameOver = (_, outcome) => {
        if ('failed' in outcome) return this.#attemptFailed(attempt, 'iteration_failed', undefined);
        last = outcome.output;
        turn(index + 1);
      };
      const prefix = this.#prefix(attempt, String(index));
      this.#open(body as unknown as WorkflowBody, prefix, { ...names, index }, attempt, 0);
    };
    turn(0);
  }

  /** Nothing of the attempt goes on. */
  #end(attempt: Attempt): void {
    for (const timer of attempt.timers) this.#timers.delete(timer);
    for (const frame of attempt.open) this.#close(frame);
    attempt.frame.active.delete(attempt.node.id);
  }

  #cancel(attempt: Attempt): void {
    this.#end(attempt);
    this.#mark(attempt, 'cancelled');
  }

  #mark({ path, number }: Attempt, status: string): void {
    this.#steps[path] = number > 1 ? `${status}@${number}` : status;
  }

  #completed(attempt: Attempt, output: Json, port = 'default', at?: number): void {
    this.#end(attempt);
    this.#mark(attempt, 'completed');
    if (at !== undefined) this.#times[`${attempt.path}:${attempt.number}:completed`] = at;
    attempt.frame.outputs.set(attempt.node.id, output);
    this.#leave(attempt.frame, attempt.node, port);
  }

  #attemptFailed(attempt: Attempt, code: string, at: number | undefined): void {
    const { node, frame, number } = attempt;
    this.#end(attempt);
    if (at !== undefined && (node.type === 'work' || node.type === 'pause'))
      this.#times[`${attempt.path}:${number}:failed`] = at;
    const retryAt = retryTime(node, number, at ?? this.#clock);
    if (retryAt !== undefined) {
      frame.active.set(node.id, attempt);
      return this.#timer(retryAt, () => this.#attempt(frame, node, number + 1), attempt);
    }
    this.#mark(attempt, 'failed');
    const caught = frame.body.edges.some(({ from, port }) => from === node.id && port === 'error');
    const policy = node.on_error ?? (caught ? 'route' : 'fail');
    const port = policy === 'continue' ? 'default' : policy === 'route' && caught ? 'error' : undefined;
    if (port === undefined) this.#fail(frame, code, this.#definition.settings?.on_failure !== 'continue');
    this.#leave(frame, node, port);
  }

  #fail(frame: Frame, code: string, stop: boolean): void {
    frame.failure ??= code;
    if (!stop) return;
    frame.stopped = true;
    for (const [id, status] of frame.status) if (status === 'ready') frame.status.delete(id);
  }

  /** The node is over, and left by this port if by any. */
  #leave(frame: Frame, { id }: WorkflowNode, port: string | undefined): void {
    const { body, status, fired } = frame;
    status.set(id, 'over');
    for (const edge of body.edges)
      if (edge.from === id) fired.set(edge, port !== undefined && edge.port === port && edge.when !== 'false');
    for (let isChanged = true; isChanged;) {
      isChanged = false;
      for (const node of body.nodes) {
        const incoming = body.edges.filter(({ to }) => to === node.id);
        // Nobody looks at a node before something that leads to it is over.
        if (status.has(node.id) || !incoming.some((edge) => fired.has(edge))) continue;
        const count = incoming.filter((edge) => fired.get(edge)).length;
        const open = incoming.filter((edge) => !fired.has(edge)).length;
        const wanted = typeof node.join === 'number' ? node.join : 1;
        const waitsForAll = (node.join ?? 'all') === 'all' && open > 0;
        if (!waitsForAll && count >= wanted) {
          status.set(node.id, frame.stopped ? 'over' : 'ready');
        } else if (!waitsForAll && count + open < wanted) {
          status.set(node.id, 'over');
          this.#steps[frame.prefix + node.id] = 'skipped';
          for (const edge of body.edges) if (edge.from === node.id) fired.set(edge, false);
        } else continue;
        isChanged = true;
      }
    }
  }
}

function retryTime({ retry }: WorkflowNode, attempt: number, failedAt: number): number | undefined {
  if (!retry || attempt >= retry.max_attempts) return undefined;
  const initial = span(retry.initial) ?? 1_000;
  let delay = initial;
  for (let each = 1; each < attempt && retry.backoff !== 'constant'; each++) delay *= 2;
  return failedAt + Math.min(delay, span(retry.max) ?? Math.max(300_000, initial));
}

function outputOf({ body, outputs }: Frame): Json {
  const last = body.nodes.filter(({ id }) => !body.edges.some(({ from, port }) => from === id && port !== 'error'));
  return Object.fromEntries(last.flatMap(({ id }) => (outputs.has(id) ? [[id, outputs.get(id)!]] : []))) as Json;
}

/** Without the error, whose words are not for the model to know. */
function shown(outcome: Outcome): Json {
  return 'failed' in outcome ? { status: 'failed', output: null } : { status: 'completed', output: outcome.output };
}

function named(value: Json | undefined, { item, index }: Names): Json {
  if (value === '{{ item }}') return item ?? null;
  if (value === '{{ loop.index }}') return index ?? null;
  return value ?? null;
}

function span(duration: string | undefined): number | undefined {
  return duration === undefined ? undefined : parseDuration(duration);
}
