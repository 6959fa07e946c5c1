import { type Plan, plans, storageQuotas } from '../organisation/plan.ts';
import { storageKinds } from './storage-kinds.ts';

const columns = storageKinds.join(', ');
const total = storageKinds.join(' + ');
const each = (sql: (kind: string) => string, separator = ', '): string => storageKinds.map(sql).join(separator);

/** Bytes by kind of the organisation `$1`, as of now: one row. */
const known = `select ${each((kind) => `coalesce(sum(${kind}), 0)::bigint as ${kind}`)} from (
    select ${columns} from storage_usage where organisation_id = $1
    union all select ${columns} from storage_change where organisation_id = $1
  ) known`;

/** Bytes by kind of the organisation `$1`, as numbers. */
export const usageByKind = {
  name: 'flowpact_storage_by_kind',
  text: `select ${each((kind) => `${kind}::float8`)} from (${known}) known`,
};

const quotas = plans.map((plan: Plan) => `('${plan}', ${storageQuotas[plan]}::float8)`).join(', ');

const used = `coalesce((select ${total} from storage_usage where organisation_id = organisation.id), 0)
  + coalesce((select sum(${total}) from storage_change where organisation_id = organisation.id), 0)`;

/** What each of the organisations `$1` stores and may store. */
export const usageAndQuota = {
  name: 'flowpact_storage_quota',
  text: `select organisation.id, (${used})::float8 as "usedBytes", quota.bytes as "quotaBytes"
    from organisation join (values ${quotas}) quota(plan, bytes) on quota.plan = organisation.plan
   where organisation.id = any($1)`,
};

/** How many organisations store as much as they may, or more. */
export const countFull = `select count(*)::int as full
  from organisation join storage_usage on organisation_id = organisation.id
  join (values ${quotas}) quota(plan, bytes) on quota.plan = organisation.plan
 where ${total} >= quota.bytes`;

/**
 * Adds up to `$1` changes to the sums, in one transaction; how many. What organisations that are gone have left is dropped.
 * Only one process may do so at a time.
 */
export const settle = `with taken as (
    delete from storage_change where (organisation_id, id) in (select organisation_id, id from storage_change limit $1)
    returning *
  ), summed as (
    insert into storage_usage (organisation_id, ${columns})
    select organisation_id, ${each((kind) => `sum(${kind})`)} from taken join organisation on organisation.id = organisation_id
     group by organisation_id order by organisation_id
    on conflict (organisation_id) do update set ${each((kind) => `${kind} = storage_usage.${kind} + excluded.${kind}`)}
  )
  select count(*)::int as settled from taken`;

/** The organisation that was not recounted for the longest time, if that is a day. */
export const dueForRecount = `select organisation.id from organisation
    left join storage_usage on organisation_id = organisation.id
   where recounted_at is null or recounted_at < now() - interval '1 day'
   order by recounted_at nulls first, organisation.id limit 1`;

/** The bytes of all rows of the organisation `$1` by kind, read from the rows themselves. */
const stored = `select execution.*, rest.* from (
    select coalesce(sum(input_bytes), 0) as inputs, coalesce(sum(output_bytes), 0) as outputs,
      coalesce(sum(event_bytes), 0) as events, coalesce(sum(log_bytes), 0) as logs
    from execution where organisation_id = $1
  ) execution cross join (
    select
      (select coalesce(sum(size), 0) from form join form_submission on form_id = form.id where form.organisation_id = $1)
        as submissions,
      (select coalesce(sum(200 + octet_length(key) + octet_length(value)), 0) from kv_entry where organisation_id = $1) as kv,
      (select coalesce(sum(size), 0) from workflow where organisation_id = $1)
        + (select coalesce(sum(workflow_version.size), 0) from workflow join workflow_version on workflow_id = workflow.id
            where workflow.organisation_id = $1)
        + (select coalesce(sum(size), 0) from definition_snapshot where organisation_id = $1) as workflows,
      (select coalesce(sum(size), 0) from domain_event where organisation_id = $1)
        + (select count(*) * 400 from webhook_delivery where organisation_id = $1)
        + (select coalesce(sum(300 + octet_length(coalesce(response_body, '')) + octet_length(coalesce(error, ''))), 0)
            from webhook join webhook_attempt on webhook_id = webhook.id where webhook.organisation_id = $1) as deliveries,
      (select coalesce(sum(300 + octet_length(response)), 0) from idempotency_record where organisation_id = $1)
        + (select count(*) * 200 from bulk_job join bulk_job_item on job_id = bulk_job.id where bulk_job.organisation_id = $1)
        + (select count(*) * 300 from "trigger" join schedule_occurrence on trigger_id = "trigger".id
            where "trigger".organisation_id = $1) as other
  ) rest`;

/**
 * Compares the sums of the organisation `$1` with its rows, and adds what is missing; the number of corrections, 0 or 1. It
 * is one statement, so that both are read as of one moment. Only one process may do so at a time.
 */
export const recount = `with known as (${known}), stored as (${stored}), corrected as (
    insert into storage_change (organisation_id, id, ${columns})
    select $1, nextval('storage_change_id'), ${each((kind) => `stored.${kind} - known.${kind}`)} from known cross join stored
     where ${each((kind) => `stored.${kind} <> known.${kind}`, ' or ')}
    returning 1
  ), noted as (
    insert into storage_usage (organisation_id, recounted_at) values ($1, now())
    on conflict (organisation_id) do update set recounted_at = excluded.recounted_at
  )
  select count(*)::int as corrections from corrected`;
