import type { Json } from '../../domain-error.ts';
import {
  type Evaluator,
  type Graph,
  parseDuration,
  type WorkflowEdge,
  type WorkflowNode,
} from '../../language/index.ts';
import type { NodeRegistry } from '../../nodes/node-registry.ts';
import { isWritable } from '../../moment.ts';
import { type Command, type LogLevel, NodeFailure, type NodeResult, type Scope } from '../../nodes/node-type.ts';
import { RunAbandonedError, type RunContext } from '../engine.ts';
import type { Failure } from '../execution.entity.ts';
import { type Chronicle, type Progress, toFailure } from './chronicle.ts';
import { Flow } from './flow.ts';
import { NodeRun } from './node-run.ts';
import {
  checkDepth,
  type ErrorRecord,
  executionTimeout,
  type Outcome,
  toErrorRecord,
  toNodeFailure,
} from './outcome.ts';
import { mayRetry, retryDelay } from './retry.ts';
import { earliest, executionLimit, type TimeLimit, within } from './time-limit.ts';

/** What an execution runs with. */
export interface GraphRunOptions {
  readonly context: RunContext;
  readonly graph: Graph;
  readonly scope: Scope;
  readonly evaluator: Evaluator;
  readonly nodeTypes: NodeRegistry;
  readonly chronicle: Chronicle;
  /** True when the execution was ended by somebody else, so that going on is of no use. */
  readonly isEnded: () => boolean;
  /** Receives faults of the platform, which users see as `internal_error`. */
  readonly fault: (error: unknown, nodeId: string) => void;
}

/** Shortest wait that is worth calling the whole execution waiting. */
const notableWait = 1_000;
/** A wait from which on a run rests outside of the process; it is resumed up to two seconds late. */
const longWait = 20_000;
/** How long steps of other branches get to notice that the execution has failed. */
const farewell = 1_000;

type Ending = { output: Json } | { failure: Failure } | undefined;

/**
 * One execution of a graph. It is replayed from the start after a crash, so whatever decides its course comes from the
 * definition, the input and the recorded outcomes: clocks, random numbers and the database are read inside steps only.
 * Nodes are taken up one at a time in id order, and which command ends next is asked of the engine, which remembers.
 */
export class GraphRun {
  readonly #options: GraphRunOptions;
  readonly #flow: Flow;
  readonly #ready = new Set<string>();
  readonly #active = new Map<string, NodeRun>();
  readonly #others = new AbortController();
  readonly #nodeCount: number;
  #ended = 0;
  #selections = 0;
  /** The latest time that the records know of; what expressions see as now. */
  #clock: number;
  #limit: TimeLimit | undefined;
  #failure: Failure | undefined;
  /** True while the scheduler has nothing to do but to wait for a command to end. */
  #idle = false;
  /** Set by a failure after which no other branch may go on. */
  #stopped = false;

  constructor(options: GraphRunOptions) {
    this.#options = options;
    this.#flow = new Flow(options.graph);
    this.#nodeCount = options.graph.nodes.size;
    this.#clock = Date.parse(options.scope.execution.started_at);
  }

