import type { MikroORM } from '@mikro-orm/postgresql';
import { failpoint } from '../failpoints.ts';
import { heardEvents } from '../event/event-statement.ts';
import { executionEventData } from './announcement.ts';
import type { Recording } from './recording.ts';
import { bytesOf, rowBytes } from './execution-bytes.ts';
import { JsonPieces } from '../json-pieces.ts';

/**
 * One round trip for any number of executions. The row lock in `open` puts the events of an execution in one order across
 * processes and keeps out all that comes after its end. A step only moves forward: to a later attempt, or to a later
 * status of the same. A paused execution stays so until it ends or is resumed. What others listen to becomes an event
 * in the same statement.
 *
 * The execution counts the bytes of all that is new, and only of that, since a run that is resumed tells it again.
 */
const statement = `
with given as (
  select * from jsonb_to_recordset($1::jsonb) as given(
    id text, status text, progress smallint, output jsonb, error jsonb, response jsonb,
    started_at timestamptz, completed_at timestamptz, events int)
), open as (
  select id, organisation_id, event_sequence, output_bytes, event_bytes, log_bytes from execution
   where id in (select id from given) and status not in ('completed', 'failed', 'cancelled')
   order by id for no key update
), steps as (
  insert into step (id, organisation_id, execution_id, node_id, node_type, node_name, status, attempt, input, output,
    error, port, variables, wait_until, created_at, started_at, completed_at, size, size_change)
  select new.id, open.organisation_id, execution_id, node_id, node_type, node_name, status, attempt, input, output,
    error, port, variables, wait_until, created_at, started_at, completed_at, new_size, new_size
  from jsonb_to_recordset($2::jsonb) as new(
    id text, execution_id text, node_id text, node_type text, node_name text, status text, attempt int, input jsonb,
    output jsonb, error jsonb, port text, variables jsonb, wait_until timestamptz, created_at timestamptz, started_at timestamptz,
    completed_at timestamptz)
  join open on open.id = new.execution_id
  cross join lateral (select ${bytesOf(rowBytes.step, 'input', 'output', 'error', 'variables')}) sized(new_size)
  on conflict (execution_id, node_id) do update set
    size = excluded.size, size_change = excluded.size - step.size,
    status = excluded.status, attempt = excluded.attempt, input = coalesce(excluded.input, step.input),
    output = excluded.output, error = excluded.error, port = excluded.port,
    variables = excluded.variables, wait_until = excluded.wait_until,
    started_at = coalesce(step.started_at, excluded.started_at), completed_at = excluded.completed_at
  where excluded.attempt > step.attempt or (excluded.attempt = step.attempt
    and coalesce(array_position(array['pending', 'running', 'waiting'], excluded.status), 4)
      > coalesce(array_position(array['pending', 'running', 'waiting'], step.status), 4))
  returning step.execution_id, step.size_change, step.node_type, step.status, extract(epoch from step.completed_at - step.started_at)::float8 as seconds
), events as (
  insert into execution_event (execution_id, sequence, id, organisation_id, key, type, data, created_at)
  select execution_id, open.event_sequence + position, new.id, open.organisation_id, key, type, data, created_at
  from jsonb_to_recordset($3::jsonb) as new(
    id text, execution_id text, position int, key text, type text, data jsonb, created_at timestamptz)
  join open on open.id = new.execution_id
  on conflict do nothing
  returning id, execution_id, organisation_id, type, created_at, ${bytesOf(rowBytes.event, 'data')} as size
), logs as (
  insert into execution_log (id, organisation_id, execution_id, node_id, attempt, key, level, message, data,
    created_at)
  select new.id, open.organisation_id, execution_id, node_id, attempt, key, level, message, data, created_at
  from jsonb_to_recordset($4::jsonb) as new(
    id text, execution_id text, node_id text, attempt int, key text, level text, message text,
    data jsonb, created_at timestamptz)
  join open on open.id = new.execution_id
  on conflict do nothing
  returning execution_id, ${bytesOf(rowBytes.log, 'message', 'data')} as size
), waits as (
  insert into execution_wait (id, organisation_id, execution_id, signal, node_path, node_name, kind, status, token_hash,
    payload_schema, message, details, created_at, ends_at, decided_at)
  select new.id, open.organisation_id, execution_id, signal, node_path, node_name, kind,
    case when given.completed_at is null then new.status else 'cancelled' end, token_hash, payload_schema, message,
    details, created_at, ends_at, case when new.status = 'cancelled' then now() else given.completed_at end
  from jsonb_to_recordset($5::jsonb) as new(
    id text, execution_id text, signal text, status text, node_path text, node_name text, kind text, token_hash text,
    payload_schema jsonb, message text, details jsonb, created_at timestamptz, ends_at timestamptz)
  join open on open.id = new.execution_id
  join given on given.id = new.execution_id
  on conflict (execution_id, signal) do update set
    status = excluded.status, message = coalesce(execution_wait.message, excluded.message),
    details = coalesce(execution_wait.details, excluded.details),
    payload_schema = case when excluded.status = 'pending' then excluded.payload_schema else execution_wait.payload_schema end,
    ends_at = case when excluded.status = 'pending' then excluded.ends_at else execution_wait.ends_at end,
    decided_at = case when excluded.status = 'cancelled' then now() end
  where execution_wait.status = 'pending'
  -- A row that was there has been counted.
  returning execution_id, case when xmax = 0 then ${bytesOf(rowBytes.wait, 'payload_schema', 'message', 'details')} else 0 end as size
), grown as (
  select execution_id, sum(outputs) as outputs, sum(events) as events, sum(logs) as logs from (
    select execution_id, size_change as outputs, 0 as events, 0 as logs from steps
    union all select execution_id, size, 0, 0 from waits
    union all select execution_id, 0, size, 0 from events
    union all select execution_id, 0, 0, size from logs
  ) rows group by execution_id
), changed as (
  update execution set
    status = case when execution.status = 'paused' and given.status in ('running', 'waiting') then 'paused'
      else coalesce(given.status, execution.status) end,
    progress = greatest(execution.progress, given.progress),
    output = coalesce(given.output, execution.output),
    error = coalesce(given.error, execution.error),
    response = coalesce(execution.response, given.response),
    started_at = coalesce(execution.started_at, given.started_at),
    completed_at = given.completed_at,
    event_sequence = open.event_sequence + given.events,
    output_bytes = execution.output_bytes + coalesce(grown.outputs, 0) + ${bytesOf(0, 'given.output', 'given.error')}
      + case when execution.response is null then ${bytesOf(0, 'given.response')} else 0 end,
    event_bytes = execution.event_bytes + coalesce(grown.events, 0),
    log_bytes = execution.log_bytes + coalesce(grown.logs, 0)
  from given join open on open.id = given.id left join grown on grown.execution_id = given.id
  where execution.id = given.id
  returning execution.id, execution.status, execution.organisation_id, execution.workflow_id, execution.workflow_version,
    execution.created_at, execution.started_at, execution.completed_at, given.output, given.error,
    execution.output_bytes - open.output_bytes as outputs, execution.event_bytes - open.event_bytes as events,
    execution.log_bytes - open.log_bytes as logs, extract(epoch from execution.completed_at - execution.created_at)::float8 as seconds
), counted as (
  insert into storage_change (organisation_id, id, outputs, events, logs)
  select organisation_id, nextval('storage_change_id'), sum(outputs), sum(events), sum(logs) from changed
   group by organisation_id having sum(outputs + events + logs) <> 0
), closed as (
  update execution_wait set status = 'cancelled', decided_at = given.completed_at
  from given join open on open.id = given.id
  where execution_wait.execution_id = given.id and given.completed_at is not null and execution_wait.status = 'pending'
    -- Those of "waits" are closed there: a row is changed once in a statement.
    and not exists (select 1 from jsonb_to_recordset($5::jsonb) as new(execution_id text, signal text)
      where new.execution_id = execution_wait.execution_id and new.signal = execution_wait.signal)
), ${heardEvents({
  from: 'events join changed on changed.id = events.execution_id',
  id: 'events.id',
  organisationId: 'events.organisation_id',
  type: `replace(events.type, ':', '.')`,
  data: executionEventData('changed'),
  createdAt: 'events.created_at',
  where: `events.type in ('execution:started', 'execution:completed', 'execution:failed')`,
})}
select id, null as type, status, seconds from changed
union all
select null, node_type, status, seconds from steps where status in ('completed', 'failed')
union all
select null, null, 'heard', null from heard`;

