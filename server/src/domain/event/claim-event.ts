import type { EntityManager } from '@mikro-orm/postgresql';
import type { EventType } from './event-type.ts';

/** An event that the transaction has for itself. */
export interface ClaimedEvent {
  readonly id: string;
  readonly type: EventType;
  /** How often it was refused. */
  readonly failures: number;
  /** Ids of the listeners that are still to be told; null for all. */
  readonly to: readonly string[] | null;
  readonly ageMs: number;
}

/** The next event of the organisation that is due and that nobody else tells, for the transaction of `em`. */
export async function claimEvent(em: EntityManager, organisationId: string): Promise<ClaimedEvent | undefined> {
  const [event] = await em.execute<ClaimedEvent[]>(
    `select id, type, dispatch_failures as failures, dispatch_to as "to",
       (extract(epoch from now() - created_at) * 1000)::float8 as "ageMs"
       from domain_event where organisation_id = ? and dispatch_at <= now()
      order by dispatch_at, id limit 1 for update skip locked`,
    [organisationId],
  );
  return event;
}
