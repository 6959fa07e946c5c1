import type { DBOSExecutor } from '@dbos-inc/dbos-sdk/internal/dbos-executor';

type SystemDatabase = DBOSExecutor['systemDatabase'];

/** Runs that are forgotten in one statement. */
const batch = 1_000;

/** Removes every run that ended before `before` (milliseconds since 1970), with what was recorded of it. */
export async function forgetEnded(systemDatabase: SystemDatabase, before: number): Promise<void> {
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