  /** How the execution ended; undefined when somebody else had ended it. Throws RunAbandonedError when it is left. */
  async run(): Promise<Ending> {
    await this.#begin();
    await this.#schedule();
    await this.#endOthers();
    if (this.#options.isEnded()) return undefined;
    if (this.#failure) return { failure: this.#failure };
    return this.#output();
  }

  async #begin(): Promise<void> {
    const { timeout } = this.#options.graph.definition.settings ?? {};
    const milliseconds = timeout === undefined ? undefined : parseDuration(timeout);
    if (milliseconds !== undefined) {
      const began = await this.#options.context.step('begin', async () => Date.now());
      this.#clock = began;
      this.#limit = executionLimit(began + milliseconds, timeout!);
    }
    for (const id of this.#flow.start()) this.#ready.add(id);
  }

  async #schedule(): Promise<void> {
    for (;;) {
      for (let id = this.#takeReady(); id !== undefined; id = this.#takeReady()) await this.#beginNode(id);
      if (this.#stopped || this.#active.size === 0 || this.#options.isEnded()) return;
      this.#idle = true;
      this.#checkWaiting();
      const run = await this.#nextEnded();
      const outcome = await run.pending!;
      this.#idle = false;
      run.pending = undefined;
      run.waitsUntil = undefined;
      this.#clock = Math.max(this.#clock, outcome.at);
      await this.#resume(run, outcome);
    }
  }

  #takeReady(): string | undefined {
    if (this.#stopped || this.#ready.size === 0) return undefined;
    const first = [...this.#ready].sort()[0]!;
    this.#ready.delete(first);
    return first;
  }

  async #nextEnded(): Promise<NodeRun> {
    const ids = [...this.#active.keys()].sort();
    if (ids.length === 1) return this.#active.get(ids[0]!)!;
    this.#selections += 1;
    const pending = new Map(ids.map((id) => [id, this.#active.get(id)!.pending!]));
    return this.#active.get(await this.#options.context.select(`select:${this.#selections}`, pending))!;
  }

  async #beginNode(id: string): Promise<void> {
    const { graph, nodeTypes, evaluator, scope, chronicle, context } = this.#options;
    const node = graph.node(id);
    const type = nodeTypes.get(node.type);
    let run: NodeRun | undefined;
    try {
      if (!type) throw new NodeFailure('unknown_node_type', `There is no node type ${node.type}.`);
      if (node.when !== undefined && !(await evaluator.isTrue(node.when, scope, this.#evaluation(id))))
        return this.#skip(id);
      const params = await evaluator.evaluate(node.params, scope, { ...this.#evaluation(id), raw: type.raw });
      run = new NodeRun(node, type, nodeTypes.checked(type, params), context.runId);
    } catch (error) {
      const failed = { node, attempt: 1, input: node.params, startedAt: new Date() };
      chronicle.attemptStarted(failed);
      return this.#nodeFailed(failed, this.#errorRecord(error, id));
    }
    await this.#attempt(run);
  }

  async #attempt(run: NodeRun): Promise<void> {
    run.begin();
    this.#options.chronicle.attemptStarted(run);
    this.#active.set(run.node.id, run);
    await this.#proceed(run, undefined);
  }

  async #resume(run: NodeRun, outcome: Outcome): Promise<void> {
    this.#options.chronicle.goesOn();
    if (!outcome.ok && outcome.error.code === executionTimeout) {
      this.#active.delete(run.node.id);
      this.#options.chronicle.nodeCancelled(run);
      return this.#fail(toFailure(outcome.error, null), true);
    }
    if (run.purpose === 'retry') return this.#attempt(run);
    await this.#proceed(run, run.purpose === 'program' ? this.#readProgram(run, outcome) : outcome);
  }

  /** The value of a program, once what it logged is told. */
  #readProgram(run: NodeRun, outcome: Outcome): Outcome {
    if (!outcome.ok) return outcome;
    const { value, logs } = outcome.value as { value: Json; logs: { level: LogLevel; message: string }[] };
    for (const { level, message } of logs) this.#options.chronicle.log(run, level, message);
    return { ...outcome, value };
  }

  /** Lets the handler go on to its next durable command, or to its end. */
  async #proceed(run: NodeRun, answer: Outcome | undefined): Promise<void> {
    let next = answer;
    for (;;) {
      let move: IteratorResult<Command, NodeResult>;
      try {
        move = run.proceed(next && (next.ok ? { value: next.value } : { error: toNodeFailure(next.error) }));
        if (move.done) checkDepth(move.value.output);
      } catch (error) {
        return this.#attemptFailed(run, this.#errorRecord(error, run.node.id), answer?.at);
      }
      if (move.done) return this.#nodeCompleted(run, move.value, answer?.at);
      next = await this.#answerNow(run, move.value);
      if (next) continue;
      run.pending = this.#issue(run, move.value);
      // An abandoned run leaves its commands behind; whoever awaits them hears of it.
      run.pending.catch(() => undefined);
      return;
    }
  }

  /** Commands that are recomputed at replay rather than remembered. */
  async #answerNow(run: NodeRun, command: Command): Promise<Outcome | undefined> {
    const { evaluator, scope, chronicle } = this.#options;
    if (command.kind === 'log') {
      chronicle.log(run, command.level, command.message, command.data);
      return { ok: true, value: null, at: this.#clock };
    }
    if (command.kind !== 'evaluate' || command.program) return undefined;
    try {
      const options = { ...this.#evaluation(run.node.id, run.attempt), locals: command.locals };
      return { ok: true, value: await evaluator.evaluate(command.template, scope, options), at: this.#clock };
    } catch (error) {
      return { ok: false, error: this.#errorRecord(error, run.node.id), at: this.#clock };
    }
  }

  /** Hands the command to the engine, in this very turn: the engine numbers commands in the order in which they come. */
  #issue(run: NodeRun, command: Command): Promise<Outcome> {
    const { context, evaluator, scope } = this.#options;
    run.purpose = 'command';
    switch (command.kind) {
      case 'step':
        return context.step(run.nextKey(command.key), (signal) =>
          this.#perform(run, signal, (inner) => command.run({ idempotencyKey: run.idempotencyKey, signal: inner })),
        );
      case 'evaluate': {
        run.purpose = 'program';
        const options = { ...this.#evaluation(run.node.id, run.attempt), locals: command.locals };
        const program = async (): Promise<Json> => {
          const { value, logs } = await evaluator.program(command.template as string, scope, options);
          return { value, logs: logs.map(({ level, message }) => ({ level, message })) };
        };
        return context.step(run.nextKey('program'), (signal) => this.#perform(run, signal, program));
      }
      case 'sleep':
        return this.#sleep(run, () => Date.now() + command.milliseconds);
      case 'sleepUntil':
        return this.#sleep(run, () => Date.parse(command.at));
      case 'log':
        throw new Error('A log line needs no step.');
    }
  }

  /** Runs a step to an outcome, within the limits of the attempt and of the execution. */
  async #perform(run: NodeRun, signal: AbortSignal, work: (signal: AbortSignal) => Promise<Json>): Promise<Outcome> {
    const either = AbortSignal.any([signal, this.#others.signal]);
    try {
      const value = await within(earliest([run.limit(), this.#limit]), either, work);
      checkDepth(value ?? null);
      return { ok: true, value: value ?? null, at: Date.now() };
    } catch (error) {
      if (signal.aborted) throw new RunAbandonedError(this.#options.context.runId, { cause: error });
      return { ok: false, error: this.#errorRecord(error, run.node.id), at: Date.now() };
    }
  }

  /** The moment of waking is remembered; the wait itself then needs no step. */
  async #sleep(run: NodeRun, wakeAt: () => number): Promise<Outcome> {
    const { context, chronicle } = this.#options;
    const plan = await context.step<{ at: number; error: ErrorRecord | null }>(run.nextKey('sleep'), async () => {
      const wish = wakeAt();
      if (!isWritable(wish)) {
        const error = {
          code: 'invalid_params',
          message: 'The time to wait for is not a date of the years 1 to 9999.',
          details: {},
        };
        return { at: Date.now(), error };
      }
      const limit = earliest([run.limit(), this.#limit]);
      if (limit && limit.at < wish) return { at: limit.at, error: toErrorRecord(limit.failure()) };
      return { at: wish, error: null };
    });
    chronicle.stepWaits(run, new Date(plan.at));
    run.waitsUntil = plan.at;
    this.#checkWaiting();
    await context.sleepUntil(plan.at);
    return plan.error ? { ok: false, error: plan.error, at: plan.at } : { ok: true, value: null, at: plan.at };
  }

  /** When nothing goes on but time, the execution is told to wait, and a run that waits long rests outside of the process. */
  #checkWaiting(): void {
    const runs = [...this.#active.values()];
    if (!this.#idle || runs.some(({ waitsUntil }) => waitsUntil === undefined)) return;
    const first = runs.reduce((a, b) => (b.waitsUntil! < a.waitsUntil! ? b : a));
    const left = first.waitsUntil! - Date.now();
    if (left < notableWait) return;
    this.#options.chronicle.waits(first.node.id, first.lastKey, new Date(first.waitsUntil!));
    if (left >= longWait) void this.#suspend(first.waitsUntil!);
  }

  /** Should it fail, the run waits where it is. */
  async #suspend(at: number): Promise<void> {
    const { context, fault } = this.#options;
    await context.suspendUntil(at).catch((error: unknown) => {
      if (!(error instanceof RunAbandonedError)) fault(error, 'a wait');
    });
  }

  async #nodeCompleted(run: NodeRun, result: NodeResult, at: number | undefined): Promise<void> {
    const { scope, chronicle } = this.#options;
    const { id } = run.node;
    scope.steps[id] = { output: result.output, status: 'completed' };
    let fired: WorkflowEdge[];
    try {
      fired = await this.#firing(run, result.port ?? 'default');
    } catch (error) {
      delete scope.steps[id];
      this.#active.delete(id);
      return this.#nodeFailed(run, this.#errorRecord(error, id), at);
    }
    Object.assign(scope.variables, result.variables);
    this.#active.delete(id);
    this.#ended += 1;
    chronicle.nodeCompleted(run, result, at ? new Date(at) : new Date(), this.#progress());
    this.#leave(id, fired);
  }

  /** The edges that fire when the node is left by `port`. Throws a NodeFailure when a `when` cannot be evaluated. */
  async #firing({ node, type }: NodeRun, port: string): Promise<WorkflowEdge[]> {
    const { graph } = this.#options;
    const edges = graph.outgoing(node.id, port);
    if (type.firing !== 'first') return this.#holding(edges);
    for (const edge of edges) if (await this.#holds(edge)) return [edge];
    return port === 'default' ? [] : this.#holding(graph.outgoing(node.id, 'default'));
  }

  async #holding(edges: readonly WorkflowEdge[]): Promise<WorkflowEdge[]> {
    const holding: WorkflowEdge[] = [];
    for (const edge of edges) if (await this.#holds(edge)) holding.push(edge);
    return holding;
  }

  async #holds({ id, when }: WorkflowEdge): Promise<boolean> {
    const { evaluator, scope } = this.#options;
    return when === undefined || evaluator.isTrue(when, scope, this.#evaluation(id));
  }

  async #attemptFailed(run: NodeRun, error: ErrorRecord, at: number | undefined): Promise<void> {
    const { retry } = run.node;
    if (!retry || !mayRetry(retry, run.attempt, error.code)) {
      this.#active.delete(run.node.id);
      return this.#nodeFailed(run, error, at);
    }
    const failedAt = at ?? this.#clock;
    const retryAt = failedAt + retryDelay(retry, run.attempt, run.idempotencyKey);
    this.#options.chronicle.attemptFailed(run, error, new Date(failedAt), { retryAt: new Date(retryAt) });
    run.purpose = 'retry';
    run.waitsUntil = Math.min(retryAt, this.#limit?.at ?? Infinity);
    run.pending = this.#waitForRetry(retryAt);
    run.pending.catch(() => undefined);
  }

  /** Needs no step: the time follows from the recorded outcome of the attempt that failed. */
  async #waitForRetry(retryAt: number): Promise<Outcome> {
    const { context } = this.#options;
    if (this.#limit && this.#limit.at < retryAt) {
      await context.sleepUntil(this.#limit.at);
      return { ok: false, error: toErrorRecord(this.#limit.failure()), at: this.#limit.at };
    }
    await context.sleepUntil(retryAt);
    return { ok: true, value: null, at: retryAt };
  }

  /** The node is out of attempts. */
  async #nodeFailed(
    run: { node: WorkflowNode; attempt: number; input: Json; startedAt: Date },
    error: ErrorRecord,
    at?: number,
  ): Promise<void> {
    const { graph, scope, chronicle } = this.#options;
    const { id } = run.node;
    this.#ended += 1;
    chronicle.attemptFailed(run, error, at ? new Date(at) : new Date(), this.#progress());
    scope.steps[id] = { output: null, status: 'failed', error: { ...error } };
    const errorEdges = graph.outgoing(id, 'error');
    const policy = graph.onError(id);
    const handled = policy === 'continue' || (policy === 'route' && errorEdges.length > 0);
    if (!handled) {
      const goOn = graph.definition.settings?.on_failure === 'continue';
      this.#fail(toFailure(error, id), !goOn);
      return this.#leave(id, []);
    }
    try {
      this.#leave(id, await this.#holding(policy === 'route' ? errorEdges : graph.outgoing(id, 'default')));
    } catch (edgeError) {
      this.#fail(toFailure(this.#errorRecord(edgeError, id), id), true);
    }
  }

  #skip(id: string): void {
    const { graph, chronicle, scope } = this.#options;
    this.#ended += 1;
    scope.steps[id] = { output: null, status: 'skipped' };
    chronicle.nodesSkipped([graph.node(id)]);
    this.#leave(id, []);
  }

  #leave(id: string, fired: readonly WorkflowEdge[]): void {
    const { graph, chronicle, scope } = this.#options;
    const { ready, skipped } = this.#flow.leave(id, new Set(fired.map((edge) => edge.id)));
    for (const next of ready) this.#ready.add(next);
    for (const dead of skipped) scope.steps[dead] = { output: null, status: 'skipped' };
    this.#ended += skipped.length;
    chronicle.nodesSkipped(skipped.map((dead) => graph.node(dead)));
  }

  /** The first failure is the execution's. */
  #fail(failure: Failure, stop: boolean): void {
    this.#failure ??= failure;
    this.#stopped ||= stop;
  }

  /** The `output` of the definition, or else what the end nodes made, by id. */
  async #output(): Promise<Ending> {
    const { graph, evaluator, scope } = this.#options;
    const { output } = graph.definition;
    if (output === undefined) {
      const completed = graph.end.filter((id) => scope.steps[id]?.status === 'completed');
      return { output: Object.fromEntries(completed.map((id) => [id, scope.steps[id]!.output])) };
    }
    try {
      return { output: await evaluator.evaluate(output, scope, this.#evaluation('output')) };
    } catch (error) {
      return { failure: toFailure(this.#errorRecord(error, 'output'), null) };
    }
  }

  /** Steps of other branches are told to stop and get a moment to do so. */
  async #endOthers(): Promise<void> {
    if (this.#active.size === 0) return;
    const others = [...this.#active.values()];
    this.#others.abort(new NodeFailure('cancelled', 'The execution has ended.'));
    for (const run of others) this.#options.chronicle.nodeCancelled(run);
    const busy = others.filter(({ waitsUntil }) => waitsUntil === undefined).map(({ pending }) => pending);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, farewell)));
    await Promise.race([Promise.allSettled(busy), patience]);
    clearTimeout(timer);
  }

  #progress(): Progress {
    return { ended: this.#ended, total: this.#nodeCount };
  }

  /** Makes expressions see the same clock and the same chance at every replay. */
  #evaluation(id: string, attempt = 1): { seed: string; now: number } {
    return { seed: `${this.#options.context.runId}:${id}:${attempt}`, now: this.#clock };
  }

  /** Throws RunAbandonedError for what is not the workflow's doing: a process that stops evaluates no expressions. */
  #errorRecord(error: unknown, nodeId: string): ErrorRecord {
    if (error instanceof RunAbandonedError) throw error;
    if (!(error instanceof NodeFailure)) this.#options.fault(error, nodeId);
    else if (error.details.reason === 'unavailable')
      throw new RunAbandonedError(this.#options.context.runId, { cause: error });
    return toErrorRecord(error);
  }
}
