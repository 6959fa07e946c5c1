import type { Json } from '../../domain-error.ts';
import type { EvaluationOptions, Evaluator } from '../../language/index.ts';
import type { BodyStart, LogLevel, Scope } from '../../nodes/node-type.ts';

/** Who asks: chance differs from path to path and from attempt to attempt, and is the same at every replay. */
export interface Asker {
  readonly path: string;
  readonly attempt?: number;
}

/** The run that expressions belong to. */
export interface ExpressionsRun {
  readonly runId: string;
  readonly organisationId: string;
  /** Ends the expressions that wait or run, once the run is not to go on. */
  readonly signal: AbortSignal;
}

export interface ProgramOptions {
  readonly locals?: Record<string, Json>;
  readonly signal: AbortSignal;
}

/** Evaluates what a run needs, with a clock and chances that are the same at every replay. */
export class Expressions {
  readonly #evaluator: Evaluator;
  readonly #run: ExpressionsRun;
  #clock: number;

  /** `beginsAt` is when the execution was accepted, in milliseconds since 1970. */
  constructor(evaluator: Evaluator, run: ExpressionsRun, beginsAt: number) {
    this.#evaluator = evaluator;
    this.#run = run;
    this.#clock = beginsAt;
  }

  /** The latest time that the records know of; what expressions see as now. */
  get clock(): number {
    return this.#clock;
  }

  /** The records tell of this time. */
  advance(at: number): void {
    this.#clock = Math.max(this.#clock, at);
  }

  evaluate(template: Json, scope: Scope, asker: Asker, more: Partial<EvaluationOptions> = {}): Promise<Json> {
    return this.#evaluator.evaluate(template, scope, { ...this.#turnOf(asker), ...withOuter(more, scope) });
  }

  isTrue(when: string, scope: Scope, asker: Asker): Promise<boolean> {
    return this.#evaluator.isTrue(when, scope, this.#turnOf(asker));
  }

  /** What a program returned, and the lines that it logged. `signal` ends it, also while it waits for its turn. */
  async program(source: string, scope: Scope, asker: Asker, { locals, signal }: ProgramOptions): Promise<Json> {
    const options = { ...this.#turnOf(asker), signal, ...(locals && { locals }) };
    const { value, logs } = await this.#evaluator.program(source, scope, options);
    return {
      value,
      logs: logs.map(({ level, message }: { level: LogLevel; message: string }) => ({ level, message })),
    };
  }

  #turnOf({ path, attempt = 1 }: Asker): EvaluationOptions {
    const { runId, organisationId, signal } = this.#run;
    return { organisationId, signal, seed: `${runId}:${path}:${attempt}`, now: this.#clock };
  }
}

/** What a body sees: all that its node sees, its own `item` and `loop`, and steps of its own beside the others. */
export function scopeOf(around: Scope, { item, loop }: BodyStart): Scope {
  return {
    ...around,
    steps: { ...around.steps },
    ...(item !== undefined && { item }),
    ...(loop !== undefined && { loop: loopIn(around, loop) }),
  };
}

function withOuter(options: Partial<EvaluationOptions>, scope: Scope): Partial<EvaluationOptions> {
  const loop = options.locals?.loop;
  if (typeof loop !== 'object' || loop === null) return options;
  return { ...options, locals: { ...options.locals, loop: loopIn(scope, loop as { [key: string]: Json }) } };
}

function loopIn({ item, loop }: Scope, inner: { readonly [key: string]: Json }): Json {
  if (loop === undefined) return inner;
  const outer = { ...(loop as { readonly [key: string]: Json }), ...(item !== undefined && { item }) };
  return { ...inner, outer };
}
