import { newIdSql } from '../id.ts';

/** Where the statement finds what happened: SQL expressions over the rows of `from`. */
export interface HappenedColumns {
  /** A table or a CTE, with joins. */
  readonly from: string;
  readonly id: string;
  readonly organisationId: string;
  readonly type: string;
  /** Evaluated for events only that somebody listens to. */
  readonly data: string;
  readonly createdAt: string;
  /** Which of the rows are events. */
  readonly where?: string;
}

/**
 * CTEs that write events, and a delivery for each webhook that listens, along with what made them happen. An event that
 * nobody listens to costs one look into an index. `heard` holds the events that were written.
 */
export function heardEvents(columns: HappenedColumns): string {
  const { from, id, organisationId, type, data, createdAt, where = 'true' } = columns;
  return `heard as (
  select ${id} as id, ${organisationId} as organisation_id, ${type} as type, ${data} as data,
    ${createdAt} as created_at, listening.followed
  from ${from}
  join lateral (
    select bool_or(listener_kind <> 'webhook') as followed from event_subscription listener
    where listener.organisation_id = ${organisationId} and listener.event_type = ${type}
    having count(*) > 0
  ) listening on true
  where ${where}
), written as (
  insert into domain_event (id, organisation_id, type, data, created_at, dispatch_at)
  select id, organisation_id, type, data, created_at, case when followed then created_at end from heard
  on conflict do nothing
), deliveries as (
  insert into webhook_delivery (id, organisation_id, webhook_id, event_id, event_type, origin, status, attempt_count,
    created_at, next_attempt_at)
  select ${newIdSql('dlv', 'heard.id || listener.listener_id')}, heard.organisation_id, listener.listener_id, heard.id, heard.type, 'event', 'pending', 0,
    now(), now()
  from heard join event_subscription listener on listener.organisation_id = heard.organisation_id
    and listener.event_type = heard.type and listener.listener_kind = 'webhook'
  on conflict do nothing
)`;
}
