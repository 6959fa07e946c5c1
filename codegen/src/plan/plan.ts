import type { NamedSchema, Operation, Tag } from '../ir/index.ts';

/**
 * Every name that generated code carries, decided once: all are valid identifiers, and unique in their scope. Type names
 * of schemas and operations share one scope, because one `index.ts` exports them.
 */
export interface Plan {
  /** Tags that have operations, in the order of the contract. */
  readonly tags: readonly TagPlan[];
  /** In document order. */
  readonly operations: readonly OperationPlan[];
  /** By `NamedSchema.pointer`. */
  readonly schemas: ReadonlyMap<string, SchemaPlan>;
  /** Names of component responses by their key in `components.responses`. */
  readonly responses: ReadonlyMap<string, string>;
}

export interface TagPlan {
  readonly tag: Tag;
  /** `WorkflowVersions` */
  readonly typeName: string;
  /** `workflowVersions`: property of an SDK client. */
  readonly propertyName: string;
  /** `workflow-versions`: file name without extension. */
  readonly fileName: string;
  readonly operations: readonly OperationPlan[];
}

export interface OperationPlan {
  readonly operation: Operation;
  readonly tag: Tag;
  /** `getWorkflow`: controller method, key of `operations`, `operationId` in derived documents. */
  readonly name: string;
  /** `GetWorkflow` */
  readonly typeName: string;
}

export interface SchemaPlan {
  readonly schema: NamedSchema;
  /** `Workflow` */
  readonly typeName: string;
  /** `workflow`: for values and functions. */
  readonly valueName: string;
}
