import type * as contract from '#generated/platform/index.ts';
import type { Json } from '../../../domain/domain-error.ts';
import {
  type DefinitionProblem,
  type WorkflowDefinition,
  type WorkflowDocument,
  writeLayers,
} from '../../../domain/language/index.ts';
import type { DefinitionFindings } from '../../../domain/workflow/definition-checks.ts';
import type { WorkflowVersion } from '../../../domain/workflow/workflow-version.entity.ts';
import type { Workflow } from '../../../domain/workflow/workflow.entity.ts';
import type { Listed, NewWorkflow, WorkflowChange, WorkflowQuery } from '../../../domain/workflow/workflow.service.ts';
import { toTime } from '../time.ts';

export function toWorkflow(workflow: Workflow): contract.Workflow {
  return { ...toCommon(workflow), definition: toDefinition(workflow.definition) };
}

export function toWorkflowSummary(workflow: Listed<Workflow>): contract.WorkflowSummary {
  return { ...toCommon(workflow), node_count: workflow.nodeCount };
}

function toCommon(workflow: Listed<Workflow>): Omit<contract.Workflow, 'definition'> {
  return {
    id: workflow.id,
    name: workflow.name,
    description: workflow.description ?? null,
    status: workflow.status,
    tags: workflow.tags,
    group_id: workflow.group?.id ?? null,
    revision: workflow.revision,
    published_version: workflow.publishedVersion ?? null,
    has_unpublished_changes: workflow.hasUnpublishedChanges,
    created_at: workflow.createdAt.toISOString(),
    updated_at: workflow.updatedAt.toISOString(),
    published_at: toTime(workflow.publishedAt),
  };
}

export function toWorkflowVersion(version: WorkflowVersion): contract.WorkflowVersion {
  return { ...toCommonVersion(version), definition: toDefinition(version.definition) };
}

export function toWorkflowVersionSummary(version: Listed<WorkflowVersion>): contract.WorkflowVersionSummary {
  return { ...toCommonVersion(version), node_count: version.nodeCount };
}

function toCommonVersion(version: Listed<WorkflowVersion>): Omit<contract.WorkflowVersion, 'definition'> {
  return {
    id: version.id,
    workflow_id: version.workflowId,
    version: version.version,
    changelog: version.changelog ?? null,
    published_at: version.publishedAt.toISOString(),
  };
}

/** The contract describes the definition as the language does. */
function toDefinition(definition: WorkflowDefinition): contract.WorkflowDefinition {
  return definition as contract.WorkflowDefinition;
}

export function toWorkflowDocument({ definition, ...rest }: WorkflowDocument): contract.WorkflowDocument {
  return { ...rest, definition: toDefinition(definition) };
}

/** The contract describes layers as the language does. */
export function toLayersDocument(document: WorkflowDocument): contract.LayersDocument {
  return writeLayers(document) as contract.LayersDocument;
}

export function toWorkflowValidation({ problems, warnings }: DefinitionFindings): contract.WorkflowValidation {
  return {
    valid: problems.length === 0,
    problems: problems.map(toWorkflowProblem),
    warnings: warnings.map(toWorkflowProblem),
  };
}

export function toWorkflowProblem({ node, edge, ...rest }: DefinitionProblem): contract.WorkflowProblem {
  return { ...rest, ...(node !== undefined && { node_id: node }), ...(edge !== undefined && { edge_id: edge }) };
}

export function toWorkflowQuery({
  status,
  tag,
  group_id: groupId,
  search,
  sort,
  page,
  per_page: perPage,
}: contract.ListWorkflows.Request['query']): WorkflowQuery {
  return { ...(status && { status: [status].flat() }), tag, groupId, search, sort, page, perPage };
}

export function toNewWorkflow({ definition, group_id: groupId, ...rest }: contract.CreateWorkflowRequest): NewWorkflow {
  return { ...rest, groupId, definition: definition && toWorkflowSource(definition) };
}

export function toWorkflowChange({
  definition,
  group_id: groupId,
  ...rest
}: contract.UpdateWorkflowRequest): WorkflowChange {
  return {
    ...rest,
    ...(groupId !== undefined && { groupId }),
    ...(definition && { definition: toWorkflowSource(definition) }),
  };
}

/** What a parsed body holds is JSON; the types of the contract say less. */
export function toWorkflowSource(body: unknown): Json {
  return body as Json;
}

export function toExecutionStart({ input = {}, metadata }: contract.ExecuteWorkflowRequest): {
  input: Record<string, Json>;
  metadata?: Record<string, Json>;
} {
  return { input: input as Record<string, Json>, metadata: metadata as Record<string, Json> | undefined };
}

/** `30s` as milliseconds. */
export function toMilliseconds(wait: string): number {
  return Number(wait.slice(0, -1)) * 1_000;
}

/** `Content-Disposition` of a file named after the workflow (RFC 6266). */
export function toAttachment(name: string, extension: string): string {
  const slug = name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `attachment; filename="${slug.slice(0, 100) || 'workflow'}.${extension}"`;
}
