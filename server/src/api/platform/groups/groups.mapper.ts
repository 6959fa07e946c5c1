import type * as contract from '#generated/platform/index.ts';
import type { CountedGroup } from '../../../domain/group/group.service.ts';

export function toGroup({ group, workflowCount }: CountedGroup): contract.Group {
  return {
    id: group.id,
    name: group.name,
    description: group.description ?? null,
    position: group.position,
    workflow_count: workflowCount,
    created_at: group.createdAt.toISOString(),
    updated_at: group.updatedAt.toISOString(),
  };
}
