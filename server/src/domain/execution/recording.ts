import { newId } from '../id.ts';
import { isTerminalEvent } from './execution-event.entity.ts';
import type { EventRecord, ExecutionChange, LogRecord, Report, StepChange, WaitRecord } from './report.ts';

/** What one statement writes about one execution: reports that follow each other, merged so that each row is touched once. */
export class Recording {
  readonly executionId: string;
  readonly #steps = new Map<string, StepChange>();
  readonly #events: EventRecord[] = [];
  readonly #logs: LogRecord[] = [];
  readonly #waits = new Map<string, WaitRecord>();
  #change: ExecutionChange = {};

  constructor(executionId: string, reports: Iterable<Report>) {
    this.executionId = executionId;
    for (const report of reports) this.#add(report);
  }

  #add({ changes, steps, events, logs, waits }: Report): void {
    Object.assign(this.#change, changes);
    for (const step of steps) this.#addStep(step);
    this.#events.push(...events);
    this.#logs.push(...logs);
    for (const wait of waits) this.#addWait(wait);
  }

  #addStep(step: StepChange): void {
    const known = this.#steps.get(step.nodeId);
    this.#steps.set(step.nodeId, {
      ...step,
      input: step.input ?? known?.input,
      startedAt: earlier(known?.startedAt, step.startedAt),
    });
  }

  /** As the statement does it to a row that is there: what a wait is for stays, how long it lasts may change. */
  #addWait(wait: WaitRecord): void {
    const known = this.#waits.get(wait.signal);
    if (!known) this.#waits.set(wait.signal, wait);
    else if (known.status === 'pending') this.#waits.set(wait.signal, again(known, wait));
  }

  get hasEvents(): boolean {
    return this.#events.length > 0;
  }

  get ends(): boolean {
    return this.#events.some(({ type }) => isTerminalEvent(type));
  }

  executionRow(): Record<string, unknown> {
    const { status, progress, output, error, response, startedAt, completedAt } = this.#change;
    return {
      id: this.executionId,
      status,
      progress,
      output,
      error,
      response,
      started_at: startedAt,
      completed_at: completedAt,
      events: this.#events.length,
    };
  }

  stepRows(): Record<string, unknown>[] {
    return [...this.#steps.values()].map((step) => ({
      id: newId('step'),
      execution_id: this.executionId,
      node_id: step.nodeId,
      node_type: step.nodeType,
      node_name: step.nodeName,
      status: step.status,
      attempt: step.attempt,
      input: step.input,
      output: step.output,
      error: step.error,
      port: step.port,
      variables: step.variables,
      wait_until: step.waitUntil,
      created_at: step.startedAt ?? new Date(),
      started_at: step.startedAt,
      completed_at: step.completedAt,
    }));
  }

  eventRows(): Record<string, unknown>[] {
    return this.#events.map(({ key, type, data, at }, index) => ({
      id: newId('evt'),
      execution_id: this.executionId,
      position: index + 1,
      key,
      type,
      data,
      created_at: at,
    }));
  }

  logRows(): Record<string, unknown>[] {
    return this.#logs.map(({ key, nodeId, attempt, level, message, data, at }) => ({
      id: newId('log'),
      execution_id: this.executionId,
      node_id: nodeId,
      attempt,
      key,
      level,
      message,
      data,
      created_at: at,
    }));
  }

  waitRows(): Record<string, unknown>[] {
    return [...this.#waits.values()].map((wait) => ({
      id: newId('wait'),
      execution_id: this.executionId,
      signal: wait.signal,
      status: wait.status,
      node_path: wait.nodePath,
      node_name: wait.nodeName,
      kind: wait.kind,
      token_hash: wait.tokenHash,
      payload_schema: wait.payloadSchema,
      message: wait.message,
      details: wait.details,
      created_at: wait.at,
      ends_at: wait.endsAt,
    }));
  }
}

function earlier(first: Date | undefined, second: Date | undefined): Date | undefined {
  if (!first || !second) return first ?? second;
  return first < second ? first : second;
}

function again(known: WaitRecord, wait: WaitRecord): WaitRecord {
  if (wait.status === 'cancelled') return { ...known, status: 'cancelled' };
  const { endsAt: _, payloadSchema: __, ...kept } = known;
  const { endsAt, payloadSchema, message, details } = wait;
  return {
    ...kept,
    message: known.message ?? message,
    details: known.details ?? details,
    ...(endsAt && { endsAt }),
    ...(payloadSchema && { payloadSchema }),
  };
}
