import type { StorageMetrics } from '../../domain/storage/storage-metrics.ts';
import type { Metrics } from './metrics.ts';

/** Measures the storage of organisations; without their ids, of which there are too many for labels. */
export function storageMetricsOf(metrics: Metrics): StorageMetrics {
  let full = 0;
  const fullHelp =
    'Organisations that store as much as their plan allows, as a process with a worker role last saw it.';
  metrics.gauge('organisations_without_storage', fullHelp, [], () => [{ value: full }]);
  const corrections = metrics.counter(
    'storage_corrections_total',
    'Organisations of which a recount found that their sums of stored bytes were wrong.',
    [],
  );
  const failures = metrics.counter(
    'storage_settling_failures_total',
    'Rounds in which changes could not be added to the sums of stored bytes.',
    [],
  );
  return {
    full: (organisations) => void (full = organisations),
    corrected: () => corrections.inc(),
    settlingFailed: () => failures.inc(),
  };
}
