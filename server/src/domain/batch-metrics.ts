/** What a batcher has before it. */
export interface BatchBacklog {
  readonly items: number;
  readonly bytes: number;
  /** For how long the oldest of them has waited, in milliseconds; 0 when there is none. */
  readonly oldestMs: number;
}

/** Counts failures of what gathers the work of several organisations. */
export abstract class BatchMetrics {
  /** `name` is one of a few: it becomes the label of a metric. `passing` is tried again; `refused` was an item's own failure. */
  abstract batchFailed(name: string, kind: 'passing' | 'refused'): void;
}
