import type { Pool } from 'pg';
import { failpoint } from '../../domain/failpoints.ts';

/** Seed of the lock keys, so that they do not meet other users of advisory locks. */
const lockSeed = 7_412;
/** Milliseconds after which the lock of a group is left to the process that holds it; the next sweep looks again. */
const lockTimeout = 500;
/** Runs of a group let in at once at most. */
const batchSize = 100;

/** Where the rows of runs stand, in the columns of DBOS: its queue is `queue_name`, the group is `queue_partition_key`. */
const ofGroup = (queue: string, key: string, statuses: string): string =>
  `from dbos.workflow_status where queue_name = ${queue} and status in (${statuses}) and queue_partition_key = ${key}`;
const inOrder = 'order by priority, created_at, workflow_uuid';
const activeStatuses = `'PENDING', 'ENQUEUED'`;

/**
 * The first that wait, as long as each of them has fewer active before it than it asks for; nobody overtakes. They go to
 * the line of those that any process takes up. The last condition keeps out
 * those that are cancelled meanwhile; so written, no index serves it, which would lead through all that wait.
 */
const admit = `
with waiting as (
  select workflow_uuid, (attributes ->> 'concurrency')::int as concurrency, row_number() over (${inOrder}) as place
    ${ofGroup('$2', '$1', `'ENQUEUED'`)} ${inOrder} limit ${batchSize}
), judged as materialized (
  select workflow_uuid, place, bool_and(place + (select count(*) ${ofGroup('$3', '$1', activeStatuses)}) <= concurrency)
      over (order by place) as fits
    from waiting
)
update dbos.workflow_status run set queue_name = $3, updated_at = (extract(epoch from now()) * 1000)::bigint
from judged
where fits and run.workflow_uuid = judged.workflow_uuid
  and row(run.status, run.queue_name) is not distinct from row('ENQUEUED', $2)
returning run.authenticated_user as tenant`;

/** One index seek per group that waits, however long its line is, and one count. */
const groupsWithRoom = `
with recursive groups as (
  select min(queue_partition_key) as key from dbos.workflow_status
   where queue_name = $1 and status = 'ENQUEUED' and queue_partition_key is not null
  union all
  select (select min(queue_partition_key) from dbos.workflow_status
           where queue_name = $1 and status = 'ENQUEUED' and queue_partition_key > groups.key)
    from groups where groups.key is not null
)
select key from groups join lateral (
  select (attributes ->> 'concurrency')::int as concurrency ${ofGroup('$1', 'key', `'ENQUEUED'`)} ${inOrder} limit 1
) first on true
where (select count(*) ${ofGroup('$2', 'key', activeStatuses)}) < first.concurrency`;

export interface AdmissionOptions {
  readonly pool: Pool;
  /** Queue of the runs that wait for a place in their group; nobody takes them up. */
  readonly waitingQueue: string;
  /** Queue of the runs that may be taken up. */
  readonly queue: string;
  /** False when this process takes no part any more. */
  readonly active: () => boolean;
  /** Runs of the tenant may be taken up now. */
  readonly admitted: (tenant: string) => void;
  readonly warn: (message: string, error: unknown) => void;
}

/**
 * Lets runs start whose group has a limit, in the order in which they were accepted. Which runs are active is read from
 * the rows of the runs themselves, so there is no place that a dead process could keep: its runs go on elsewhere, or end.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #groups = new Set<string>();
  #looking: Promise<void> | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Lets in who waits in the group, if there is a place; soon, and without anybody waiting for it. */
  look(group: string): void {
    this.#groups.add(group);
    this.#looking ??= this.#look();
  }

  /** Looks at all groups: places are also given back by processes that die, and by those that do not know who waits. */
  async sweep(query: (text: string, values: unknown[]) => Promise<Record<string, unknown>[]>): Promise<void> {
    const rows = await query(groupsWithRoom, [this.#options.waitingQueue, this.#options.queue]);
    for (const { key } of rows) this.look(key as string);
  }

  /** Ends when nothing is under way. */
  async idle(): Promise<void> {
    await this.#looking;
  }

  async #look(): Promise<void> {
    for (const group of this.#groups) {
      this.#groups.delete(group);
      try {
        await this.#admit(group);
      } catch (error) {
        if ((error as { code?: unknown }).code === '55P03') continue;
        this.#options.warn('Waiting runs could not be let in; it is tried again.', error);
      }
    }
    this.#looking = undefined;
  }

  async #admit(group: string): Promise<void> {
    const { active, admitted } = this.#options;
    if (!active()) return;
    for (const tenant of await this.#move(group)) admitted(tenant);
  }

  /** Under a lock, which is taken in a statement of its own: only a later statement sees what its last holder did. */
  async #move(group: string): Promise<ReadonlySet<string>> {
    const { pool, waitingQueue, queue } = this.#options;
    const client = await pool.connect();
    let fault: Error | undefined;
    try {
      await client.query(`begin; set local lock_timeout = ${lockTimeout}`);
      await client.query(`select pg_advisory_xact_lock(hashtextextended($1, ${lockSeed}))`, [group]);
      failpoint('admission.locked');
      const { rows } = await client.query<{ tenant: string }>(admit, [group, waitingQueue, queue]);
      await client.query('commit');
      failpoint('admission.moved');
      return new Set(rows.map(({ tenant }) => tenant));
    } catch (error) {
      await client.query('rollback').catch((lost: Error) => (fault = lost));
      throw error;
    } finally {
      client.release(fault);
    }
  }
}
