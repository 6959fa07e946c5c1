import type { EntityManager } from '@mikro-orm/postgresql';
import type { Plan } from './plan.ts';

/**
 * Those who create something of which an organisation has a limited number take turns, until the transaction of `em` ends,
 * so that each counts what the others have made. Tells what the organisation has booked; one that is gone has the
 * smallest plan.
 */
export async function takeTurns(em: EntityManager, organisationId: string): Promise<Plan> {
  const turn = 'select plan from organisation where id = ? for no key update';
  const [organisation] = await em.execute<{ plan: Plan }[]>(turn, [organisationId]);
  return organisation?.plan ?? 'free';
}
