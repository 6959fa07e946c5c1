import { BatchMetrics } from '../src/domain/batch-metrics.ts';

/** What batchers have told, as `name kind`. */
export class RecordedBatches extends BatchMetrics {
  readonly failures: string[] = [];

  batchFailed(name: string, kind: 'passing' | 'refused'): void {
    this.failures.push(`${name} ${kind}`);
  }
}
