import type { Json } from '../../domain-error.ts';
import { exceeds, maxLevels, maxNames } from '../../json-bounds.ts';
import { sizeOf } from '../../json-size.ts';
import { NodeFailure, type NodeResult } from '../../nodes/node-type.ts';

/** Bytes that an execution is held to: by the plan, as it was when the execution was accepted, so that a replay decides the same. */
export type SizeBounds = {
  /** Of what one node is given, and of what it makes. */
  readonly node: number;
  /** Of all that the execution keeps. */
  readonly execution: number;
  /** Of one object; absent for executions that were accepted when there was no such bound. */
  readonly names?: number;
};

/** The execution keeps more than its plan allows; no `on_error` catches it. */
export const executionTooLarge = 'execution_too_large';

/** Failures that another attempt would come to as well. */
export const sizeFailures: ReadonlySet<string> = new Set([
  'input_too_large',
  'output_too_large',
  'result_too_deep',
  'too_many_names',
]);

/** Holds one execution to its bounds: the same values are counted in the same order at every replay. */
export class SizeLimits {
  readonly #bounds: SizeBounds;
  #kept = 0;

  /** Executions that were accepted when there were no bounds have none. */
  constructor(bounds: SizeBounds = { node: Infinity, execution: Infinity }) {
    this.#bounds = bounds;
  }

  /** Throws a NodeFailure `input_too_large` for what a node may not be given. */
  checkInput(value: Json): void {
    this.#check('input', value, 'What the node is given');
  }

  /** Throws a NodeFailure `output_too_large`, `result_too_deep` or `too_many_names` for what a node may not make. */
  checkOutput(value: Json): void {
    this.#check('output', value, 'What the node made');
  }

  /** Counts values that pass the checks and are kept: their bytes. Throws a NodeFailure `execution_too_large` when that is too much. */
  keep(...values: readonly (Json | undefined)[]): number {
    let bytes = 0;
    for (const value of values) if (value !== undefined) bytes += sizeOf(value).bytes;
    this.#kept += bytes;
    const limit = this.#bounds.execution;
    if (this.#kept <= limit) return bytes;
    const message = `The execution keeps more than the ${mebibytes(limit)} that the plan allows: what its nodes are given and make, and its log lines.`;
    throw new NodeFailure(executionTooLarge, message, { limit_bytes: limit });
  }

  /** Checks and counts what a node made: its bytes. */
  keepResult({ output, response, variables }: NodeResult): number {
    this.checkOutput(output);
    if (response) this.checkOutput(response.body);
    return this.keep(output, response?.body, variables === output ? undefined : variables);
  }

  #check(which: 'input' | 'output', value: Json, what: string): void {
    const limit = this.#bounds.node;
    const { bytes, depth, hasTooManyNames } = sizeOf(value, limit);
    if (bytes > limit)
      throw new NodeFailure(
        `${which}_too_large`,
        `${what} is larger than the ${mebibytes(limit)} that the plan allows.`,
        {
          limit_bytes: limit,
        },
      );
    if (which === 'input') return;
    if (hasTooManyNames && this.#bounds.names !== undefined)
      throw new NodeFailure('too_many_names', `The result ${exceeds.names}.`, { limit_names: maxNames });
    if (!hasTooManyNames && depth > maxLevels)
      throw new NodeFailure('result_too_deep', `The result ${exceeds.levels}.`);
  }
}

function mebibytes(bytes: number): string {
  return `${bytes / 1_048_576} MiB`;
}
