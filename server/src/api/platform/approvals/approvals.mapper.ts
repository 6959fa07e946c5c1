import type * as contract from '#generated/platform/index.ts';
import type { Approval } from '../../../domain/execution/approval.service.ts';
import { toSent } from '../stored-value.ts';
import { toTime } from '../time.ts';

export function toApproval({ wait, workflowId, status }: Approval): contract.Approval {
  return {
    id: wait.id,
    execution_id: wait.executionId,
    workflow_id: workflowId,
    node_id: wait.nodePath,
    node_name: wait.nodeName ?? null,
    status,
    message: wait.message ?? null,
    details: toSent(wait.details ?? null),
    created_at: wait.createdAt.toISOString(),
    expires_at: toTime(wait.endsAt),
    decided_at: toTime(wait.decidedAt),
    decided_by: toDecider(wait.decidedBy),
    note: wait.note ?? null,
  };
}

function toDecider(id: string | null | undefined): contract.ApprovalDecider | null {
  if (!id) return null;
  return { type: id.startsWith('key_') ? 'api_key' : 'user', id };
}
