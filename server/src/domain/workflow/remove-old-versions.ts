import type { EntityManager } from '@mikro-orm/postgresql';
import { type Plan, resourceLimits } from '../organisation/plan.ts';
import { WorkflowVersion } from './workflow-version.entity.ts';

/** Removes the versions before `newest` beyond the number that the plan keeps. Executions keep the definitions that they ran. */
export async function removeOldVersions(em: EntityManager, newest: WorkflowVersion): Promise<void> {
  const { workflowId, version } = newest;
  const organisation = newest.organisation.id;
  const [owner] = await em.execute<{ plan: Plan }[]>('select plan from organisation where id = ?', [organisation]);
  const last = version - resourceLimits[owner?.plan ?? 'free'].workflow_versions;
  if (last > 0) await em.nativeDelete(WorkflowVersion, { workflowId, organisation, version: { $lte: last } });
}
