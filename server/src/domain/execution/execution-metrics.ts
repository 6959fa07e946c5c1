/** Counts what executions do, for whoever watches the server. */
export abstract class ExecutionMetrics {
  abstract executionStarted(): void;
  /** Seconds from its acceptance to its end. */
  abstract executionEnded(status: string, seconds: number): void;
  /** Seconds that the last attempt at a node took. */
  abstract stepEnded(type: string, status: string, seconds: number): void;
}
