import { isPassing } from '../passing-error.ts';
import { RunAbandonedError } from './engine.ts';

/**
 * Runs what a step asks of the platform's own database. An error that passes by itself, such as a lost connection, is no failure
 * of the workflow: the run is left, and goes on with the same step in a moment.
 */
export async function onOurDatabase<T>(executionId: string, query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    if (isPassing(error)) throw new RunAbandonedError(executionId, { cause: error });
    throw error;
  }
}
