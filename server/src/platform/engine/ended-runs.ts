import type { DBOSExecutor } from '@dbos-inc/dbos-sdk/internal/dbos-executor';
import type { EngineSettings } from './dbos-engine-options.ts';

type SystemDatabase = DBOSExecutor['systemDatabase'];

/** Runs that are forgotten in one statement. */
const batch = 1_000;

/** Milliseconds between two looks at what may be forgotten. */
const interval = 60_000;

/** Removes, until the timer is cleared, the runs that ended longer ago than `retention`. */
export function forgetRegularly(
  systemDatabase: SystemDatabase,
  { retention, log }: Pick<EngineSettings, 'retention' | 'log'>,
): NodeJS.Timeout {
  const forget = async (): Promise<void> => {
    try {
      await forgetEnded(systemDatabase, Date.now() - retention);
    } catch (error) {
      log.warn('Ended runs could not be removed from the engine; it is tried again in a minute.', error);
    }
  };
  return setInterval(() => void forget(), interval);
}

/** Removes every run that ended before `before` (milliseconds since 1970), with what was recorded of it. */
async function forgetEnded(systemDatabase: SystemDatabase, before: number): Promise<void> {
  for (;;) {
    const { rows } = await systemDatabase.pool.query<{ id: string }>(
      `select workflow_uuid as id from dbos.workflow_status where completed_at < $1 order by completed_at limit $2`,
      [before, batch],
    );
    if (rows.length > 0) await systemDatabase.deleteWorkflows(rows.map(({ id }) => id));
    if (rows.length < batch) return;
  }
}

/** Removes those of the runs that have ended; the others stay. */
export async function forgetThose(systemDatabase: SystemDatabase, runIds: readonly string[]): Promise<void> {
  const { rows } = await systemDatabase.pool.query<{ id: string }>(
    `select workflow_uuid as id from dbos.workflow_status
      where workflow_uuid = any($1) and status not in ('PENDING', 'ENQUEUED', 'DELAYED')`,
    [runIds],
  );
  if (rows.length > 0) await systemDatabase.deleteWorkflows(rows.map(({ id }) => id));
}
