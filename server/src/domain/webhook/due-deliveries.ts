import type { MikroORM } from '@mikro-orm/postgresql';
import type { Json } from '../domain-error.ts';
import type { DeliveredType, DeliveryStatus } from './webhook-delivery.entity.ts';

/** A delivery that this process is to try now, with all that it takes. */
export interface DueDelivery {
  readonly id: string;
  readonly organisation_id: string;
  readonly webhook_id: string;
  readonly origin: 'event' | 'test';
  readonly attempt_count: number;
  readonly attempts_before: number;
  readonly event_id: string;
  readonly event_type: DeliveredType;
  /** Null when the webhook is gone. */
  readonly url: string | null;
  readonly enabled: boolean | null;
  readonly headers: Buffer | null;
  readonly secret: Buffer | null;
  readonly previous_secret: Buffer | null;
  readonly data: Readonly<Record<string, Json>> | null;
  /** In milliseconds since 1970. */
  readonly happened_at: number | null;
}

/** What came of an attempt. */
export interface AttemptOutcome {
  readonly attemptId: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly responseStatus: number | null;
  readonly responseBody: string | null;
  /** Null for a success. */
  readonly error: string | null;
  readonly status: DeliveryStatus;
  readonly nextAttemptAt: Date | null;
  /** Whether the platform failed and not the receiver, which then is not disabled for it. */
  readonly isOurs: boolean;
}

/** Who takes a row is alone with it until `next_attempt_at`, so that the delivery of a process that died is taken over. */
const claimStatement = `
with chosen as materialized (
  select first.id from unnest($4::text[], $5::int[]) with ordinality given(organisation_id, room, turn)
  cross join lateral (
    select id from webhook_delivery where organisation_id = given.organisation_id
      and next_attempt_at <= now() and not webhook_id = any($2)
    order by next_attempt_at limit given.room for update skip locked
  ) first
  order by turn limit $1
), claimed as (
  update webhook_delivery set next_attempt_at = now() + $3 * interval '1 millisecond'
  where id in (select id from chosen)
  returning *
)
select claimed.id, claimed.organisation_id, claimed.webhook_id, claimed.origin, claimed.attempt_count,
  claimed.attempts_before, claimed.event_id, claimed.event_type, webhook.url, webhook.enabled, webhook.headers,
  webhook.secret, case when webhook.previous_secret_expires_at > now() then webhook.previous_secret end as previous_secret,
  domain_event.data, (extract(epoch from domain_event.created_at) * 1000)::float8 as happened_at
from claimed
left join webhook on webhook.id = claimed.webhook_id and webhook.organisation_id = claimed.organisation_id
left join domain_event on domain_event.id = claimed.event_id`;

/** What a process has room for. */
export interface DeliveryRoom {
  readonly count: number;
  /** Webhooks that have as much under way as they may. */
  readonly busy: readonly string[];
  readonly leaseMs: number;
  /** Whose turn it is, the first first, and how many each may have more. */
  readonly turns: readonly { readonly organisationId: string; readonly room: number }[];
}

/** Deliveries that are due, for this process alone. */
export async function claimDue(orm: MikroORM, { count, busy, leaseMs, turns }: DeliveryRoom): Promise<DueDelivery[]> {
  const pool = await orm.em.getConnection().getNativeClient();
  const organisations = turns.map(({ organisationId }) => organisationId);
  const values = [count, busy, leaseMs, organisations, turns.map(({ room }) => room)];
  return (await pool.query<DueDelivery>({ name: 'claim_webhook_deliveries', text: claimStatement, values })).rows;
}

/** The count of attempts keeps out a process that was stopped for so long that another has taken its place. */
const recordStatement = `
with delivery as (
  update webhook_delivery set status = $3, attempt_count = attempt_count + 1, next_attempt_at = $4, last_attempt_at = $5,
    completed_at = case when $4::timestamptz is null then now() end, response_status = $6, error = $7
  where id = $1 and attempt_count = $2
  returning id, organisation_id, webhook_id, origin, attempt_count
), attempt as (
  insert into webhook_attempt (id, organisation_id, webhook_id, delivery_id, number, started_at, duration_ms,
    response_status, response_body, error)
  select $8, organisation_id, webhook_id, id, attempt_count, $5, $9, $6, $10, $7 from delivery
)
update webhook set last_delivery_at = $5, failing_since = case when $7::text is not null then coalesce(failing_since, $5) end
from delivery
where webhook.id = delivery.webhook_id and delivery.origin = 'event' and not $11
  and (($7::text is null) <> (failing_since is null) or last_delivery_at is null
    or last_delivery_at < $5::timestamptz - interval '1 second')
returning webhook.id`;

/** Writes what came of an attempt, unless somebody else has meanwhile. */
export async function recordAttempt(orm: MikroORM, delivery: DueDelivery, outcome: AttemptOutcome): Promise<void> {
  const pool = await orm.em.getConnection().getNativeClient();
  const { attemptId, startedAt, durationMs, responseStatus, responseBody, error, status, nextAttemptAt, isOurs } =
    outcome;
  const result = [status, nextAttemptAt, startedAt, responseStatus, error, attemptId, durationMs, responseBody, isOurs];
  const values = [delivery.id, delivery.attempt_count, ...result];
  await pool.query({ name: 'record_webhook_attempt', text: recordStatement, values });
}

/** Gives a claimed delivery back, untried. */
export async function releaseDelivery(orm: MikroORM, { id, attempt_count: count }: DueDelivery): Promise<void> {
  const pool = await orm.em.getConnection().getNativeClient();
  const release = 'update webhook_delivery set next_attempt_at = now() where id = $1 and attempt_count = $2';
  await pool.query(`${release} and next_attempt_at is not null`, [id, count]);
}

/** Ends a claimed delivery that cannot be tried. */
export async function dropDelivery(orm: MikroORM, { id }: DueDelivery, error: string): Promise<void> {
  const pool = await orm.em.getConnection().getNativeClient();
  const set = `status = 'failed', next_attempt_at = null, completed_at = now(), error = $2`;
  await pool.query(`update webhook_delivery set ${set} where id = $1 and next_attempt_at is not null`, [id, error]);
}
