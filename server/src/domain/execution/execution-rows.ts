import { JsonPieces } from '../json-pieces.ts';
import type { RowsBeside } from './engine.ts';
import type { Execution } from './execution.entity.ts';

/** What differs among new executions; the rest is what the columns have by default. A JSON null is none of SQL. */
const insert = (parameter: string): string => `
  insert into execution (id, organisation_id, workflow_id, workflow_version, definition_hash, status, input, metadata, trigger,
    started_by_type, started_by_id, parent_execution_id, retry_of, replay_of, created_at)
  select id, organisation_id, workflow_id, workflow_version, definition_hash, status, coalesce(input, 'null'), metadata,
    coalesce(trigger, 'null'), started_by_type, started_by_id, parent_execution_id, retry_of, replay_of, created_at
  from jsonb_to_recordset(${parameter}::jsonb) as new(
    id text, organisation_id text, workflow_id text, workflow_version int, definition_hash text, status text, input jsonb,
    metadata jsonb, trigger jsonb, started_by_type text, started_by_id text, parent_execution_id text, retry_of text,
    replay_of text, created_at timestamptz(3))`;

/** New executions, as rows to be stored with their runs. */
export async function executionRows(executions: readonly Execution[]): Promise<RowsBeside> {
  const value = await new JsonPieces().list(executions, (execution) => [rowOf(execution)]);
  return { name: 'executions', sql: insert, value };
}

function rowOf(execution: Execution): Record<string, unknown> {
  return {
    id: execution.id,
    organisation_id: execution.organisationId,
    workflow_id: execution.workflowId,
    workflow_version: execution.workflowVersion,
    definition_hash: execution.definitionHash,
    status: execution.status,
    input: execution.input,
    metadata: execution.metadata,
    trigger: execution.trigger,
    started_by_type: execution.startedByType,
    started_by_id: execution.startedById,
    parent_execution_id: execution.parentExecutionId,
    retry_of: execution.retryOf,
    replay_of: execution.replayOf,
    created_at: execution.createdAt,
  };
}
