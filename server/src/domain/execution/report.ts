import type { Json } from '../domain-error.ts';
import { bytesOf } from '../json-size.ts';
import type { LogLevel } from '../nodes/node-type.ts';
import type { ExecutionEventType } from './execution-event.entity.ts';
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

/** What the columns of a row take besides its values, in bytes. */
const rowBytes = 256;

/** What a run reports in one go, which is stored together or not at all. */
export class Report {
  readonly changes: ExecutionChange = {};
  readonly steps: StepChange[] = [];
  readonly events: EventRecord[] = [];
  readonly logs: LogRecord[] = [];
  readonly waits: WaitRecord[] = [];
  #bytes = rowBytes;

  change(change: ExecutionChange): void {
    Object.assign(this.changes, change);
    this.#count(change.output, change.error, change.response);
  }

  step(step: StepChange): void {
    this.steps.push(step);
    this.#count(step.input, step.output, step.variables, step.error);
  }

  event(event: EventRecord): void {
    this.events.push(event);
    this.#count(event.data);
  }

  log(log: LogRecord): void {
    this.logs.push(log);
    this.#count(log.message, log.data);
  }

  wait(wait: WaitRecord): void {
    this.waits.push(wait);
    this.#count(wait.message, wait.details, wait.payloadSchema);
  }

  /** About how long its JSON is. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The node that it is about, if it is about one. */
  get nodeId(): string | null {
    return this.steps[0]?.nodeId ?? this.logs[0]?.nodeId ?? this.waits[0]?.nodePath ?? null;
  }

  #count(...values: readonly unknown[]): void {
    this.#bytes += rowBytes;
    for (const value of values) if (value !== undefined) this.#bytes += bytesOf(value);
  }
}
