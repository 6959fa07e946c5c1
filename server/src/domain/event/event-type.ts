import type { Json } from '../domain-error.ts';

/** Everything that can happen and be told to others, in the order in which the catalogue shows it. Never renamed. */
export const eventTypes = [
  'execution.started',
  'execution.completed',
  'execution.failed',
  'execution.cancelled',
  'workflow.created',
  'workflow.updated',
  'workflow.published',
  'workflow.deleted',
  'form.submitted',
  'credential.expired',
  'alert.triggered',
] as const;
/** One of `eventTypes`. */
export type EventType = (typeof eventTypes)[number];

/** What an event about a workflow says. */
export type WorkflowEventData = {
  readonly workflow_id: string;
  readonly name: string;
  readonly status: string;
  readonly revision: number;
  readonly published_version: number | null;
};

/** What an event about an execution says; the database makes it, see `execution/announcement.ts`. */
export type ExecutionEventData = {
  readonly execution_id: string;
  readonly workflow_id: string;
  readonly workflow_version: number;
  /** Null when the workflow is deleted. */
  readonly workflow_name: string | null;
  readonly status: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly output: Json;
  /** Whether there is an output that is too large to be sent along. */
  readonly output_omitted: boolean;
  readonly error: Json;
};

/** The `data` of each type of event, as the contract describes it. Times are RFC 3339. */
export interface EventData {
  'execution.started': ExecutionEventData;
  'execution.completed': ExecutionEventData;
  'execution.failed': ExecutionEventData;
  'execution.cancelled': ExecutionEventData;
  'workflow.created': WorkflowEventData;
  'workflow.updated': WorkflowEventData;
  'workflow.published': WorkflowEventData;
  'workflow.deleted': WorkflowEventData;
  'form.submitted': {
    readonly form_id: string;
    readonly form_name: string;
    readonly submission_id: string;
    readonly values: { readonly [field: string]: Json };
    readonly submitted_at: string;
  };
  'credential.expired': {
    readonly credential_id: string;
    readonly name: string;
    readonly type: string;
    readonly expired_at: string;
  };
  'alert.triggered': {
    /** What kind of alert it is, such as `webhook_disabled`. */
    readonly alert: string;
    readonly severity: 'info' | 'warning' | 'error';
    readonly message: string;
    /** What it is about. */
    readonly resource: { readonly type: string; readonly id: string } | null;
    readonly details: { readonly [key: string]: Json };
  };
}
