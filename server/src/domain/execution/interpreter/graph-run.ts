import type { Json } from '../../domain-error.ts';
import { bytesOf } from '../../json-size.ts';
import type { WorkflowEdge, WorkflowNode } from '../../language/index.ts';
import { parseDuration, SandboxUnavailableError } from '../../language/index.ts';
import { type BodyOutcome, NodeFailure, type NodeResult } from '../../nodes/node-type.ts';
import { eventLoop } from '../../tenancy/event-loop-turns.ts';
import { RunAbandonedError } from '../engine.ts';
import type { Failure } from '../execution.entity.ts';
import { BodyRuns } from './body-runs.ts';
import { type Attempt, type Progress, toFailure } from './chronicle.ts';
import { Callbacks } from './callbacks.ts';
import { Commands, type SleepPlan } from './commands.ts';
import { Expressions, scopeOf } from './expressions.ts';
import { firing, holding, portAfterFailure } from './firing.ts';
import { EarlyProjection } from './early-projection.ts';
import { Frame, graphOf } from './frame.ts';
import type { GraphRunOptions, KeptNode } from './graph-run-options.ts';
import { HeldValues } from './held-values.ts';
import { inputOf, NodeRun } from './node-run.ts';
import { OpenFrames } from './open-frames.ts';
import { type ErrorRecord, executionTimeout, type Outcome, toErrorRecord, toNodeFailure } from './outcome.ts';
import { PauseGate } from './pause-gate.ts';
import { PendingCommands } from './pending-commands.ts';
import type { Primitive } from './primitive.ts';
import { gateOf, programOf } from './program.ts';
import { Rest } from './rest.ts';
import { nextAttemptAt } from './retry.ts';
import { executionTooLarge } from './size-limits.ts';
import { executionLimit, type TimeLimit } from './time-limit.ts';

/** Milliseconds that steps get to stop after they were cancelled. */
const cancelGraceMs = 1_000;
/** Nodes that one execution begins at most, bodies included; a replay goes through all of them again. */
const defaultMaxNodes = 100_000;

type Ending = { output: Json } | { failure: Failure } | undefined;

/**
 * One execution of a graph. It is replayed from the start after a crash, so whatever decides its course comes from the
 * definition, the input and the recorded outcomes: clocks, random numbers and the database are read inside steps only.
 * Nodes of all frames are taken up one at a time in the order of their paths.
 */
export class GraphRun {
  readonly #options: GraphRunOptions;
  readonly #expressions: Expressions;
  readonly #commands: Commands;
  readonly #rest: Rest;
  readonly #pauseGate: PauseGate;
  readonly #frames = new OpenFrames();
  readonly #held: HeldValues;
  readonly #pending: PendingCommands;
  #root!: Frame;
  #callbacks = Callbacks.none;
  #begun = 0;
  /** True while the scheduler has nothing to do but to wait for a command to end. */
  #idle = false;

