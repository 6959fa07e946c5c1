import type { EntityManager } from '@mikro-orm/postgresql';
import { ExecutionEvent } from './execution-event.entity.ts';
import { ExecutionLog } from './execution-log.entity.ts';
import { ExecutionWait } from './execution-wait.entity.ts';
import { Execution } from './execution.entity.ts';
import { Step } from './step.entity.ts';

/** Removes executions that have ended, with all that belongs to them, in the transaction of `em`. */
export async function removeExecutions(em: EntityManager, ids: readonly string[]): Promise<void> {
  const executionId = { $in: [...ids] };
  await em.nativeDelete(ExecutionEvent, { executionId });
  await em.nativeDelete(ExecutionLog, { executionId });
  await em.nativeDelete(ExecutionWait, { executionId });
  await em.nativeDelete(Step, { executionId });
  await em.nativeDelete(Execution, { id: { $in: [...ids] } });
}
