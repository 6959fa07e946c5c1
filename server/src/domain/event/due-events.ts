import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { runPrepared } from '../prepared-query.ts';
import type { EventType } from './event-type.ts';

/** An organisation with an event that is due. */
export interface DueOrganisation {
  readonly organisationId: string;
  /** For how long the first of its events has been due, in milliseconds. */
  readonly lateMs: number;
}

/** One index seek per organisation, however many events it has. */
const organisations = {
  name: 'flowpact_organisations_with_events',
  text: `
with recursive waiting as (
  (select organisation_id as id from domain_event where dispatch_at is not null order by organisation_id limit 1)
  union all
  select (select organisation_id from domain_event
           where dispatch_at is not null and organisation_id > waiting.id order by organisation_id limit 1)
    from waiting where waiting.id is not null
)
select waiting.id as "organisationId", (extract(epoch from now() - first.dispatch_at) * 1000)::float8 as "lateMs"
  from waiting cross join lateral (
    select dispatch_at from domain_event event
     where event.organisation_id = waiting.id and event.dispatch_at <= now() order by dispatch_at limit 1
  ) first`,
};

/** Organisations with events that are due now. */
export function dueOrganisations(orm: MikroORM): Promise<DueOrganisation[]> {
  return runPrepared<DueOrganisation>(orm.em, organisations, []);
}

/** An event that the transaction has for itself. */
export interface ClaimedEvent {
  readonly id: string;
  readonly type: EventType;
  /** How often it was refused. */
  readonly failures: number;
  readonly ageMs: number;
}

/** The next event of the organisation that is due and that nobody else tells, for the transaction of `em`. */
export async function claimEvent(em: EntityManager, organisationId: string): Promise<ClaimedEvent | undefined> {
  const [event] = await em.execute<ClaimedEvent[]>(
    `select id, type, dispatch_failures as failures, (extract(epoch from now() - created_at) * 1000)::float8 as "ageMs"
       from domain_event where organisation_id = ? and dispatch_at <= now()
      order by dispatch_at, id limit 1 for update skip locked`,
    [organisationId],
  );
  return event;
}
