import type { Json } from '../../domain-error.ts';
import { isWritable } from '../../moment.ts';
import { type Command, NodeFailure, type StepContext } from '../../nodes/node-type.ts';
import { RunAbandonedError, type RunContext } from '../engine.ts';
import type { Chronicle } from './chronicle.ts';
import type { Expressions } from './expressions.ts';
import type { NodeRun } from './node-run.ts';
import { checkDepth, type ErrorRecord, type Outcome, toErrorRecord } from './outcome.ts';
import type { AwaitSignalCommand, OpenWaitCommand, Primitive } from './primitive.ts';
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

  /** Answers commands that are recomputed at replay rather than remembered; undefined for the others. */
  async answerNow(run: NodeRun, command: Primitive): Promise<Outcome | undefined> {
    const { expressions, chronicle, tokenHash } = this.#options;
    switch (command.kind) {
      case 'log':
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
    switch (command.kind) {
      case 'step':
        return this.#step(run, command.key, command.run);
      case 'unlimitedStep':
        return this.#step(run, command.key, command.run, false);
      case 'evaluate':
        run.purpose = 'program';
        return this.#step(run, 'program', () => this.#program(run, command));
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

  #program({ frame, path, attempt }: NodeRun, { template, locals }: EvaluateCommand): Promise<Json> {
    return this.#options.expressions.program(template as string, frame.scope, { path, attempt }, locals);
  }

  #step(run: NodeRun, key: string, work: (context: StepContext) => Promise<Json>, isLimited = true): Promise<Outcome> {
    const { context, owner } = this.#options;
    const given = { ...owner, executionId: context.runId, idempotencyKey: run.idempotencyKey };
    return context.step(run.nextKey(key), (signal) =>
      this.#perform(run, signal, isLimited ? run.limit() : undefined, (inner) => work({ ...given, signal: inner })),
    );
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
      checkDepth(value ?? null);
      return { ok: true, value: value ?? null, at: Date.now() };
    } catch (error) {
      if (signal.aborted) throw new RunAbandonedError(this.#options.context.runId, { cause: error });
      return { ok: false, error: this.#options.errorRecord(error, run.path), at: Date.now() };
    }
  }

  /** The moment of waking is remembered; the wait itself then needs no step. */
  async #sleep(run: NodeRun, wakeAt: () => number): Promise<Outcome> {
    const { context, chronicle, waits } = this.#options;
    const plan = await context.step<{ at: number; error: ErrorRecord | null }>(run.nextKey('sleep'), async () => {
      const wish = wakeAt();
      if (!isWritable(wish)) {
        const message = 'The time to wait for is not a date of the years 1 to 9999.';
        return { at: Date.now(), error: toErrorRecord(new NodeFailure('invalid_params', message)) };
      }
      const limit = run.limit();
      if (limit && limit.at < wish) return { at: limit.at, error: toErrorRecord(limit.failure()) };
      return { at: wish, error: null };
    });
    chronicle.stepWaits(run, new Date(plan.at));
    run.waits = { until: plan.at, reason: 'delay' };
    waits();
    await context.sleepUntil(plan.at);
    return plan.error ? { ok: false, error: plan.error, at: plan.at } : { ok: true, value: null, at: plan.at };
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

/** Where `openWait` is told. */
export type OpenedWait = Pick<OpenWaitCommand, 'wait' | 'signal' | 'at' | 'endsAt'>;
