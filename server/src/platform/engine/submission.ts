import type { WorkflowStatusInternal } from '@dbos-inc/dbos-sdk/internal/system_database';
import type { Json } from '../../domain/domain-error.ts';
import type { RowsBeside } from '../../domain/execution/engine.ts';
import type { PreparedQuery } from '../../domain/prepared-query.ts';
import type { RunStatement } from './transaction-client.ts';

/** A run as it is to be stored, the token of the process that starts it, if one does, and what the run is given. */
export interface Submission {
  readonly status: WorkflowStatusInternal;
  readonly token: string;
  readonly input: Json;
}

/** What the library hands to every body. The real input goes past it: on the way it would be parsed three times, and written twice. */
export const noArguments = '[]';

/** The input of a run as the library stores arguments. */
export function writeInput(input: Json): string {
  return JSON.stringify([input]);
}

/** The input of a run that is stored. */
export function readInput({ input }: Pick<WorkflowStatusInternal, 'input'>): Json {
  return (JSON.parse(input!) as [Json])[0];
}

/** One round trip instead of the library's two, for any number of runs and for the rows beside them. */
const insert = (beside: RowsBeside | undefined): PreparedQuery => ({
  name: `flowpact_submit_${beside?.name ?? 'runs'}`,
  text: `
with ${beside ? `beside as (${beside.sql('$15')}), ` : ''}given as (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[], $10::text[], $14::text[])
    as given(id, status, name, queue, executor, partition, token, input, attributes, serialization, tenant)
), run as (
  insert into dbos.workflow_status (workflow_uuid, status, name, queue_name, authenticated_user, assumed_role,
    authenticated_roles, executor_id, application_version, application_id, recovery_attempts, priority,
    queue_partition_key, serialization, creator_xid, owner_xid, attributes, application_name)
  select id, status, name, queue, tenant, '', '[]', executor, $11, $12, case status when 'PENDING' then 1 else 0 end, 0,
    partition, serialization, token, case status when 'PENDING' then token end, attributes, $13
  from given
  on conflict (workflow_uuid) do nothing
  returning workflow_uuid as id
), input as (
  insert into dbos.workflow_input (workflow_uuid, inputs) select id, input from given join run using (id)
)
select id from run`,
});

/** Stores the runs, and the rows beside them; the ids of those that were not there before. */
export async function insertRuns(
  run: RunStatement,
  submissions: readonly Submission[],
  beside: RowsBeside | undefined,
): Promise<ReadonlySet<string>> {
  const column = (of: (submission: Submission) => unknown): unknown[] => submissions.map((one) => of(one) ?? null);
  const { applicationVersion, applicationID, applicationName } = submissions[0]!.status;
  const values = [
    column(({ status }) => status.workflowUUID),
    column(({ status }) => status.status),
    column(({ status }) => status.workflowName),
    column(({ status }) => status.queueName),
    column(({ status }) => status.executorId),
    column(({ status }) => status.queuePartitionKey),
    column(({ token }) => token),
    column(({ status }) => status.input),
    column(({ status }) => status.attributes && JSON.stringify(status.attributes)),
    column(({ status }) => status.serialization),
    applicationVersion,
    applicationID,
    applicationName,
    column(({ status }) => status.authenticatedUser),
  ];
  const rows = await run<{ id: string }>(insert(beside), beside ? [...values, beside.value] : values);
  return new Set(rows.map(({ id }) => id));
}