/** What writing has changed. */
export interface Stored {
  /** The executions that had not ended before, by id. */
  readonly open: ReadonlyMap<string, { readonly status: string; readonly seconds: number | null }>;
  /** Steps that have ended by it. */
  readonly steps: readonly { readonly type: string; readonly status: string; readonly seconds: number | null }[];
  /** Whether somebody listens to any of it. */
  readonly heard: boolean;
}

interface Row {
  id: string | null;
  type: string | null;
  status: string;
  seconds: number | null;
}

/** Writes all or nothing. Rows become text one by one, so that no list of them is longer than a text may be. */
export async function storeRecordings(orm: MikroORM, recordings: readonly Recording[]): Promise<Stored> {
  const pieces = new JsonPieces();
  const values = [
    await pieces.list(recordings, (recording) => [recording.executionRow()]),
    await pieces.list(recordings, (recording) => recording.stepRows()),
    await pieces.list(recordings, (recording) => recording.eventRows()),
    await pieces.list(recordings, (recording) => recording.logRows()),
    await pieces.list(recordings, (recording) => recording.waitRows()),
  ];
  const pool = await orm.em.getConnection().getNativeClient();
  const { rows } = await pool.query<Row>({ name: 'store_recordings', text: statement, values });
  failpoint('recorder.stored');
  const open = rows.flatMap(({ id, status, seconds }) => (id ? [[id, { status, seconds }] as const] : []));
  const steps = rows.flatMap(({ type, status, seconds }) => (type ? [{ type, status, seconds }] : []));
  return { open: new Map(open), steps, heard: rows.some(({ id, type }) => id === null && type === null) };
}

/** Ends what was at work in an execution that has ended without its run. */
export async function endOpenSteps(orm: MikroORM, executionId: string): Promise<void> {
  const pool = await orm.em.getConnection().getNativeClient();
  const open = `status in ('pending', 'running', 'waiting')`;
  const text = `update step set status = 'cancelled', completed_at = now() where execution_id = $1 and ${open}`;
  await pool.query(text, [executionId]);
}
