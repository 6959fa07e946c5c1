import type { WorkflowDefinition } from '../language/index.ts';

/** Where executions find what they are to run. */
export abstract class PublishedWorkflows {
  /** The published version; throws ResourceNotFoundError, or the refusal of a workflow that may not be executed. */
  abstract getPublished(
    organisationId: string,
    workflowId: string,
  ): Promise<{ readonly version: number; readonly definition: WorkflowDefinition }>;
}
