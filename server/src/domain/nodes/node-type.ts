import type { Json } from '../domain-error.ts';

/** What expressions may read. */
export interface Scope {
  input: Json;
  steps: Record<string, { output: Json; status: string; error?: Json }>;
  variables: Record<string, Json>;
  trigger: Json;
  execution: { id: string; workflow_id: string; started_at: string };
  item?: Json;
  loop?: { index: number };
}

/** What a durable step may use; everything in it may run twice after a crash, with the same `idempotencyKey`. */
export interface StepContext {
  /** `execution:node:attempt`. */
  readonly idempotencyKey: string;
  /** Fires on cancellation and on time-out. */
  readonly signal: AbortSignal;
}

/**
 * What a node asks the scheduler to do. A handler yields one command at a time and is replayed from the recorded results
 * after a crash, so between commands it must not read clocks, random numbers or anything outside its arguments.
 */
export type Command =
  | { kind: 'step'; key: string; run: (context: StepContext) => Promise<Json> }
  | {
      kind: 'evaluate';
      template: Json;
      /** A whole program (`code` node) rather than an expression. */
      program?: boolean;
      locals?: Record<string, Json>;
    }
  | { kind: 'sleep'; milliseconds: number }
  | { kind: 'sleepUntil'; at: string }
  | { kind: 'log'; level: LogLevel; message: string; data?: Json };

/** How much a log line of an execution matters; the least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** How a node ended well. */
export interface NodeResult {
  output: Json;
  /** The port whose edges fire; `default` when absent. */
  port?: string;
  /** Merged into `variables`, for every node that starts after this one has ended. */
  variables?: Record<string, Json>;
  /** Ends the execution's answer early (`respond` node). */
  response?: { status: number; headers: Record<string, string>; body: Json };
}

/** One kind of node: a folder under `domain/nodes/` with its schema, handler and test. */
export interface NodeType<Params = Record<string, Json>> {
  readonly type: string;
  readonly description: string;
  /** JSON Schema 2020-12 of `params`; any leaf may also be a `{{ expression }}`. */
  readonly params: Record<string, Json>;
  readonly output: Record<string, Json>;
  /** Params left unevaluated for the handler (for example `code`'s program). */
  readonly raw?: readonly string[];
  /** Those of `raw` that are the body of an async JavaScript function, checked when a workflow is published. */
  readonly programs?: readonly string[];
  /** Those of `raw` that are one expression, with or without `{{ }}`. */
  readonly expressions?: readonly string[];
  /** `first`: of the edges of its port only the first whose `when` holds fires, by priority, else those of port `default`. */
  readonly firing?: 'all' | 'first';
  /** Ports that its edges may leave by, besides `error`; `any` when only a run can tell. */
  ports(params: Record<string, Json>): readonly string[] | 'any';
  /** Runs with evaluated params. Throw a `NodeFailure` to fail the node. */
  run(params: Params, context: { nodeId: string; executionId: string }): Generator<Command, NodeResult, Json>;
}

/** A node that failed for a reason the author of the workflow can act on; `code` is what `retry.on` matches. */
export class NodeFailure extends Error {
  readonly code: string;
  readonly details: Record<string, Json>;

  constructor(code: string, message: string, details: Record<string, Json> = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NodeFailure';
    this.code = code;
    this.details = details;
  }
}

/** A node type with typed params; the registry holds types whose params are only known by their schema. */
export function defineNode<Params>(type: NodeType<Params>): NodeType {
  return type as unknown as NodeType;
}
