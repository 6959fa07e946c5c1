import type { Json } from '../../domain-error.ts';
import type { RetryPolicy, WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../definition.ts';
import type { WorkflowDocument } from '../yaml/workflow-document.ts';

/**
 * A workflow as ordered layers: nodes of one `index` run side by side, and a higher index waits for the lower. `edges` is
 * there only where that is not what the workflow does.
 */
export interface LayersDocument
  extends Omit<WorkflowDocument, 'definition'>, Omit<WorkflowDefinition, 'nodes' | 'edges'> {
  layers: Layer[];
  edges?: WorkflowEdge[];
}

/** A node with its place in the order. */
export interface Layer extends Omit<WorkflowNode, 'retry' | 'timeout'> {
  /** From 0; nodes of the same index run in parallel. */
  index: number;
  /** All of them together decide whether the node runs; instead of `when`. */
  filters?: LayerFilter[];
  /** The canonical policy where the words of layers cannot say it. */
  retry?: LayerRetry | RetryPolicy;
  /** Seconds, or a duration where they are not whole. */
  timeout?: number | string;
}

export const filterOperators = [
  'eq',
  'neq',
  'gt',
  'gte',
  'lt',
  'lte',
  'contains',
  'not_contains',
  'is_empty',
  'not_empty',
] as const;

/** A comparison; the first has no `mode`, each other one says how it joins those before it. */
export interface LayerFilter {
  /** A plain value, or one `{{ expression }}`. */
  left_value: Json;
  operator: (typeof filterOperators)[number];
  /** As `left_value`; absent with `is_empty` and `not_empty`. */
  right_value?: Json;
  mode?: 'and' | 'or';
}

/** Retries in the words of layers. */
export interface LayerRetry {
  /** Attempts after the first. */
  count: number;
  delay_ms?: number;
  max_delay_ms?: number;
  /** 1 for a constant delay, 2 for one that doubles. */
  backoff_multiplier?: number;
  /** Share of the delay that is random, 0 to 1. */
  jitter_fraction?: number;
  /** Error codes worth another attempt; all when absent. */
  on?: string[];
}
