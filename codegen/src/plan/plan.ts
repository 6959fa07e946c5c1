import type { Form } from '../forms/form.ts';
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
  /** `WorkflowVersionsController` */
  readonly controllerName: string;
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
  /** `Workflow`: the schema as responses have it, or as requests have it when only they use it. */
  readonly typeName: string;
  /** Types of the forms that occur; `WorkflowInput` where requests differ from responses. */
  readonly formTypeNames: ReadonlyMap<Form, string>;
  /** `workflow`: for values and functions. */
  readonly valueName: string;
}
