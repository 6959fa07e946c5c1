import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * SQL of the bytes that values had when they were written; in a table they may be compressed. The length of a short value
 * takes one byte instead of four.
 */
const written = (size: string): string => `coalesce(case when ${size} <= 130 then ${size} - 3 else ${size} end, 0)`;
const json = (...columns: string[]): string =>
  columns.map((column) => written(`pg_column_size(${column}::text::jsonb)`)).join(' + ');
const text = (column: string): string => written(`pg_column_size(${column} || '')`);

/** What a retry takes over is read from a table. Events that executions write themselves are measured as JSON text: this far off at most. */
const tolerance = 100;

const statement = `
select e.id, e.output_bytes, outputs::bigint, e.event_bytes, events::bigint, e.log_bytes, logs::bigint from execution e,
lateral (
  select ${json('e.output', 'e.error', 'e.response')}
    + coalesce((select sum(300 + ${json('input', 'output', 'error', 'variables')}) from step where execution_id = e.id), 0)
    + coalesce((select sum(300 + ${json('payload_schema', 'details')} + ${text('message')})
                  from execution_wait where execution_id = e.id), 0) as outputs,
    coalesce((select sum(250 + ${json('data')}) from execution_event where execution_id = e.id), 0) as events,
    coalesce((select sum(250 + ${text('message')} + ${json('data')}) from execution_log where execution_id = e.id), 0) as logs,
    (select count(*) from execution_event where execution_id = e.id
        and type in ('execution:paused', 'execution:resumed', 'execution:cancelled')) as measured
) stored
where abs(outputs - e.output_bytes) > case when e.retry_of is null then 0 else 3 end or logs <> e.log_bytes or abs(events - e.event_bytes) > measured * ${tolerance}`;

/** Organisations whose sums are not those of their executions. */
const sums = `
with stored as (
  select organisation_id, sum(input_bytes) as inputs, sum(output_bytes) as outputs, sum(event_bytes) as events,
    sum(log_bytes) as logs
  from execution group by organisation_id
), known as (
  select organisation_id, sum(inputs) as inputs, sum(outputs) as outputs, sum(events) as events, sum(logs) as logs from (
    select organisation_id, inputs, outputs, events, logs from storage_usage
    union all select organisation_id, inputs, outputs, events, logs from storage_change
  ) counted group by organisation_id
)
select stored, known from stored full join known using (organisation_id)
 where (stored.inputs, stored.outputs, stored.events, stored.logs)
   is distinct from (known.inputs, known.outputs, known.events, known.logs)
   and (known.inputs, known.outputs, known.events, known.logs) is distinct from (0, 0, 0, 0)`;

/** What is counted otherwise than it is stored: executions, and the sums of organisations over all their executions. */
export async function miscounted(em: EntityManager, except: readonly string[] = []): Promise<unknown[]> {
  const fork = em.fork();
  const executions = await fork.execute<{ id: string }[]>(statement);
  return [...executions.filter(({ id }) => !except.includes(id)), ...(await fork.execute<unknown[]>(sums))];
}
