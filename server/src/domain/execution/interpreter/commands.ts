import type { Json } from '../../domain-error.ts';
import { bytesOf } from '../../json-size.ts';
import { isWritable } from '../../moment.ts';
import { inOrganisation } from '../../tenancy/current-organisation.ts';
import { type Command, type LogLevel, NodeFailure, type StepContext } from '../../nodes/node-type.ts';
import { RunAbandonedError, type RunContext } from '../engine.ts';
import { type Chronicle, lineOf } from './chronicle.ts';
import type { Expressions } from './expressions.ts';
import type { HeldValues } from './held-values.ts';
import type { NodeRun } from './node-run.ts';
import { type ErrorRecord, type Outcome, toErrorRecord } from './outcome.ts';
import type { AwaitSignalCommand, OpenWaitCommand, Primitive } from './primitive.ts';
import type { SizeLimits } from './size-limits.ts';
import { type TimeLimit, within } from './time-limit.ts';

/** Whose execution it is. */
export interface RunOwner {
  readonly organisationId: string;
  readonly workflowId: string;
}

export interface CommandsOptions {
  readonly context: RunContext;
  readonly owner: RunOwner;
  readonly expressions: Expressions;
  readonly chronicle: Chronicle;
  readonly sizes: SizeLimits;
  readonly held: HeldValues;
  /** Any error as what users are told; throws RunAbandonedError for one that is not the workflow's doing. */
  readonly errorRecord: (error: unknown, path: string) => ErrorRecord;
  /** A node that was at work only lets time pass from now on. */
  readonly waits: () => void;
  /** The token of the callback URL that ends this wait. */
  readonly tokenHash: (signal: string) => string | undefined;
}

type EvaluateCommand = Extract<Command, { kind: 'evaluate' }>;

/** Carries out what nodes ask for, but for the bodies inside them. */
export class Commands {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  /**
   * Answers commands that are recomputed at replay rather than remembered; undefined for the others. Throws a NodeFailure
   * `execution_too_large` for a log line beyond what the execution may keep.
   */
  async answerNow(run: NodeRun, command: Primitive): Promise<Outcome | undefined> {
    const { expressions, chronicle, sizes, tokenHash } = this.#options;
    switch (command.kind) {
      case 'log':
        sizes.keep(lineOf(command.message), command.data);
        chronicle.log(run, command.level, command.message, command.data);
        return this.#now(null);
      case 'openWait':
        run.openWait = command.signal;
        chronicle.waitOpened(run, command, tokenHash(command.signal));
        return this.#now(null);
      case 'evaluate':
        if (command.program) return undefined;
        try {
          const { frame, path, attempt } = run;
          const more = { locals: command.locals };
          return this.#now(await expressions.evaluate(command.template, frame.scope, { path, attempt }, more));
        } catch (error) {
          return { ok: false, error: this.#options.errorRecord(error, run.path), at: expressions.clock };
        }
      default:
        return undefined;
    }
  }

  #now(value: Json): Outcome {
    return { ok: true, value, at: this.#options.expressions.clock };
  }

  /** Hands the command to the engine, in this very turn: the engine numbers commands in the order in which they come. */
  issue(run: NodeRun, command: Primitive): Promise<Outcome> {
    run.purpose = 'command';
    run.sleeps = undefined;
    switch (command.kind) {
      case 'step':
        return this.#step(run, command.key, command.run);
      case 'unlimitedStep':
        return this.#step(run, command.key, command.run, false);
      case 'evaluate':
        run.purpose = 'program';
        return this.#step(run, 'program', ({ signal }) => this.#program(run, command, signal));
      case 'sleep':
        return this.#sleep(run, () => Date.now() + command.milliseconds);
      case 'sleepUntil':
        return this.#sleep(run, () => Date.parse(command.at));
      case 'awaitSignal':
        return this.#awaitSignal(run, command);
      default:
        throw new Error(`A command ${command.kind} needs no engine.`);
    }
  }

  #program({ frame, path, attempt }: NodeRun, command: EvaluateCommand, signal: AbortSignal): Promise<Json> {
    const { template, locals } = command;
    return this.#options.expressions.program(template as string, frame.scope, { path, attempt }, { locals, signal });
  }

  /** The value of a program, once what it logged is told. Throws a NodeFailure `execution_too_large`. */
  readProgram(run: NodeRun, outcome: Outcome): Outcome {
    if (!outcome.ok) return outcome;
    const { chronicle, sizes } = this.#options;
    const { value, logs } = outcome.value as { value: Json; logs: { level: LogLevel; message: string }[] };
    for (const { level, message } of logs) {
      sizes.keep(lineOf(message));
      chronicle.log(run, level, message);
    }
    return { ...outcome, value };
  }

