import type { EntityManager } from '@mikro-orm/postgresql';

/**
 * Those who create something of which an organisation has a limited number take turns, until the transaction of `em` ends,
 * so that each counts what the others have made.
 */
export async function takeTurns(em: EntityManager, organisationId: string): Promise<void> {
  await em.execute('select 1 from organisation where id = ? for no key update', [organisationId]);
}
