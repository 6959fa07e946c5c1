import type { WorkflowDefinition } from '../definition.ts';

/** A workflow to carry from one place to another, without ids and history. */
export interface WorkflowDocument {
  name: string;
  description?: string | null;
  tags?: string[];
  definition: WorkflowDefinition;
}
