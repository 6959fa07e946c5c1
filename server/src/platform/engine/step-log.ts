import { currentOwnerXid } from '@dbos-inc/dbos-sdk/internal/context';
import { DBOSStepNondeterminismError, DBOSWorkflowConflictError } from '@dbos-inc/dbos-sdk/internal/error';
import type { SystemDatabase } from '@dbos-inc/dbos-sdk/internal/system_database';
import type { Pool } from 'pg';
import type { BatchMetrics } from '../../domain/batch-metrics.ts';
import { failpoint } from '../../domain/failpoints.ts';
import { RunAbandonedError, type RunContext } from '../../domain/execution/engine.ts';
import { Lane } from '../../domain/lane.ts';

type Recorded = NonNullable<Awaited<ReturnType<SystemDatabase['getOperationResultAndThrowIfCancelled']>>>;

/** What a run has behind it, until it gets there. */
class Journal {
  readonly #steps: Map<number, Recorded>;
  readonly #memory: Pick<RunContext['memory'], 'add'>;

  constructor(memory: Pick<RunContext['memory'], 'add'>, steps: readonly (Recorded & { readonly number: number })[]) {
    this.#memory = memory;
    this.#steps = new Map(steps.map(({ number, ...recorded }) => [number, recorded]));
  }

  /** Asked for once: from then on it is the run that holds it. */
  take(number: number): Recorded | undefined {
    const recorded = this.#steps.get(number);
    if (recorded && this.#steps.delete(number)) this.#memory.add(-Buffer.byteLength(recorded.output ?? ''));
    return recorded;
  }
}

/** A step whose outcome is to be remembered. */
interface Outcome {
  readonly runId: string;
  /** Says that the run is still this process's own. */
  readonly token: string;
  readonly number: number;
  readonly name: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly serialization: string | null;
  readonly began: number;
  readonly ended: number;
}

interface End {
  readonly runId: string;
  readonly token: string;
}

const batchSize = 200;
/** Bytes of recorded outputs that a run reads at once whether there is room for them or not. */
const smallJournal = 262_144;
const now = '(extract(epoch from now()) * 1000)::bigint';

/** The row locks, taken in one order by everybody, hold until the commit: nobody takes a run over between the look and the insert. */
const recordOutcomes = `
with given as (
  select id, token, number, name, case place when $10 then $11 else output end as output, error, serialization, began, ended
  from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[])
    with ordinality as given(id, token, number, name, output, error, serialization, began, ended, place)
), owned as (
  select workflow_uuid as id, owner_xid as token, application_name from dbos.workflow_status
   where workflow_uuid in (select id from given) order by workflow_uuid for no key update
), written as (
  insert into dbos.operation_outputs (workflow_uuid, function_id, output, error, function_name, started_at_epoch_ms,
    completed_at_epoch_ms, serialization, application_name, retention_timestamp)
  select given.id, number, output, error, name, began, ended, serialization, application_name, ${now}
    from given join owned on owned.id = given.id and owned.token = given.token
  on conflict (workflow_uuid, function_id) do update set completed_at_epoch_ms = operation_outputs.completed_at_epoch_ms
  returning workflow_uuid as id, function_id as number, completed_at_epoch_ms as ended
)
select id, token, number, ended from written join owned using (id)`;

/** Outputs only where there are no more bytes of them than asked for; how long one is, is known without reading it. */
const readSteps = `
select function_id as number, case when bytes <= $2 then output end as output, error, child_workflow_id as "childWorkflowID",
       function_name as "functionName", serialization, bytes
  from (select *, sum(octet_length(output)) over () as bytes from dbos.operation_outputs where workflow_uuid = $1) recorded`;

const endRuns = `
with owned as (
  select id, token from dbos.workflow_status
    join unnest($1::text[], $2::text[]) given(id, token) on given.id = workflow_uuid and given.token = owner_xid
   where status = 'PENDING' order by workflow_uuid for no key update of workflow_status
)
update dbos.workflow_status set status = 'SUCCESS', owner_xid = null, updated_at = ${now}, completed_at = ${now}
  from owned where workflow_uuid = owned.id
returning id, token`;

/**
 * What the engine's library does with three to eight round trips a step is one statement here, shared by all runs of the
 * process: a run that begins has no steps behind it, one that is resumed reads all of its steps at once, and outcomes and
 * ends are written together. Ownership is asked for where a result is written, which is what makes it count, and before
 * a step where the process may have stood still so long that another goes on with its runs.
 */
export class StepLog {
  readonly #pool: Pool;
  readonly #isHeld: () => boolean;
  /** Steps that are recorded of the runs at work, by run and token, since runs that were claimed together share one. */
  readonly #recorded = new Map<string, Journal>();
  readonly #outcomes: Lane<Outcome, number | undefined>;
  readonly #ends: Lane<End, boolean>;