  /** Begins its work when there is room for what it makes, which is held from then on. */
  async #step(
    run: NodeRun,
    key: string,
    work: (context: StepContext) => Promise<Json>,
    isLimited = true,
  ): Promise<Outcome> {
    const { context, owner, held } = this.#options;
    const { memory } = context;
    const given = { ...owner, executionId: context.runId, idempotencyKey: run.idempotencyKey };
    let begun = false;
    const begin = async (signal: AbortSignal): Promise<Json> => {
      await memory.enter(signal);
      begun = true;
      return inOrganisation(owner.organisationId, () => work({ ...given, signal }));
    };
    try {
      const outcome = await context.step(run.nextKey(key), (signal) =>
        this.#perform(run, signal, isLimited ? run.limit() : undefined, begin),
      );
      if (outcome.ok) held.outcome(run, bytesOf(outcome.value));
      return outcome;
    } finally {
      if (begun) memory.leave();
    }
  }

  /** Runs a step to an outcome, within the first limit of the attempt and of all that is around it. */
  async #perform(
    run: NodeRun,
    signal: AbortSignal,
    limit: TimeLimit | undefined,
    work: (signal: AbortSignal) => Promise<Json>,
  ): Promise<Outcome> {
    const either = AbortSignal.any([signal, run.cancelled]);
    try {
      const value = await within(limit, either, work);
      this.#options.sizes.checkOutput(value ?? null);
      return { ok: true, value: value ?? null, at: Date.now() };
    } catch (error) {
      if (signal.aborted) throw new RunAbandonedError(this.#options.context.runId, { cause: error });
      return { ok: false, error: this.#options.errorRecord(error, run.path), at: Date.now() };
    }
  }

  /** The moment of waking is remembered; the wait itself then needs no step. */
  async #sleep(run: NodeRun, wakeAt: () => number): Promise<Outcome> {
    const { context } = this.#options;
    const plan = await context.step<SleepPlan & { wish?: number; began?: number }>(run.nextKey('sleep'), async () => {
      const wish = wakeAt();
      if (!isWritable(wish)) {
        const message = 'The time to wait for is not a date of the years 1 to 9999.';
        return { at: Date.now(), error: toErrorRecord(new NodeFailure('invalid_params', message)) };
      }
      return { ...(await sleepPlan(wish, run.limit())), wish, began: run.began };
    });
    if (plan.began !== undefined) run.beganAt(plan.began);
    run.sleeps = plan.wish === undefined ? undefined : { until: plan.wish, purpose: run.purpose };
    return this.sleep(run, plan);
  }

  /** Waits as planned. */
  async sleep(run: NodeRun, { at, error }: SleepPlan): Promise<Outcome> {
    const { context, chronicle, waits } = this.#options;
    chronicle.stepWaits(run, new Date(at));
    run.waits = { until: at, reason: 'delay' };
    waits();
    await context.sleepUntil(at);
    return error ? { ok: false, error, at } : { ok: true, value: null, at };
  }

  /** Needs no step: the time follows from the recorded outcome of the attempt that failed. */
  async waitForRetry(run: NodeRun, retryAt: number): Promise<Outcome> {
    const { context } = this.#options;
    const { limit } = run.frame;
    const limited = limit && limit.at < retryAt ? limit : undefined;
    const at = limited?.at ?? retryAt;
    run.purpose = 'retry';
    run.sleeps = { until: retryAt, purpose: 'retry' };
    run.waits = { until: at, reason: 'delay' };
    await context.sleepUntil(at);
    return limited ? { ok: false, error: toErrorRecord(limited.failure()), at } : { ok: true, value: null, at };
  }

  /** The limit that has ended a sleep may have stood still meanwhile: the answer is how the sleep goes on, if it does. */
  lookAtLimit(run: NodeRun): Promise<Outcome> {
    const { until, purpose } = run.sleeps!;
    const limit = purpose === 'retry' ? run.frame.limit : run.limit();
    run.purpose = 'limit';
    return this.#step(
      run,
      'limit',
      async () => {
        const plan = await sleepPlan(until, limit);
        if (plan.error && plan.at <= Date.now()) throw (await limit!.now()).failure();
        return { at: plan.at, error: plan.error && { ...plan.error } };
      },
      false,
    );
  }

  /** Every signal of ours tells in `at` when it was sent. */
  async #awaitSignal(run: NodeRun, { signal, reason, until }: AwaitSignalCommand): Promise<Outcome> {
    const { context, chronicle } = this.#options;
    run.waits = { until: until ?? Infinity, reason };
    const answer = context.awaitSignal(signal, until ?? undefined);
    chronicle.stepWaits(run, until === null ? undefined : new Date(until));
    const payload = (await answer) as { at: string } | undefined;
    return payload
      ? { ok: true, value: { payload }, at: Date.parse(payload.at) }
      : { ok: true, value: null, at: until ?? Date.now() };
  }
}

/** How long a node sleeps, and what it is called where a limit ends that. */
export interface SleepPlan {
  at: number;
  error: ErrorRecord | null;
}

/** For steps only. */
async function sleepPlan(wish: number, limit: TimeLimit | undefined): Promise<SleepPlan> {
  const reached = limit && limit.at < wish ? await limit.now() : undefined;
  if (reached && reached.at < wish) return { at: reached.at, error: toErrorRecord(reached.failure()) };
  return { at: wish, error: null };
}

/** Where `openWait` is told. */
export type OpenedWait = Pick<OpenWaitCommand, 'wait' | 'signal' | 'at' | 'endsAt'>;
