import type { EntityManager } from '@mikro-orm/postgresql';
import type { WorkflowDefinition } from '../language/index.ts';

/** A version as executions run it. */
export interface ExecutableVersion {
  readonly version: number;
  readonly definition: WorkflowDefinition;
  /** What `hashOf` makes of the definition. */
  readonly definitionHash: string;
}

/** Where executions find what they are to run; read through `em` where it is given. */
export abstract class PublishedWorkflows {
  /**
   * The published version, or that version of a workflow that may be executed; throws ResourceNotFoundError, or the refusal
   * of a workflow that may not be executed.
   */
  abstract getPublished(
    organisationId: string,
    workflowId: string,
    options?: { readonly version?: number; readonly em?: EntityManager },
  ): Promise<ExecutableVersion>;
}
