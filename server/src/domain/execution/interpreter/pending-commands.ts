import type { RunContext } from '../engine.ts';
import type { NodeRun } from './node-run.ts';
import type { Outcome } from './outcome.ts';

/** The nodes of one execution with a command under way. Which command ends next is asked of the engine, which remembers. */
export class PendingCommands {
  readonly #context: Pick<RunContext, 'select'>;
  readonly #runs = new Map<string, NodeRun>();
  #selections = 0;

  constructor(context: Pick<RunContext, 'select'>) {
    this.#context = context;
  }

  get size(): number {
    return this.#runs.size;
  }

  get runs(): NodeRun[] {
    return [...this.#runs.values()];
  }

  add(run: NodeRun, pending: Promise<Outcome>): void {
    run.pending = pending;
    this.#runs.set(run.path, run);
    // An abandoned run leaves its commands behind; whoever awaits them hears of it.
    pending.catch(() => undefined);
  }

  delete(run: NodeRun): void {
    this.#runs.delete(run.path);
  }

  /** The node whose command ends next. */
  async next(): Promise<NodeRun> {
    const paths = [...this.#runs.keys()].sort();
    if (paths.length === 1) return this.#runs.get(paths[0]!)!;
    this.#selections += 1;
    const pending = new Map(paths.map((path) => [path, this.#runs.get(path)!.pending!]));
    return this.#runs.get(await this.#context.select(`select:${this.#selections}`, pending))!;
  }
}
