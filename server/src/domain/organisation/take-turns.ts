import type { EntityManager } from '@mikro-orm/postgresql';
import { ValidationFailedError } from '../domain-error.ts';
import { type LimitedResource, type Plan, resourceLimits } from './plan.ts';

/**
 * Those who create something of which an organisation has a limited number take turns, until the transaction of `em` ends,
 * so that each counts what the others have made. Returns the plan, which decides the number.
 */
export async function takeTurns(em: EntityManager, organisationId: string): Promise<Plan> {
  const [row] = await em.execute<{ plan: Plan }[]>('select plan from organisation where id = ? for no key update', [
    organisationId,
  ]);
  return row?.plan ?? 'free';
}

/** Throws ValidationFailedError when there are as many as the plan allows. */
export function assertMoreAllowed(resource: LimitedResource, plan: Plan, count: number): void {
  const limit = resourceLimits[plan][resource];
  if (count < limit) return;
  const what = resource.replaceAll('_', ' ');
  const message = `an organisation has at most ${limit} ${what} on its plan; delete one that is no longer needed`;
  throw new ValidationFailedError(`There are too many ${what}.`, [{ field: '', message, location: 'body' }]);
}
