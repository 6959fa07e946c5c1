/** DBOS's queue of runs that may start. */
export const queueName = 'executions';
/** That of runs of groups with a concurrency limit. It is not registered with DBOS, so nobody polls it. */
export const waitingQueueName = 'executions_of_limited_groups';
/** NOTIFY channel on which a cancellation reaches the process that runs the run. */
export const cancelChannel = 'flowpact_cancel';

/** A pool or a connection. */
interface Queryable {
  query<Row extends object>(text: string, values: unknown[]): Promise<{ rows: Row[] }>;
}

/** Cancels those of the runs that have not ended; the process that runs one hears of it with the commit. */
export async function cancelRuns(connection: Queryable, runIds: readonly string[]): Promise<void> {
  await connection.query(
    `
with open as (
  select workflow_uuid from dbos.workflow_status
   where workflow_uuid = any($1) and status in ('PENDING', 'ENQUEUED', 'DELAYED') order by workflow_uuid for no key update
), cancelled as (
  update dbos.workflow_status run
     set status = 'CANCELLED', owner_xid = null, queue_name = null, started_at_epoch_ms = null,
         updated_at = (extract(epoch from now()) * 1000)::bigint, completed_at = (extract(epoch from now()) * 1000)::bigint
    from open where run.workflow_uuid = open.workflow_uuid
  returning run.workflow_uuid
)
select pg_notify($2, workflow_uuid) from cancelled`,
    [runIds, cancelChannel],
  );
}

/** Puts runs of the process back into the queue, except those that were cancelled, suspended or taken over meanwhile. */
export function requeueOf(runIds: readonly string[], executorId: string): [text: string, values: unknown[]] {
  const text = `
update dbos.workflow_status
   set status = 'ENQUEUED', queue_name = '${queueName}', owner_xid = null, started_at_epoch_ms = null,
       recovery_attempts = 0, updated_at = (extract(epoch from now()) * 1000)::bigint
 where workflow_uuid = any($1) and status = 'PENDING' and executor_id = $2`;
  return [text, [runIds, executorId]];
}

/** Those of the runs that have ended, or are not known. */
export async function endedOf(connection: Queryable, runIds: readonly string[]): Promise<string[]> {
  const { rows } = await connection.query<{ id: string }>(
    `select given.id from unnest($1::text[]) given(id)
       left join dbos.workflow_status run on run.workflow_uuid = given.id
      where run.status is null or run.status not in ('PENDING', 'ENQUEUED', 'DELAYED')`,
    [runIds],
  );
  return rows.map(({ id }) => id);
}

/** Runs that wait in both queues; no more than 100,000 are counted. */
export async function countQueued(connection: Queryable): Promise<number> {
  const { rows } = await connection.query<{ queued: string }>(
    `select count(*) as queued from (
       select 1 from dbos.workflow_status where queue_name = any($1) and status = 'ENQUEUED' limit 100000) waiting`,
    [[queueName, waitingQueueName]],
  );
  return Number(rows[0]!.queued);
}
