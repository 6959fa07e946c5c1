import type { EntityManager } from '@mikro-orm/postgresql';
import type { DomainEvents } from '../event/domain-events.ts';
import { heardEvents } from '../event/event-statement.ts';

/** Bytes of an output, and of the details of a failure, that events carry along; who needs more reads the execution. */
const maxCarriedBytes = 262_144;
const omittedDetails = `'{"omitted": "The details have more than ${maxCarriedBytes / 1_024} KiB: read the execution."}'::jsonb`;

const time = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** SQL of the `data` of an event; `row` has the columns of the execution, `output` and `error` may stand elsewhere. */
export function executionEventData(row: string, output = `${row}.output`, error = `${row}.error`): string {
  const isLarge = `coalesce(octet_length(${output}::text) > ${maxCarriedBytes}, false)`;
  const hasLargeDetails = `octet_length((${error}->'details')::text) > ${maxCarriedBytes}`;
  return `jsonb_build_object(
    'execution_id', ${row}.id, 'workflow_id', ${row}.workflow_id, 'workflow_version', ${row}.workflow_version,
    'workflow_name', (select name from workflow where workflow.id = ${row}.workflow_id), 'status', ${row}.status,
    'created_at', ${time(`${row}.created_at`)}, 'started_at', ${time(`${row}.started_at`)},
    'completed_at', ${time(`${row}.completed_at`)}, 'output', case when not ${isLarge} then ${output} end,
    'output_omitted', ${isLarge},
    'error', case when ${hasLargeDetails} then jsonb_set(${error}, '{details}', ${omittedDetails}) else ${error} end)`;
}

const cancelledStatement = `
with ${heardEvents({
  from: `execution join execution_event ended on ended.execution_id = execution.id and ended.key = 'ended'`,
  id: 'ended.id',
  organisationId: 'execution.organisation_id',
  type: `'execution.cancelled'`,
  data: executionEventData('execution'),
  createdAt: 'ended.created_at',
  where: 'execution.id = any($1)',
})}
select count(*)::int as heard from heard`;

/**
 * Tells those who listen that executions were cancelled, in the transaction that cancels them; call it after their rows
 * and their events are written. What the recorder writes is told by its own statement.
 */
export async function announceCancelled(
  events: Pick<DomainEvents, 'emitBy'>,
  em: EntityManager,
  executionIds: readonly string[],
): Promise<void> {
  await events.emitBy(em, cancelledStatement, [executionIds]);
}
