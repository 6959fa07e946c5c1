import type { MikroORM } from '@mikro-orm/postgresql';
import { isPassing } from '../../passing-error.ts';
import { type Query, RunAbandonedError, type RunContext } from '../engine.ts';
import { Execution, pausedMs, pauseFields } from '../execution.entity.ts';
import type { LiveChannel } from '../live-channel.ts';
import type { Hold } from './graph-run-options.ts';
import { longestRest } from './rest.ts';

/** How long to wait before the row is looked at again, when it could not be read. */
const lookAgain = 1_000;

/** Whether somebody has paused the execution: its row says so, and news of the execution say when to look at it. */
export class ExecutionHold implements Hold {
  readonly #orm: MikroORM;
  readonly #executionId: string;
  readonly #unsubscribe: () => void;
  #held: boolean;
  #released = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #looking: Promise<void> | undefined;
  #stopped = false;

  /** `held` is how the row is known to stand; call `stop` when the run is over in this process. */
  constructor(orm: MikroORM, live: LiveChannel, executionId: string, held: boolean) {
    this.#orm = orm;
    this.#executionId = executionId;
    this.#held = held;
    this.#unsubscribe = live.subscribe(executionId, (ended) => ended === undefined && this.#look());
  }

  isHeld(): boolean {
    return this.#held;
  }

  /** Ends when the news so far have been followed: whoever was told that it is paused finds it held. */
  get known(): Promise<void> | undefined {
    return this.#looking;
  }

  released(): Promise<void> {
    return this.#held ? this.#released.promise : Promise.resolve();
  }

  async isOver(query: Query): Promise<boolean> {
    const [row] = await query('select status from execution where id = $1', [this.#executionId]);
    return row?.status !== 'paused';
  }

  /** Throws RunAbandonedError when the database cannot be used now. */
  async heldMs(): Promise<number> {
    try {
      const where = { id: this.#executionId };
      const execution = await this.#orm.em.fork().findOne(Execution, where, { fields: [...pauseFields] });
      return execution ? pausedMs(execution, new Date()) : 0;
    } catch (error) {
      throw isPassing(error) ? new RunAbandonedError(this.#executionId, { cause: error }) : error;
    }
  }

  /** Lets a run that is held before it begins rest; throws RunAbandonedError then. */
  async beforeBegin(context: RunContext): Promise<void> {
    if (this.#held) await context.suspendUntil(Date.now() + longestRest, (query) => this.isOver(query));
    context.signal.throwIfAborted();
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    clearTimeout(this.#timer);
  }

  /** Of looks that overlap the last one counts: it has seen what the others have. */
  #look(): void {
    clearTimeout(this.#timer);
    const look = ++this.#looks;
    this.#looking = this.#follow(look).finally(() => {
      if (look === this.#looks) this.#looking = undefined;
    });
  }

  async #follow(look: number): Promise<void> {
    try {
      const held = await this.#isPaused();
      if (look === this.#looks) this.#set(held);
    } catch {
      if (look === this.#looks && !this.#stopped) this.#timer = setTimeout(() => this.#look(), lookAgain);
    }
  }

  #set(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    if (held) this.#released = Promise.withResolvers<void>();
    else this.#released.resolve();
  }

  async #isPaused(): Promise<boolean> {
    const where = { id: this.#executionId };
    const execution = await this.#orm.em.fork().findOne(Execution, where, { fields: ['status'] });
    return execution?.status === 'paused';
  }
}
