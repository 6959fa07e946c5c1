import type { Json } from '../domain-error.ts';

/** A time span as people write it: `250ms`, `30s`, `5m`, `2h`, `3d`, `1w`, or ISO 8601 (`PT30S`). */
export type Duration = string;

/** Nodes and the edges between them: of a whole workflow, or of the body inside a node. */
export interface WorkflowBody {
  nodes: WorkflowNode[];
  edges: WorkflowEdge[];
  /** Template that shapes the output of a run through the nodes; without it the outputs of the end nodes. */
  output?: Json;
}

/** The canonical form of a workflow; the YAML form converts to it and back without loss. */
export interface WorkflowDefinition extends WorkflowBody {
  /** JSON Schema (2020-12) that the input of an execution must satisfy. */
  input_schema?: Record<string, Json>;
  variables?: Record<string, Json>;
  settings?: WorkflowSettings;
}

/** How executions of the workflow behave as a whole. */
export interface WorkflowSettings {
  /** Time limit of a whole execution. */
  timeout?: Duration;
  /** How many executions of the workflow may be active at once; the others stay pending, in the order of acceptance. */
  concurrency?: number;
  on_failure?: 'fail' | 'continue';
}

/** One unit of work; what it does is its `type` and what that reads is `params`. */
export interface WorkflowNode {
  /** Unique in the workflow, bodies included; `^[a-z][a-z0-9_]{0,63}$`. */
  id: string;
  type: string;
  name?: string;
  params: Record<string, Json>;
  /** Expression; the node is skipped when it is falsy. */
  when?: string;
  /** How many of the incoming edges must fire; default `all` of those that still can. */
  join?: 'all' | 'any' | number;
  retry?: RetryPolicy;
  timeout?: Duration;
  /** `fail` ends the execution, `continue` goes on with the default port, `route` takes the `error` port. */
  on_error?: 'fail' | 'continue' | 'route';
  /** Whether somebody has to approve before the node begins its first attempt. */
  needs_approval?: boolean;
  position?: { x: number; y: number };
}

/** When and how often a failed node is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first included. */
  max_attempts: number;
  backoff?: 'constant' | 'exponential';
  initial?: Duration;
  max?: Duration;
  /** Share of the delay that is random, 0 to 1. */
  jitter?: number;
  /** Error codes worth another attempt; all when absent. */
  on?: string[];
}

/** Leads from a port of one node to another node. */
export interface WorkflowEdge {
  id: string;
  from: string;
  to: string;
  /** `default`, `error`, or a case of the node it leaves. */
  port: string;
  when?: string;
  /** Lower fires first where only one edge may fire. */
  priority?: number;
}
