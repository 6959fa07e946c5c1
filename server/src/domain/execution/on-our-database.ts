import { isDatabaseLost } from '../database-lost.ts';
import { RunAbandonedError } from './engine.ts';

/**
 * Runs what a step asks of the platform's own database. A lost database is no failure of the workflow: the run is left, and
 * goes on with the same step when the database is back.
 */
export async function onOurDatabase<T>(executionId: string, query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (isDatabaseLost(error)) throw new RunAbandonedError(executionId, { cause: error });
    throw error;
  }
}
