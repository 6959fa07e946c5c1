import type * as contract from '#generated/platform/index.ts';
import type { ServerSentEvent } from '#runtime/nest/index.ts';
import type { Json } from '../../../domain/domain-error.ts';
import type { LoggedEvent } from '../../../domain/execution/event-reader.ts';
import type { EventFeed } from '../../../domain/execution/execution-events.ts';
import type { Execution, Failure, StoredFailure } from '../../../domain/execution/execution.entity.ts';
import type {
  ExecutionQuery,
  ExecutionRecord,
  ExecutionSummary,
  LogRecord,
  StepRecord,
} from '../../../domain/execution/execution-queries.ts';
import type { StoredJson } from '../../../domain/stored-json.ts';
import type { Slice } from '../../../domain/slice.ts';
import { toPagePagination } from '../page-pagination.ts';
import { toSent } from '../stored-value.ts';
import { fromTime, toTime } from '../time.ts';

export function toExecution(execution: Execution): contract.Execution {
  return {
    ...toExecutionSummary(execution),
    input: execution.input as contract.Execution['input'],
    output: execution.output ?? null,
    metadata: execution.metadata,
  };
}

/** The same of an execution whose values are sent as they are stored. */
export function toStoredExecution(execution: ExecutionRecord): contract.Execution {
  return {
    ...toExecutionSummary(execution),
    input: toSent(execution.input) as contract.Execution['input'],
    output: toSent(execution.output),
    metadata: execution.metadata,
  };
}

export function toExecutionSummary(
  execution: Omit<ExecutionSummary, 'error'> & { readonly error?: StoredFailure | null },
): contract.ExecutionSummary {
  return {
    id: execution.id,
    workflow_id: execution.workflowId,
    workflow_version: execution.workflowVersion,
    status: execution.status,
    progress: execution.progress,
    error: toExecutionError(execution.error),
    started_by: { type: execution.startedByType, id: execution.startedById },
    parent_execution_id: execution.parentExecutionId ?? null,
    retry_of: execution.retryOf ?? null,
    replay_of: execution.replayOf ?? null,
    created_at: execution.createdAt.toISOString(),
    started_at: toTime(execution.startedAt),
    completed_at: toTime(execution.completedAt),
    duration_ms: execution.durationMs,
  };
}

export function toExecutionStep(step: StepRecord): contract.ExecutionStep {
  return {
    id: step.id,
    execution_id: step.executionId,
    node_id: step.nodeId,
    node_type: step.nodeType,
    node_name: step.nodeName ?? null,
    status: step.status,
    attempts: step.attempt,
    input: toSent(step.input),
    output: toSent(step.output),
    error: toExecutionError(step.error),
    port: step.port ?? null,
    reused: step.reused,
    started_at: toTime(step.startedAt),
    completed_at: toTime(step.completedAt),
    duration_ms: step.durationMs,
  };
}

export function toExecutionLog(log: LogRecord): contract.ExecutionLog {
  return {
    id: log.id,
    execution_id: log.executionId,
    level: log.level,
    message: log.message,
    node_id: log.nodeId ?? null,
    attempt: log.attempt ?? null,
    data: toSent(log.data),
    timestamp: log.createdAt.toISOString(),
  };
}

/** The messages of a stream: how the execution stands, then its events. */
export async function* toMessages(
  executionId: string,
  after: number,
  { status, events }: EventFeed,
): AsyncGenerator<ServerSentEvent<contract.ExecutionEvent>> {
  const timestamp = new Date().toISOString();
  yield {
    event: 'connected',
    data: { type: 'connected', sequence: after, execution_id: executionId, timestamp, data: { status } },
  };
  for await (const event of events) {
    yield { id: event.sequence, event: event.type, data: toExecutionEvent(event) };
  }
}

/** Followers who stand at the same place share the events that were read for them, and the messages. */
const messages = new WeakMap<LoggedEvent, contract.ExecutionEvent>();

function toExecutionEvent(event: LoggedEvent): contract.ExecutionEvent {
  const known = messages.get(event);
  if (known) return known;
  const message = toMessage(event);
  messages.set(event, message);
  return message;
}

function toMessage(event: LoggedEvent): contract.ExecutionEvent {
  // The type names the shape of the data; the interpreter writes them together.
  return {
    id: event.id,
    type: event.type,
    sequence: event.sequence,
    execution_id: event.executionId,
    timestamp: event.createdAt.toISOString(),
    data: toEventData(event.data),
  } as contract.ExecutionEvent;
}

function toEventData({ output, error, ...data }: LoggedEvent['data']): Record<string, Json> {
  const failure = error as (Failure & { details: Json | StoredJson }) | undefined;
  return {
    ...(data as Record<string, Json>),
    ...(output !== undefined && { output: toSent(output) }),
    ...(failure && { error: { ...failure, details: toSent(failure.details) } }),
  };
}

export function toExecutionQuery(
  { status, from, to, page, per_page, cursor }: contract.ListWorkflowExecutions.Request['query'],
  workflowId: string | undefined,
): ExecutionQuery {
  return {
    workflowId,
    statuses: status,
    from: fromTime(from, 'from', 'query'),
    to: fromTime(to, 'to', 'query'),
    page,
    perPage: per_page,
    cursor,
  };
}

export function toExecutionReplay({ input, version, metadata }: contract.ReplayExecutionRequest): {
  input?: Record<string, Json>;
  version?: number;
  metadata?: Record<string, Json>;
} {
  return {
    input: input as Record<string, Json> | undefined,
    version,
    metadata: metadata as Record<string, Json> | undefined,
  };
}

export function toCursorPagination({ nextCursor, page }: Slice<unknown>, perPage: number): contract.CursorPagination {
  const cursor = { next_cursor: nextCursor, has_more: nextCursor !== null };
  return page ? { ...toPagePagination(page.number, perPage, page.total), ...cursor } : { per_page: perPage, ...cursor };
}

function toExecutionError(failure: StoredFailure | null | undefined): contract.ExecutionError | null {
  if (!failure) return null;
  const { code, message, node_id, details } = failure;
  return { code, message, node_id, details: toSent(details) as contract.ExecutionError['details'] };
}
