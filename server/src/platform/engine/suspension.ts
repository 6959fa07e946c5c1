import type { Pool } from 'pg';
import { failpoint } from '../../domain/failpoints.ts';
import type { Query, SuspendedRun } from '../../domain/execution/engine.ts';
import { inTransaction } from './in-transaction.ts';
import { lineChannel } from './line.ts';

/** Stands for the signals of a run that waits until it is not held any more; signals have a colon in their names. */
const held = 'held';
/** Suspended runs that one sweep looks at; the next one goes on behind them. */
const pageSize = 2_000;

/**
 * Run at every start, under a lock. What a suspended run waits for stands in its `assumed_role`, which DBOS leaves alone,
 * as a JSON array of names. The function is one round trip and one transaction: `send` takes the same row lock before it
 * stores a signal, so one of the two sees the other. Each statement in it sees what was committed before it began, which
 * the parts of one statement would not.
 */
export const suspensionSchema = `
create or replace function dbos.flowpact_suspend(
  run text, token text, until_ms bigint, awaits text[], is_over boolean, queue text, limited_queue text) returns text
language plpgsql as $$
declare
  tenant text;
  next_status text := 'DELAYED';
begin
  select authenticated_user into tenant from dbos.workflow_status
   where workflow_uuid = run and status = 'PENDING' and owner_xid = token for no key update;
  if not found then return null; end if;
  if is_over or exists (select from dbos.notifications where destination_uuid = run and topic = any(awaits)) then
    next_status := 'ENQUEUED';
    perform pg_notify('${lineChannel}', tenant);
  end if;
  update dbos.workflow_status
     set status = next_status, delay_until_epoch_ms = case when next_status = 'DELAYED' then until_ms end,
         assumed_role = to_json(awaits)::text, owner_xid = null, started_at_epoch_ms = null, recovery_attempts = 0,
         updated_at = (extract(epoch from clock_timestamp()) * 1000)::bigint,
         queue_name = case when attributes ->> 'concurrency' is null then queue else limited_queue end
   where workflow_uuid = run;
  return next_status;
end $$;
do $$ begin
  if to_regclass('dbos.flowpact_suspended') is null then
    create index flowpact_suspended on dbos.workflow_status (workflow_uuid) where status = 'DELAYED';
  end if;
end $$`;

/**
 * Resumes those of a page whose wait is decided: a signal is there, or their time has come. Runs that were suspended before
 * their signals were written down ('') are resumed when there is a signal that they have not read.
 */
const resumeDecided = `
with page as (
  select workflow_uuid as id, delay_until_epoch_ms as until, coalesce(assumed_role, '') as awaits
    from dbos.workflow_status where status = 'DELAYED' and workflow_uuid > $1 order by workflow_uuid limit $2
), decided as (
  select id from page
   where exists (
     select from json_array_elements_text(case when awaits = '' then '[]' else awaits end::json) awaited(name)
       join dbos.notifications on destination_uuid = page.id and topic = awaited.name)
     or (awaits = '' and exists (
       select from dbos.notifications signal where signal.destination_uuid = page.id and not exists (
         select from dbos.operation_outputs step
          where step.workflow_uuid = page.id and step.function_name = 'signal:' || signal.topic)))
), due as (
  select id from page where until is null or until <= (extract(epoch from now()) * 1000)::bigint
), first as (
  select workflow_uuid as id from dbos.workflow_status
   where workflow_uuid in (select id from decided union select id from due) and status = 'DELAYED'
   order by workflow_uuid for no key update skip locked
), resumed as (
  update dbos.workflow_status run
     set status = 'ENQUEUED', delay_until_epoch_ms = null, updated_at = (extract(epoch from now()) * 1000)::bigint
    from first where run.workflow_uuid = first.id
  returning run.workflow_uuid as id
)
select (select max(id) from page) as last, (select count(*)::int from page) as looked,
       array(select id from resumed join decided using (id) limit 10) as decided`;

interface SuspensionsOptions {
  readonly pool: Pool;
  readonly queue: string;
  /** Where runs of groups with a limit wait. */
  readonly limitedQueue: string;
  readonly warn: (message: string, error?: unknown) => void;
}

/** What a run that is to be suspended waits for. */
export interface Suspension {
  readonly runId: string;
  /** Says that the run is this process's own. */
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly signals: readonly string[];
  /** As in RunContext.suspendUntil. */
  readonly isOver: ((query: Query) => Promise<boolean>) | undefined;
}

/** Runs that wait outside of any process. */
export class Suspensions {
  readonly #options: SuspensionsOptions;
  #after = '';

  constructor(options: SuspensionsOptions) {
    this.#options = options;
  }

  /**
   * Takes the run out of this process, until one of its signals comes or its time. If what it waits for has happened
   * already, it goes straight back into the queue. Nothing happens when it is not this process's own any more.
   */
  async suspend(suspension: Suspension): Promise<void> {
    const { isOver } = suspension;
    if (!isOver) {
      await this.#suspend(
        (text, values) => this.#options.pool.query({ name: 'flowpact_suspend', text, values }),
        suspension,
        false,
      );
      failpoint('suspend.suspended');
      return;
    }
    await inTransaction(this.#options.pool, async (client) => {
      // Whoever ends the hold takes this lock afterwards: either the end is seen here, or the suspended run by the end.
      await client.query('select 1 from dbos.workflow_status where workflow_uuid = $1 for no key update', [
        suspension.runId,
      ]);
      failpoint('hold.locked');
      const over = await isOver(async (text, values) => (await client.query(text, values)).rows);
      await this.#suspend((text, values) => client.query(text, values), suspension, over);
    });
    failpoint('hold.suspended');
  }

  async #suspend(
    query: (text: string, values: unknown[]) => Promise<unknown>,
    { runId, token, until, signals, isOver }: Suspension,
    over: boolean,
  ): Promise<void> {
    const { queue, limitedQueue } = this.#options;
    const awaits = isOver ? [held] : signals;
    await query('select dbos.flowpact_suspend($1, $2, $3, $4, $5, $6, $7)', [
      runId,
      token,
      Math.ceil(until),
      awaits,
      over,
      queue,
      limitedQueue,
    ]);
  }

  /** Looks at the next page of suspended runs; over a few rounds it has looked at all of them. */
  async sweep(query: Query): Promise<void> {
    const [row] = await query(resumeDecided, [this.#after, pageSize]);
    const { last, looked, decided } = row as { last: string | null; looked: number; decided: string[] };
    this.#after = looked < pageSize ? '' : last!;
    if (decided.length > 0)
      this.#options.warn(`Suspended runs whose signals were there were resumed: ${decided.join(', ')}.`);
  }

  /** Suspended runs with an id behind `after`, by id. */
  async list(after: string, limit: number): Promise<SuspendedRun[]> {
    const { rows } = await this.#options.pool.query<{ id: string; awaits: string; since: string }>(
      `select workflow_uuid as id, coalesce(nullif(assumed_role, ''), '[]') as awaits, updated_at as since
         from dbos.workflow_status where status = 'DELAYED' and workflow_uuid > $1 order by workflow_uuid limit $2`,
      [after, limit],
    );
    return rows.map(({ id, awaits, since }) => {
      const names = JSON.parse(awaits) as string[];
      const isHeld = names.includes(held);
      return { runId: id, signals: isHeld ? [] : names, held: isHeld, since: new Date(Number(since)) };
    });
  }
}
