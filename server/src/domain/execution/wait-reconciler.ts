import type { MikroORM } from '@mikro-orm/postgresql';
import { passingOf } from '../passing-error.ts';
import { toJsonb } from '../storable.ts';
import type { Engine, SuspendedRun } from './engine.ts';
import type { ExecutionWait } from './execution-wait.entity.ts';
import { answerOf } from './execution-waits.ts';

/** How often suspended runs are compared with what they wait for, in milliseconds. */
export const reconcileInterval = 1_000;
/** Suspended runs of one query. */
const pageSize = 1_000;
/** Pages of one round; the next one goes on behind them. */
const pagesPerRound = 5;
/** Milliseconds for which what has happened may still be on its way. */
const grace = 3_000;
const ended = `('completed', 'failed', 'cancelled')`;

/**
 * What is wrong about suspended runs, if anything, and has been since before $3. A time that has passed counts only if the run was suspended before: one
 * that was suspended afterwards has looked at the clock, and knows of a later time than the row does.
 */
const statement = `
with run as (
  select * from jsonb_to_recordset($1::jsonb) as run(id text, held boolean, since timestamptz)
), awaited as (
  select * from jsonb_to_recordset($2::jsonb) as awaited(id text, signal text)
)
select 'ended' as fault, run.id, null::text as signal, null::json as wait
  from run left join execution on execution.id = run.id
 where execution.id is null or (execution.status in ${ended} and execution.completed_at < $3)
union all
select 'resumed', run.id, null, null
  from run join execution on execution.id = run.id
 where run.held and execution.status not in ('paused', 'completed', 'failed', 'cancelled')
union all
select 'answered', awaited.id, awaited.signal,
       json_build_object('status', wait.status, 'decidedBy', wait.decided_by, 'note', wait.note, 'decidedAt', wait.decided_at)
  from awaited join execution_wait wait on wait.execution_id = awaited.id and wait.signal = awaited.signal
 where wait.status in ('approved', 'declined') and wait.decided_at < $3
union all
select 'called ended', awaited.id, awaited.signal, null
  from awaited left join execution called on called.id = substr(awaited.signal, 7)
 where awaited.signal like 'child:%'
   and (called.id is null or (called.status in ${ended} and called.completed_at < $3))
union all
select 'time passed', run.id, null, null
  from run join execution on execution.id = run.id
 where execution.status = 'waiting' and (
   exists (select from execution_wait wait
            where wait.execution_id = run.id and wait.status = 'pending' and wait.ends_at between run.since and $3)
   or exists (select from step
               where step.execution_id = run.id and step.status = 'waiting' and step.wait_until between run.since and $3))`;

interface Fault {
  readonly fault: 'ended' | 'resumed' | 'answered' | 'called ended' | 'time passed';
  readonly id: string;
  readonly signal: string | null;
  readonly wait: (Pick<ExecutionWait, 'status' | 'decidedBy' | 'note'> & { readonly decidedAt: string }) | null;
}

export interface WaitReconcilerOptions {
  readonly orm: MikroORM;
  readonly engine: Engine;
  /** Told of what should not have been so, and of what could not be mended. */
  readonly warn: (message: string, error?: unknown) => void;
}

/**
 * Compares the waits that are decided with the runs that are suspended, and lets those go on that were forgotten: an
 * approval was given, a called execution has ended, a pause is over, a time has passed, the execution itself has ended. Each of these
 * resumes its run in the transaction in which it happens, so there should be nothing to find. The engine does the same
 * for signals that are there. The payload of a callback stands in its signal alone.
 */
export class WaitReconciler {
  readonly #options: WaitReconcilerOptions;
  #after = '';

  constructor(options: WaitReconcilerOptions) {
    this.#options = options;
  }

  /** Looks at the next runs, in one process of all. */
  async round(): Promise<void> {
    const { engine } = this.#options;
    for (let page = 0; page < pagesPerRound && engine.leads; page++) {
      const runs = await engine.suspended(this.#after, pageSize);
      for (const fault of await this.#faults(runs)) await this.#tryToMend(fault);
      this.#after = runs.length < pageSize ? '' : runs.at(-1)!.runId;
      if (this.#after === '') return;
    }
  }

  async #faults(runs: readonly SuspendedRun[]): Promise<Fault[]> {
    if (runs.length === 0) return [];
    const pool = await this.#options.orm.em.getConnection().getNativeClient();
    const { rows } = await pool.query<Fault>({
      name: 'flowpact_decided_waits',
      text: statement,
      values: [
        toJsonb(runs.map(({ runId: id, held, since }) => ({ id, held, since }))),
        toJsonb(runs.flatMap(({ runId: id, signals }) => signals.map((signal) => ({ id, signal })))),
        new Date(Date.now() - grace),
      ],
    });
    return rows;
  }

  /** One run that cannot be helped keeps no other waiting; it is found again in the next round. */
  async #tryToMend(fault: Fault): Promise<void> {
    try {
      await this.#mend(fault);
    } catch (error) {
      if (passingOf(error) === 'unavailable') throw error;
      this.#options.warn(`Execution ${fault.id} is suspended although its wait is over (${fault.fault}).`, error);
    }
  }

  async #mend({ fault, id, signal, wait }: Fault): Promise<void> {
    const { engine, warn } = this.#options;
    if (fault === 'ended') await engine.cancel([id]);
    else if (fault === 'called ended') await engine.signal(id, signal!, { at: new Date().toISOString() });
    else if (fault === 'answered') {
      const answer = answerOf({ ...wait!, decidedAt: new Date(wait!.decidedAt) }, null);
      await engine.signal(id, signal!, { ...answer });
      // It was resumed since the runs were listed: this process may have stood still meanwhile.
    } else if (!(await engine.wake(id))) return;
    warn(
      `Execution ${id} was suspended although its wait was over (${fault}${signal ? `, ${signal}` : ''}); it goes on.`,
    );
  }
}
