import { type BatchBacklog, BatchMetrics } from '../src/domain/batch-metrics.ts';

/** What batchers have told, as `name kind`. */
export class RecordedBatches extends BatchMetrics {
  readonly failures: string[] = [];
  readonly backlogs = new Map<string, () => BatchBacklog>();

  watchBatcher(name: string, read: () => BatchBacklog): void {
    this.backlogs.set(name, read);
  }

  batchFailed(name: string, kind: 'passing' | 'refused'): void {
    this.failures.push(`${name} ${kind}`);
  }
}
