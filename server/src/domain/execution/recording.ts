import type { Json } from '../domain-error.ts';
import { newId } from '../id.ts';
import type { LogLevel } from '../nodes/node-type.ts';
import { type ExecutionEventType, isTerminalEvent } from './execution-event.entity.ts';
import type { ExecutionResponse, ExecutionStatus, Failure } from './execution.entity.ts';
import type { WaitKind } from './execution-wait.entity.ts';
import type { StepStatus } from './step.entity.ts';

/** What a run tells about the execution as a whole; what is absent stays as it is. */
export interface ExecutionChange {
  status?: ExecutionStatus;
  progress?: number;
  output?: Json;
  error?: Failure;
  response?: ExecutionResponse;
  startedAt?: Date;
  completedAt?: Date;
}

/** How one node stands. */
export interface StepChange {
  nodeId: string;
  nodeType: string;
  nodeName?: string;
  status: StepStatus;
  attempt: number;
  input?: Json;
  output?: Json;
  error?: Failure;
  port?: string;
  /** What it added to `variables`; `true` when that is its output. */
  variables?: Json;
  waitUntil?: Date;
  startedAt?: Date;
  completedAt?: Date;
}

/** Something that happened, under a key that makes it happen once per execution. */
export interface EventRecord {
  key: string;
  type: ExecutionEventType;
  data: Record<string, Json>;
  at: Date;
}

/** That a node waits for something from outside, or no longer does; once per execution and signal. */
export interface WaitRecord {
  signal: string;
  status: 'pending' | 'cancelled';
  nodePath: string;
  nodeName?: string;
  kind: WaitKind;
  tokenHash?: string;
  payloadSchema?: Record<string, Json>;
  message?: string;
  details?: Json;
  endsAt?: Date;
  at: Date;
}

/** A line of the log, under a key that makes it appear once per execution. */
export interface LogRecord {
  key: string;
  nodeId?: string;
  attempt?: number;
  level: LogLevel;
  message: string;
  data?: Json;
  at: Date;
}

/** All that is to be written about one execution in one go, merged so that each row is touched once. */
export class Recording {
  readonly executionId: string;
  readonly #steps = new Map<string, StepChange>();
  readonly #events: EventRecord[] = [];
  readonly #logs: LogRecord[] = [];
  readonly #waits = new Map<string, WaitRecord>();
  readonly #waiting: { resolve: (open: boolean) => void; reject: (error: unknown) => void }[] = [];
  #change: ExecutionChange = {};

  constructor(executionId: string) {
    this.executionId = executionId;
  }

  change(change: ExecutionChange): void {
    this.#change = { ...this.#change, ...change };
  }

  step(step: StepChange): void {
    const known = this.#steps.get(step.nodeId);
    this.#steps.set(step.nodeId, {
      ...step,
      input: step.input ?? known?.input,
      startedAt: earlier(known?.startedAt, step.startedAt),
    });
  }

  event(event: EventRecord): void {
    this.#events.push(event);
  }

  log(log: LogRecord): void {
    this.#logs.push(log);
  }

  wait(wait: WaitRecord): void {
    this.#waits.set(wait.signal, wait);
  }

  /** Ends when what is in here is stored: true, or false when the execution had ended before and nothing was. */
  stored(): Promise<boolean> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  settle(outcome: { open: boolean } | { error: unknown }): void {
    for (const waiting of this.#waiting) {
      if ('open' in outcome) waiting.resolve(outcome.open);
      else waiting.reject(outcome.error);
    }
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