  constructor(options: GraphRunOptions) {
    const { context, evaluator, owner, scope, chronicle, fault } = options;
    const { runId, signal } = context;
    const { organisationId } = owner;
    this.#options = options;
    this.#expressions = new Expressions(
      evaluator,
      { runId, organisationId, signal },
      Date.parse(scope.execution.started_at),
    );
    this.#pending = new PendingCommands(context);
    this.#held = new HeldValues(context, () => options.room?.());
    this.#rest = new Rest({ context, chronicle, times: options.suspensionTimes, fault });
    this.#pauseGate = new PauseGate({
      hold: options.hold,
      pending: this.#pending,
      earlyProjection: new EarlyProjection(chronicle, this.#expressions, options.sizes),
      rest: this.#rest,
    });
    this.#commands = new Commands({
      context,
      owner: options.owner,
      expressions: this.#expressions,
      chronicle,
      sizes: options.sizes,
      held: this.#held,
      errorRecord: (error, path) => this.#errorRecord(error, path),
      waits: () => this.#checkRest(),
      tokenHash: (signal) => this.#callbacks.tokenHash(signal),
    });
  }

  /** How the execution ended; undefined when somebody else had ended it. Throws RunAbandonedError when it is left. */
  async run(): Promise<Ending> {
    try {
      await this.#begin();
      await this.#schedule();
    } finally {
      this.#rest.over();
    }
    await this.#dismiss(this.#frames.active);
    if (this.#options.isEnded()) return undefined;
    if (this.#root.failure) return { failure: this.#root.failure };
    return this.#outputOf(this.#root);
  }

  async #begin(): Promise<void> {
    const { graph, scope, context, callbackUrl } = this.#options;
    const { timeout } = graph.definition.settings ?? {};
    const milliseconds = timeout === undefined ? undefined : parseDuration(timeout);
    let limit: TimeLimit | undefined;
    if (milliseconds !== undefined) {
      const began = await context.step('begin', async () => Date.now());
      this.#expressions.advance(began);
      limit = executionLimit(began + milliseconds, timeout!, async () => this.#options.hold?.heldMs() ?? 0);
    }
    if (Callbacks.areNeededBy(graph.definition))
      this.#callbacks = new Callbacks(callbackUrl, await context.step('callbacks', async () => Callbacks.newSecret()));
    this.#root = new Frame({ graph, scope, prefix: '', limit });
    this.#openFrame(this.#root);
  }

  #openFrame(frame: Frame): void {
    this.#callbacks.announce(frame, this.#options.chronicle);
    this.#frames.add(frame);
  }

  async #schedule(): Promise<void> {
    for (;;) {
      while (await this.#beginNext());
      if (this.#root.stopped || this.#options.isEnded()) return;
      if (this.#pending.size === 0 && !this.#frames.hasReady) return;
      if (this.#pauseGate.isClosed) {
        await this.#pauseGate.wait();
        continue;
      }
      this.#idle = true;
      this.#checkRest();
      const run = await this.#pending.next();
      const outcome = await run.pending!;
      this.#idle = false;
      this.#rest.over();
      await eventLoop.turn(this.#options.owner.organisationId);
      while (await this.#pauseGate.isKnownClosed()) await this.#pauseGate.wait();
      this.#pending.delete(run);
      run.pending = undefined;
      run.waits = undefined;
      this.#held.takenUp(run);
      this.#expressions.advance(outcome.at);
      await this.#resume(run, outcome);
      await this.#endFrames();
    }
  }

  /** Begins the first node in the order of paths, when there is room for it; false where none may begin. */
  async #beginNext(): Promise<boolean> {
    if (this.#root.stopped || this.#options.isEnded() || (await this.#pauseGate.isKnownClosed())) return false;
    const first = this.#frames.firstReady();
    if (!first) return false;
    const turn = eventLoop.turn(this.#options.owner.organisationId);
    if (turn) await turn;
    const waited = (await this.#held.entered()) || turn !== undefined;
    try {
      // Whoever was told of a pause meanwhile finds it held.
      if ((waited && (await this.#pauseGate.isKnownClosed())) || this.#endsForRoom()) return false;
      first.frame.ready.delete(first.id);
      await this.#beginNode(first.frame, first.frame.graph.node(first.id));
    } finally {
      this.#held.left();
    }
    await this.#endFrames();
    return true;
  }

  /** Decided by what is stored now, as a cancellation is: a replay that finds room again goes on. */
  #endsForRoom(): boolean {
    const failure = this.#options.excess?.();
    if (failure) this.#root.fail(failure, true);
    return failure !== undefined;
  }

  #checkRest(): void {
    if (this.#idle) this.#rest.idle(this.#pending.runs);
  }

  async #beginNode(frame: Frame, node: WorkflowNode): Promise<void> {
    const { nodeTypes, chronicle, context, world, sizes, maxNodes = defaultMaxNodes } = this.#options;
    const path = frame.pathOf(node.id);
    const asker = { path };
    const kept = this.#options.kept?.get(path);
    if (kept) return this.#keep(frame, node, kept);
    const type = nodeTypes.get(node.type);
    let run: NodeRun;
    try {
      if (!type) throw new NodeFailure('unknown_node_type', `There is no node type ${node.type}.`);
      if (++this.#begun > maxNodes)
        throw new NodeFailure('too_many_steps', `An execution takes at most ${maxNodes} steps.`);
      if (node.when !== undefined && !(await this.#expressions.isTrue(node.when, frame.scope, asker)))
        return this.#skip(frame, node);
      const params = await this.#expressions.evaluate(node.params, frame.scope, asker, { raw: type.raw });
      sizes.checkInput(params);
      this.#held.inFrame(frame, sizes.keep(params));
      run = new NodeRun(frame, node, type, nodeTypes.checked(type, params), context.runId);
    } catch (error) {
      const failed = { frame, node, path, attempt: 1, input: inputOf(node.params, type), startedAt: new Date() };
      chronicle.attemptStarted(failed);
      const record = this.#errorRecord(error, path);
      if (record.code === executionTooLarge) return this.#tooLarge(failed, record);
      return this.#nodeFailed(failed, record);
    }
    frame.active.set(node.id, run);
    if (!node.needs_approval) return this.#attempt(run);
    run.beginGate(gateOf(run, world));
    await this.#proceed(run, undefined);
  }

  /** The node goes its way without being run; it was told of where it ran. */
  async #keep(frame: Frame, node: WorkflowNode, kept: KeptNode): Promise<void> {
    const { nodeTypes, context, chronicle } = this.#options;
    const type = nodeTypes.get(node.type)!;
    const run = new NodeRun(frame, node, type, {}, context.runId);
    chronicle.nodeKept(run, this.#progress(frame));
    if ('error' in kept) return this.#goOnAfterFailure(run, kept.error);
    await this.#goOnAfter(run, kept, undefined, () => undefined);
  }

  async #attempt(run: NodeRun): Promise<void> {
    run.begin(programOf(run, this.#options.world));
    this.#options.chronicle.attemptStarted(run);
    await this.#proceed(run, undefined);
  }

  async #resume(run: NodeRun, outcome: Outcome): Promise<void> {
    this.#options.chronicle.goesOn();
    if (!outcome.ok) {
      if (outcome.error.code === executionTimeout && run.sleeps && run.purpose !== 'limit')
        return this.#pending.add(run, this.#commands.lookAtLimit(run));
      if (await this.#endedAround(run, outcome.error, outcome.at)) return;
    }
    if (run.purpose === 'limit' && outcome.ok) {
      run.purpose = run.sleeps!.purpose;
      return this.#pending.add(run, this.#commands.sleep(run, outcome.value as unknown as SleepPlan));
    }
    if (run.purpose === 'retry' && outcome.ok) return this.#attempt(run);
    await this.#proceed(run, outcome, run.purpose === 'program');
  }

  /** The limit of the whole execution, or of a node around this one, has ended more than the node that noticed it. */
  async #endedAround(run: NodeRun, error: ErrorRecord, at: number | undefined): Promise<boolean> {
    if (error.code === executionTimeout) {
      await this.#dismiss([run]);
      this.#root.fail(toFailure(error, null), true);
      return true;
    }
    const around = run.limitedAround(error);
    if (around) await this.#attemptFailed(around, error, at);
    return around !== undefined;
  }

  /** Lets the node go on to its next durable command, to the bodies inside it, or to its end. */
  async #proceed(run: NodeRun, answer: Outcome | undefined, isOfProgram = false): Promise<void> {
    try {
      await this.#proceedWith(run, answer && isOfProgram ? this.#commands.readProgram(run, answer) : answer);
    } catch (thrown) {
      if (!(thrown instanceof NodeFailure) || thrown.code !== executionTooLarge) throw thrown;
      await this.#dismissInside(run);
      run.frame.active.delete(run.node.id);
      this.#tooLarge(run, this.#errorRecord(thrown, run.path));
    }
  }

  async #proceedWith(run: NodeRun, answer: Outcome | undefined): Promise<void> {
    let next = answer;
    for (;;) {
      let move: IteratorResult<Primitive, NodeResult>;
      try {
        move = run.proceed(next && (next.ok ? { value: next.value } : { error: toNodeFailure(next.error) }));
        if (move.done) this.#held.inFrame(run.frame, this.#options.sizes.keepResult(move.value));
      } catch (thrown) {
        const error = this.#errorRecord(thrown, run.path);
        if (await this.#endedAround(run, error, answer?.at)) return;
        if (error.code === executionTooLarge) throw thrown;
        return this.#attemptFailed(run, error, answer?.at);
      }
      if (move.done) return run.attempt === 0 ? this.#attempt(run) : this.#nodeCompleted(run, move.value, answer?.at);
      if (move.value.kind === 'bodies') return this.#beginBodies(run, new BodyRuns(move.value));
      next = await this.#commands.answerNow(run, move.value);
      if (next) continue;
      this.#pending.add(run, this.#commands.issue(run, move.value));
      return;
    }
  }

  /** Nothing more can be kept: the execution ends, whatever catches failures. */
  #tooLarge(failed: Attempt, error: ErrorRecord): void {
    const then = { port: undefined, progress: undefined };
    this.#options.chronicle.attemptFailed(failed, error, new Date(this.#expressions.clock), then);
    this.#root.fail(toFailure(error, failed.path), true);
  }

  async #beginBodies(run: NodeRun, bodies: BodyRuns): Promise<void> {
    run.bodies = bodies;
    this.#nextBodies(run, bodies);
    if (bodies.isOver) await this.#bodiesEnded(run, bodies);
  }

  #nextBodies(run: NodeRun, bodies: BodyRuns): void {
    for (let next = bodies.next(); next; next = bodies.next()) {
      const { index, start } = next;
      this.#openFrame(
        new Frame({
          graph: graphOf(start.body),
          scope: scopeOf(run.frame.scope, start),
          prefix: run.prefixOf(start.segment),
          owner: { run, index },
          limit: run.limit(),
        }),
      );
    }
  }

  async #bodiesEnded(run: NodeRun, bodies: BodyRuns): Promise<void> {
    run.bodies = undefined;
    this.#held.takenUp(run);
    await this.#proceed(run, {
      ok: true,
      value: bodies.outcomes as unknown as Json,
      at: this.#expressions.clock,
    });
  }

  /** Hands the outcomes of frames that are over to the nodes around them, which may begin new ones. */
  async #endFrames(): Promise<void> {
    for (let frame = this.#frames.takeTouched(); frame; frame = this.#frames.takeTouched()) {
      if (frame.stopped) await this.#dismiss([...frame.active.values()]);
      if (!frame.isOver) continue;
      this.#frames.delete(frame);
      await this.#frameEnded(frame);
    }
  }

  async #frameEnded(frame: Frame): Promise<void> {
    const { run, index } = frame.owner!;
    const bodies = run.bodies!;
    const ending = frame.failure ? { failure: frame.failure } : await this.#outputOf(frame);
    const outcome: BodyOutcome =
      'failure' in ending
        ? { status: 'failed', error: { ...ending.failure } }
        : { status: 'completed', output: ending.output };
    this.#held.frameOver(frame);
    this.#held.outcome(run, bytesOf(outcome));
    const stop = bodies.ended(index, outcome);
    if (stop) await this.#dismissInside(run);
    if (bodies.isOver) return this.#bodiesEnded(run, bodies);
    this.#nextBodies(run, bodies);
  }

  async #nodeCompleted(run: NodeRun, result: NodeResult, at: number | undefined): Promise<void> {
    await this.#goOnAfter(run, result, at, () => {
      const endedAt = at ? new Date(at) : new Date();
      this.#options.chronicle.nodeCompleted(run, result, endedAt, this.#progress(run.frame));
    });
  }

  async #goOnAfter(run: NodeRun, result: NodeResult, at: number | undefined, tell: () => void): Promise<void> {
    const { frame, node } = run;
    const { scope } = frame;
    scope.steps[node.id] = { output: result.output, status: 'completed' };
    let fired: WorkflowEdge[];
    try {
      fired = await firing(run, result.port ?? 'default', this.#expressions);
    } catch (error) {
      delete scope.steps[node.id];
      frame.active.delete(node.id);
      return this.#nodeFailed(run, this.#errorRecord(error, run.path), at);
    }
    Object.assign(scope.variables, result.variables);
    frame.active.delete(node.id);
    tell();
    this.#leave(frame, node.id, fired);
  }

  async #attemptFailed(run: NodeRun, error: ErrorRecord, at: number | undefined): Promise<void> {
    await this.#dismissInside(run);
    const failedAt = at ?? this.#expressions.clock;
    const retryAt = nextAttemptAt(run, error.code, failedAt);
    if (retryAt === undefined) {
      run.frame.active.delete(run.node.id);
      return this.#nodeFailed(run, error, at);
    }
    this.#options.chronicle.attemptFailed(run, error, new Date(failedAt), { retryAt: new Date(retryAt) });
    this.#pending.add(run, this.#commands.waitForRetry(run, retryAt));
  }

  /** The node is out of attempts. */
  async #nodeFailed(
    run: { frame: Frame; node: WorkflowNode; path: string; attempt: number; input: Json; startedAt: Date },
    error: ErrorRecord,
    at?: number,
  ): Promise<void> {
    const endedAt = at ? new Date(at) : new Date();
    const port = portAfterFailure(run);
    this.#options.chronicle.attemptFailed(run, error, endedAt, { port, progress: this.#progress(run.frame) });
    await this.#goOnAfterFailure(run, error);
  }

  async #goOnAfterFailure(
    { frame, node, path }: { frame: Frame; node: WorkflowNode; path: string },
    error: ErrorRecord,
  ): Promise<void> {
    const { graph, scope } = frame;
    const { code, message, details } = error;
    scope.steps[node.id] = { output: null, status: 'failed', error: { code, message, details } };
    const port = portAfterFailure({ frame, node });
    if (port === undefined) {
      const goOn = this.#options.graph.definition.settings?.on_failure === 'continue';
      frame.fail(toFailure(error, path), !goOn);
      return this.#leave(frame, node.id, []);
    }
    try {
      this.#leave(frame, node.id, await holding(frame, graph.outgoing(node.id, port), this.#expressions));
    } catch (edgeError) {
      frame.fail(toFailure(this.#errorRecord(edgeError, path), path), true);
      this.#frames.touch(frame);
    }
  }

  #skip(frame: Frame, node: WorkflowNode): void {
    frame.scope.steps[node.id] = { output: null, status: 'skipped' };
    this.#options.chronicle.nodesSkipped(frame.prefix, [node]);
    this.#leave(frame, node.id, []);
  }

  #leave(frame: Frame, nodeId: string, fired: readonly WorkflowEdge[]): void {
    this.#options.chronicle.nodesSkipped(frame.prefix, frame.leave(nodeId, fired));
    this.#frames.touch(frame);
  }

  /** The `output` of the graph, or else what the end nodes made, by id. */
  async #outputOf({ graph, scope, prefix }: Frame): Promise<{ output: Json } | { failure: Failure }> {
    const path = `${prefix}output`;
    const template = graph.definition.output;
    const completed = graph.end.filter((id) => scope.steps[id]?.status === 'completed');
    try {
      const output =
        template === undefined
          ? Object.fromEntries(completed.map((id) => [id, scope.steps[id]!.output]))
          : await this.#expressions.evaluate(template, scope, { path });
      this.#options.sizes.checkOutput(output);
      return { output };
    } catch (error) {
      return { failure: toFailure(this.#errorRecord(error, path), null) };
    }
  }

  /** Nothing goes on inside the node any more, and what it has not taken up is held no longer. */
  async #dismissInside(run: NodeRun): Promise<void> {
    run.bodies = undefined;
    this.#held.takenUp(run);
    for (const frame of this.#frames.takeInside(run)) {
      this.#held.frameOver(frame);
      await this.#dismiss([...frame.active.values()]);
    }
  }

  /** Nodes are told to stop and get a moment to do so; what their steps come to is of no interest any more. */
  async #dismiss(runs: readonly NodeRun[]): Promise<void> {
    if (runs.length === 0) return;
    for (const run of runs) {
      run.cancel();
      this.#pending.delete(run);
      run.frame.active.delete(run.node.id);
      this.#options.chronicle.nodeCancelled(run);
      await this.#dismissInside(run);
      if (run.child) await this.#options.world.cancel(run.child);
    }
    const busy = runs.filter(({ waits }) => waits === undefined).map(({ pending }) => pending);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, cancelGraceMs)));
    await Promise.race([Promise.allSettled(busy), patience]);
    clearTimeout(timer);
  }

  /** Told of the workflow itself: how many nodes its bodies will run is not known. */
  #progress(frame: Frame): Progress | undefined {
    return frame.owner ? undefined : { ended: frame.ended + 1, total: frame.graph.nodes.size };
  }

  /**
   * Throws RunAbandonedError for what is not the workflow's doing: a process that stops evaluates no expressions, nor does
   * one that the run was taken from.
   */
  #errorRecord(error: unknown, path: string): ErrorRecord {
    if (error instanceof RunAbandonedError) throw error;
    const { runId, signal } = this.#options.context;
    if (error instanceof SandboxUnavailableError || signal.aborted)
      throw new RunAbandonedError(runId, { cause: error });
    if (!(error instanceof NodeFailure)) this.#options.fault(error, path);
    return toErrorRecord(error);
  }
}
