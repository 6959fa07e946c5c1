import { sharedResources } from '../../domain/tenancy/shared-resources.ts';
import type { GaugeValue, Metrics } from './metrics.ts';

/** Measures what organisations share in this process; by the names of these things, never by organisation. */
export function gaugeSharedResources(metrics: Pick<Metrics, 'gauge'>): void {
  const { slots, caches, batchers, due, memory } = sharedResources;
  metrics.gauge('batch_items', 'What waits to be gathered into a statement.', ['batcher'], () =>
    values(batchers, 'batcher', ({ items }) => items),
  );
  metrics.gauge('batch_bytes', 'Bytes of what waits to be gathered into a statement.', ['batcher'], () =>
    values(batchers, 'batcher', ({ bytes }) => bytes),
  );
  metrics.gauge(
    'batch_oldest_seconds',
    'For how long the oldest has waited to be gathered into a statement.',
    ['batcher'],
    () => values(batchers, 'batcher', ({ oldestMs }) => oldestMs / 1_000),
  );
  metrics.gauge(
    'shared_slots',
    'Slots that organisations share: those that are taken, and what waits for one (organisations for the slots of runs).',
    ['slots', 'state'],
    () =>
      [...slots].flatMap(([name, read]) => {
        const { taken, waiting } = read();
        return Object.entries({ taken, waiting }).map(([state, value]) => ({ labels: { slots: name, state }, value }));
      }),
  );
  metrics.gauge(
    'shared_slots_oldest_wait_seconds',
    'For how long the oldest of those whose turn is next has waited for a slot.',
    ['slots'],
    () => values(slots, 'slots', ({ oldestMs }) => oldestMs / 1_000),
  );
  metrics.gauge('cache_entries', 'Entries of caches that organisations share.', ['cache'], () =>
    values(caches, 'cache', ({ entries }) => entries),
  );
  metrics.gauge(
    'cache_evicted_entries',
    'Entries of caches that made room for others, since the start of the process.',
    ['cache'],
    () => values(caches, 'cache', ({ evicted }) => evicted),
  );
  metrics.gauge(
    'due_organisations',
    'Organisations of which work in the database was due when a process last looked.',
    ['queue'],
    () => values(due, 'queue', ({ organisations }) => organisations),
  );
  metrics.gauge('due_oldest_seconds', 'For how long the oldest of that work had been due.', ['queue'], () =>
    values(due, 'queue', ({ oldestMs }) => oldestMs / 1_000),
  );
  metrics.gauge(
    'memory_bytes',
    'Memory that organisations share: the bytes that are held, and those that may be.',
    ['memory', 'state'],
    () =>
      [...memory].flatMap(([name, read]) => {
        const { held, bound } = read();
        return Object.entries({ held, bound }).map(([state, value]) => ({ labels: { memory: name, state }, value }));
      }),
  );
  metrics.gauge('memory_waiting', 'What waits for room in that memory.', ['memory'], () =>
    values(memory, 'memory', ({ waiting }) => waiting),
  );
  metrics.gauge('memory_oldest_wait_seconds', 'For how long the oldest of it has waited.', ['memory'], () =>
    values(memory, 'memory', ({ oldestMs }) => oldestMs / 1_000),
  );
}

function values<Load>(
  resources: ReadonlyMap<string, () => Load>,
  label: string,
  valueOf: (load: Load) => number,
): GaugeValue[] {
  return [...resources].map(([name, read]) => ({ labels: { [label]: name }, value: valueOf(read()) }));
}