  /** `isHeld` says whether nobody can have taken over what this process runs. */
  constructor(
    pool: Pool,
    isHeld: () => boolean,
    warn: (message: string, error: unknown) => void,
    metrics?: BatchMetrics,
  ) {
    this.#pool = pool;
    this.#isHeld = isHeld;
    const passing = (error: unknown): void =>
      warn('The progress of runs could not be written; it is tried again.', error);
    const shared = { batchSize, calls: 2, passing, metrics };
    this.#outcomes = new Lane({
      ...shared,
      name: 'step_outcomes',
      bytesOf: bytesOfOutcome,
      work: (items) => this.#record(items),
    });
    this.#ends = new Lane({ ...shared, name: 'run_ends', work: (items) => this.#end(items) });
  }

  /** Takes the place of the library's own statements. */
  install(systemDatabase: SystemDatabase): void {
    const look = systemDatabase.getOperationResultAndThrowIfCancelled.bind(systemDatabase);
    const check = systemDatabase.checkIfCanceled.bind(systemDatabase);
    const record = systemDatabase.recordOperationResult.bind(systemDatabase);
    systemDatabase.checkIfCanceled = async (runId) => (this.#recorded.has(keyOf(runId)) ? undefined : check(runId));
    systemDatabase.getOperationResultAndThrowIfCancelled = async (runId, number) => {
      const recorded = this.#recorded.get(keyOf(runId));
      if (recorded && this.#isHeld()) return recorded.take(number);
      const found = await look(runId, number);
      if (recorded && (await systemDatabase.getWorkflowOwner(runId)) !== currentOwnerXid(runId))
        throw new DBOSWorkflowConflictError(runId);
      return found;
    };
    systemDatabase.recordOperationResult = async (runId, number, name, checked, began, ended, options = {}) => {
      const token = currentOwnerXid(runId);
      if (token === undefined || !this.#recorded.has(keyOf(runId)) || options.childWorkflowID !== undefined)
        return record(runId, number, name, checked, began, ended, options);
      const { output = null, error = null, serialization = null } = options;
      const there = await this.#outcomes.ask({
        runId,
        token,
        number,
        name,
        output,
        error,
        serialization,
        began,
        ended,
      });
      if (there === undefined) throw new DBOSWorkflowConflictError(runId);
      if (there !== ended) throw new DBOSStepNondeterminismError(runId, number);
    };
    systemDatabase.recordWorkflowOutput = async (runId, _status, token) =>
      this.#ends.ask({ runId, token: token ?? currentOwnerXid(runId)! });
  }

  /**
   * Call it inside the run, before its first step; it ends when there is room for what the run has behind it. Where
   * that cannot be read, it throws RunAbandonedError: the run stays with this process and is found again by its beat.
   */
  async open({
    runId,
    resumed,
    memory,
    signal,
  }: Pick<RunContext, 'runId' | 'resumed' | 'memory' | 'signal'>): Promise<void> {
    const key = keyOf(runId);
    this.#recorded.set(key, new Journal(memory, []));
    if (!resumed) return;
    try {
      let steps = await this.#read(runId, smallJournal);
      const bytes = Number(steps[0]?.bytes ?? 0);
      await memory.reserve(signal, bytes);
      if (bytes > smallJournal) steps = await this.#read(runId, bytes);
      this.#recorded.set(key, new Journal(memory, steps));
    } catch (error) {
      throw new RunAbandonedError(runId, { cause: error });
    }
  }

  async #read(runId: string, bytes: number): Promise<({ number: number; bytes: string | null } & Recorded)[]> {
    const { rows } = await this.#pool.query(readSteps, [runId, bytes]);
    return rows;
  }

  /** The run that was opened is over in this process. */
  close(runId: string): void {
    this.#recorded.delete(keyOf(runId));
  }

  /** For how long outcomes or ends have waited while none was written, in milliseconds. */
  get standstillMs(): number {
    return Math.max(this.#outcomes.standstillMs, this.#ends.standstillMs);
  }

  /** Ends when nothing is under way; what fails now is not tried again. */
  async stop(): Promise<void> {
    await Promise.all([this.#outcomes.close(), this.#ends.close()]);
  }

  /** When each step ended by the record; undefined for a run that is not this process's any more. */
  async #record(outcomes: readonly Outcome[]): Promise<(number | undefined)[]> {
    // The client writes arrays with escapes, which takes a tenth of a second where a text has megabytes.
    const largest = largestOf(outcomes);
    const columns = [
      outcomes.map(({ runId }) => runId),
      outcomes.map(({ token }) => token),
      outcomes.map(({ number }) => number),
      outcomes.map(({ name }) => name),
      outcomes.map((outcome) => (outcome === largest ? null : outcome.output)),
      outcomes.map(({ error }) => error),
      outcomes.map(({ serialization }) => serialization),
      outcomes.map(({ began }) => began),
      outcomes.map(({ ended }) => ended),
      outcomes.indexOf(largest) + 1,
      largest.output,
    ];
    failpoint('step.done');
    const { rows } = await this.#pool.query<{ id: string; token: string; number: number; ended: string }>({
      name: 'flowpact_record_outcomes',
      text: recordOutcomes,
      values: columns,
    });
    failpoint('step.recorded');
    const ends = new Map(rows.map(({ id, token, number, ended }) => [`${id} ${token} ${number}`, Number(ended)]));
    return outcomes.map(({ runId, token, number }) => ends.get(`${runId} ${token} ${number}`));
  }

  async #end(ends: readonly End[]): Promise<boolean[]> {
    const { rows } = await this.#pool.query<{ id: string; token: string }>({
      name: 'flowpact_end_runs',
      text: endRuns,
      values: [ends.map(({ runId }) => runId), ends.map(({ token }) => token)],
    });
    failpoint('run.ended');
    const ended = new Set(rows.map(({ id, token }) => `${id} ${token}`));
    return ends.map(({ runId, token }) => ended.has(`${runId} ${token}`));
  }
}

/** The outcome with the longest output. */
function largestOf(outcomes: readonly Outcome[]): Outcome {
  return outcomes.reduce((one, other) => ((other.output?.length ?? 0) > (one.output?.length ?? 0) ? other : one));
}

function bytesOfOutcome({ output, error }: Outcome): number {
  return (output?.length ?? 0) + (error?.length ?? 0);
}

/** Only inside a run; empty elsewhere. */
function keyOf(runId: string): string {
  const token = currentOwnerXid(runId);
  return token === undefined ? '' : `${runId} ${token}`;
}
