import type { Json } from '../domain-error.ts';

/** Executions that nodes of other executions start. */
export abstract class ChildExecutions {
  /**
   * Starts the published version of a workflow of the same organisation and returns the id of the execution; the same `key`
   * starts it once. Throws a NodeFailure when there is no such workflow, it takes no executions, refuses the input, or too
   * many executions have started each other.
   */
  abstract start(
    parentId: string,
    call: { workflowId: string; input: Record<string, Json>; wait: boolean },
    key: string,
  ): Promise<string>;

  /** How an execution that this parent has started stands now: a CallAnswer. */
  abstract result(parentId: string, childId: string): Promise<Json>;

  /** Ends it if it has not ended; always null. */
  abstract cancel(parentId: string, childId: string): Promise<null>;
}
