import type { MikroORM } from '@mikro-orm/postgresql';
import { isPassing } from '../passing-error.ts';
import { Engine } from './engine.ts';
import type { ExecutionRecorder } from './execution-recorder.ts';
import { Execution, type ExecutionStatus } from './execution.entity.ts';
import { failWith } from './fail-with.ts';
import { childSignal } from './interpreter/program.ts';

export interface LostExecutionsOptions {
  readonly orm: MikroORM;
  readonly engine: Engine;
  readonly recorder: ExecutionRecorder;
  readonly fault: (message: string, error: unknown) => void;
}

/** How often they are looked for, in milliseconds. */
export const lostInterval = 30_000;
/** Younger executions may be between their acceptance and the engine's knowing of them. */
const youngest = 60_000;
const atOnce = 1_000;
const open: ExecutionStatus[] = ['pending', 'running', 'waiting'];

/** Ends executions whose run has ended for the engine without a word, such as one that took down process after process. */
export class LostExecutions {
  readonly #options: LostExecutionsOptions;

  constructor(options: LostExecutionsOptions) {
    this.#options = options;
  }

  /** Looks once, at executions accepted at least `age` milliseconds ago, and returns the ids of those it ended as failed. */
  async end(age = youngest): Promise<string[]> {
    const { orm, engine, fault } = this.#options;
    const before = new Date(Date.now() - age);
    const ended: string[] = [];
    for (let last = ''; ;) {
      const where = { status: { $in: open }, createdAt: { $lt: before }, id: { $gt: last } };
      const found = await orm.em
        .fork()
        .find(Execution, where, { fields: ['id'], orderBy: { id: 'asc' }, limit: atOnce });
      if (found.length === 0) return ended;
      for (const id of await engine.ended(found.map(({ id }) => id))) {
        try {
          if (await this.#end(id)) ended.push(id);
        } catch (error) {
          if (isPassing(error)) throw error;
          fault(`Execution ${id} was given up by the engine, and could not be ended.`, error);
        }
      }
      last = found.at(-1)!.id;
    }
  }

  /** False when it had ended before. */
  async #end(id: string): Promise<boolean> {
    const { recorder, fault } = this.#options;
    const message = 'The execution was given up by the engine.';
    recorder.record(id, (report) => failWith(report, { code: 'internal_error', message, node_id: null, details: {} }));
    const ended = await recorder.stored(id);
    recorder.forget(id);
    if (!ended) return false;
    fault(`Execution ${id} was given up by the engine.`, undefined);
    await this.#tellParent(id);
    return true;
  }

  async #tellParent(id: string): Promise<void> {
    const { orm, engine } = this.#options;
    const execution = await orm.em.fork().findOne(Execution, { id }, { fields: ['parentExecutionId'] });
    const parent = execution?.parentExecutionId;
    if (parent) await engine.signal(parent, childSignal(id), { at: new Date().toISOString() });
  }
}
