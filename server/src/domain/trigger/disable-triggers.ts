import type { EntityManager } from '@mikro-orm/postgresql';
import { Trigger } from './trigger.entity.ts';

/** Disables everything that starts the workflow, in the transaction of `em`: for a workflow that goes away. */
export async function disableTriggersOf(em: EntityManager, organisationId: string, workflowId: string): Promise<void> {
  const disabled = { enabled: false, nextRunAt: null, bufferedAt: null, updatedAt: new Date() };
  await em.nativeUpdate(Trigger, { organisationId, workflowId, enabled: true }, disabled);
}
