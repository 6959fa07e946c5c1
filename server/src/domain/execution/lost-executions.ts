import type { MikroORM } from '@mikro-orm/postgresql';
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
    const { orm, engine, recorder, fault } = this.#options;
    const before = new Date(Date.now() - age);
    const ended: string[] = [];
    for (let last = ''; ;) {
      const where = { status: { $in: open }, createdAt: { $lt: before }, id: { $gt: last } };
      const found = await orm.em
        .fork()
        .find(Execution, where, { fields: ['id'], orderBy: { id: 'asc' }, limit: atOnce });
      if (found.length === 0) return ended;
      for (const id of await engine.ended(found.map(({ id }) => id))) {
        const message = 'The execution was given up by the engine.';
        recorder.record(id, (report) =>
          failWith(report, { code: 'internal_error', message, node_id: null, details: {} }),
        );
        if (await recorder.stored(id)) {
          ended.push(id);
          await this.#tellParent(id);
          fault(`Execution ${id} was given up by the engine.`, undefined);
        }
        recorder.forget(id);
      }
      last = found.at(-1)!.id;
    }
  }

  async #tellParent(id: string): Promise<void> {
    const { orm, engine } = this.#options;
    const execution = await orm.em.fork().findOne(Execution, { id }, { fields: ['parentExecutionId'] });
    const parent = execution?.parentExecutionId;
    if (parent) await engine.signal(parent, childSignal(id), { at: new Date().toISOString() });
  }
}
