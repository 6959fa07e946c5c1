import type { Json } from '../../domain-error.ts';
import { type NodeResult, NodeFailure } from '../../nodes/node-type.ts';
import type { Chronicle } from './chronicle.ts';
import type { Expressions } from './expressions.ts';
import { firing, portAfterFailure } from './firing.ts';
import type { NodeRun } from './node-run.ts';
import { type ErrorRecord, executionTimeout, type Outcome, toErrorRecord, toNodeFailure } from './outcome.ts';
import { nextAttemptAt } from './retry.ts';
import type { SizeLimits } from './size-limits.ts';

type Ending = { readonly result: NodeResult } | { readonly error: NodeFailure };

/**
 * Reports how nodes end while the execution is paused. Their outcomes are taken up when it is resumed, and reported again then,
 * to no effect; what might come out differently by then, or is reported in the order of the run, is left until then.
 */
export class EarlyProjection {
  readonly #chronicle: Chronicle;
  readonly #expressions: Expressions;
  readonly #sizes: SizeLimits;

  constructor(chronicle: Chronicle, expressions: Expressions, sizes: SizeLimits) {
    this.#chronicle = chronicle;
    this.#expressions = expressions;
    this.#sizes = sizes;
  }

  /** `isHeld` says whether the outcome still waits to be taken up. */
  async report(run: NodeRun, outcome: Outcome, isHeld: () => boolean): Promise<void> {
    const ending = isHeld() ? endingOf(run, outcome, this.#sizes) : undefined;
    if (!ending) return;
    if ('error' in ending) return this.#failed(run, ending.error, outcome.at);
    const { output, port = 'default', variables } = ending.result;
    if (!(await this.#leaves(run, port)) || !isHeld()) return;
    this.#chronicle.nodeCompleted(run, { output, port, ...(variables && { variables }) }, new Date(outcome.at));
  }

  #failed(run: NodeRun, failure: NodeFailure, at: number): void {
    const error = toErrorRecord(failure);
    const retryAt = nextAttemptAt(run, error.code, at);
    const then = retryAt ? { retryAt: new Date(retryAt) } : { port: portAfterFailure(run), progress: undefined };
    this.#chronicle.attemptFailed(run, error, new Date(at), then);
  }

  /** False where an edge may turn the end into a failure: variables may be others when the execution goes on. */
  async #leaves(run: NodeRun, port: string): Promise<boolean> {
    const { graph } = run.frame;
    const edges = [...graph.outgoing(run.node.id, port), ...graph.outgoing(run.node.id, 'default')];
    if (edges.some(({ when }) => when?.includes('variables'))) return false;
    return firing(run, port, this.#expressions).then(
      () => true,
      () => false,
    );
  }
}

/** How the node ends by this outcome; undefined when it does not, or something around it does. */
function endingOf(run: NodeRun, outcome: Outcome, sizes: SizeLimits): Ending | undefined {
  if (run.attempt === 0 || run.purpose === 'retry' || run.purpose === 'limit') return undefined;
  if (!outcome.ok && endsMore(run, outcome.error)) return undefined;
  const value = outcome.ok && run.purpose === 'program' ? programValue(outcome.value) : outcome;
  const move = run.foresee(value.ok ? { value: value.value } : { error: toNodeFailure(value.error) });
  if ('error' in move)
    return move.error instanceof NodeFailure && !endsMore(run, toErrorRecord(move.error))
      ? { error: move.error }
      : undefined;
  if (!move.step.done) return undefined;
  try {
    sizes.checkOutput(move.step.value.output);
    return { result: move.step.value };
  } catch (error) {
    return { error: error as NodeFailure };
  }
}

/** Whether it ends the execution, or a node around this one. */
function endsMore(run: NodeRun, error: ErrorRecord): boolean {
  return error.code === executionTimeout || run.limitedAround(error) !== undefined;
}

function programValue(value: Json): { ok: true; value: Json } {
  return { ok: true, value: (value as { value: Json }).value };
}
