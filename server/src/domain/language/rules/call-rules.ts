import { allNodes } from '../bodies.ts';
import type { WorkflowDefinition } from '../definition.ts';
import { type DefinitionProblem, fieldPath } from '../problem.ts';
import { isTemplate } from '../template.ts';

/** A workflow that a node calls by its id, and where that stands. */
export interface WorkflowReference {
  readonly id: string;
  readonly at: Pick<DefinitionProblem, 'node' | 'field'>;
}

/** The workflows that nodes of the type `workflow.call` name, also in bodies; what expressions name is known only in a run. */
export function calledWorkflows(definition: WorkflowDefinition): WorkflowReference[] {
  return [...allNodes(definition)].flatMap(({ node, keys }): WorkflowReference[] => {
    const { workflow_id: id } = node.params;
    if (node.type !== 'workflow.call' || typeof id !== 'string' || isTemplate(id)) return [];
    return [{ id, at: { node: node.id, field: fieldPath([...keys, 'params', 'workflow_id']) } }];
  });
}

/** A call of a workflow that the organisation does not have. */
export function absentWorkflow({ id, at }: WorkflowReference): DefinitionProblem {
  return {
    ...at,
    code: 'unknown_workflow',
    message: `${at.field} names the workflow ${id}, and there is none with that id.`,
    hint: 'Create the workflow, or name another.',
  };
}

/** A call of a workflow that executes nothing while it has this status. */
export function idleWorkflow({ id, at }: WorkflowReference, status: string): DefinitionProblem {
  return {
    ...at,
    code: 'workflow_not_published',
    message: `${at.field} names the workflow ${id}, which is ${status}; calls of it fail.`,
    hint: 'Publish or resume it before this workflow runs.',
  };
}
