import type { Json } from '../domain-error.ts';
import type { WorkflowBody } from '../language/definition.ts';

/** What expressions may read. */
export interface Scope {
  input: Json;
  steps: Record<string, { output: Json; status: string; error?: Json }>;
  variables: Record<string, Json>;
  trigger: Json;
  execution: {
    id: string;
    workflow_id: string;
    started_at: string;
    /** The callback URLs of the `wait.event` nodes beside and around, by node id. */
    callbacks?: Record<string, string>;
  };
  /** The item that the body of a `foreach` runs for. */
  item?: Json;
  /** Where the loop around stands, `index` from 0; `outer` is the loop around that. */
  loop?: Json;
}

/** What a durable step may use; everything in it may run twice after a crash, with the same `idempotencyKey`. */
export interface StepContext {
  readonly organisationId: string;
  readonly workflowId: string;
  readonly executionId: string;
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
  | BodiesCommand
  | WaitCommand
  | CallCommand
  | { kind: 'log'; level: LogLevel; message: string; data?: Json };

/** Runs the bodies inside the node; answered by their outcomes (BodyOutcome[]), in the order of `bodies`. */
export interface BodiesCommand {
  kind: 'bodies';
  bodies: readonly BodyStart[];
  /** How many of them run at the same time. */
  concurrency: number;
  /** Whether the failure of one ends the others. */
  stopOnFailure: boolean;
}

/** One run through a body. */
export interface BodyStart {
  /** Names the run in paths: `each[3].fetch`. */
  segment: string;
  body: WorkflowBody;
  item?: Json;
  loop?: { readonly [key: string]: Json };
}

/** How a run through a body ended. */
export type BodyOutcome =
  | { status: 'completed'; output: Json }
  | { status: 'failed'; error: { code: string; message: string; node_id: string | null; details: Json } }
  /** It had not ended when another one failed. */
  | { status: 'cancelled' };

/** Waits for something from outside; answered by a WaitAnswer, or null when the time is over. */
export interface WaitCommand {
  kind: 'wait';
  for: 'approval' | 'event';
  /** Milliseconds; for ever when absent. */
  timeout?: number;
  payloadSchema?: Record<string, Json>;
  message?: string;
  details?: Json;
}

/** What came from outside. */
export interface WaitAnswer {
  status: 'approved' | 'declined' | 'received';
  /** Body of the callback; null for decisions. */
  payload: Json;
  decided_by: string | null;
  note: string | null;
  /** RFC 3339. */
  at: string;
}

/** Starts another workflow; answered by a CallAnswer. */
export interface CallCommand {
  kind: 'call';
  workflowId: string;
  input: Record<string, Json>;
  /** Whether the node goes on when the other execution has ended. */
  wait: boolean;
}

/** The execution that was started, as it is after the wait for it. */
export interface CallAnswer {
  execution_id: string;
  status: string;
  output: Json;
  error: Json;
}

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
  /** Params that are JSON Schemas, checked when a workflow is published. */
  readonly schemas?: readonly string[];
  /** Params that are, or hold, the bodies of the node. */
  readonly bodies?: readonly string[];
  /** Names that its own expressions may read besides those of the workflow. */
  readonly locals?: readonly string[];
  /** Params in which secrets may be read, because they go to another server and nowhere else; steps see markers there. */
  readonly secrets?: readonly string[];
  /** Names of the credentials that the params name, as far as they are known before a run. */
  credentials?(params: Params): readonly string[];
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
