import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sharedResources, watchBatcher, watchCache, watchDue, watchMemory, watchSlots } from '../../domain/tenancy/shared-resources.ts'; // prettier-ignore
import { type GaugeValue, Metrics } from './metrics.ts';
import { gaugeSharedResources } from './shared-metrics.ts';
import { storageMetricsOf } from './storage-metrics.ts';

const metrics = new Metrics();
/** Lines of the metric without its prefix, by what stands in their braces. */
async function values(name: string, of = metrics): Promise<Record<string, number>> {
  const lines = (await of.text()).split('\n').filter((line) => new RegExp(`^flowpact_${name}[{ ]`).test(line));
  return Object.fromEntries(
    lines.map((line) => [/\{(.*)\}/.exec(line)?.[1] ?? '', Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}
const buckets = async (name: string): Promise<string[]> =>
  Object.keys(await values(`${name}_bucket`)).map((labels) => /le="([^"]+)"/.exec(labels)![1]!);

test('requests, executions and steps are counted by what they are, in seconds', async () => {
  metrics.requestEnded('getWorkflow', 'GET', 200, 0.002);
  metrics.executionStarted();
  metrics.executionEnded('completed', 3_600);
  metrics.stepEnded('http.request', 'failed', 60);
  metrics.batchFailed('hook_uses', 'refused');
  expect(await values('http_request_duration_seconds_sum')).toEqual({
    'operation="getWorkflow",method="GET",status="200"': 0.002,
  });
  expect(await values('executions_started_total')).toEqual({ '': 1 });
  expect(await values('execution_duration_seconds_sum')).toEqual({ 'status="completed"': 3_600 });
  expect(await values('execution_step_duration_seconds_sum')).toEqual({ 'type="http.request",status="failed"': 60 });
  expect(await values('batch_failures_total')).toEqual({ 'batcher="hook_uses",kind="refused"': 1 });
  const seconds = ['0.002', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '30', '60'];
  expect(await buckets('http_request_duration_seconds')).toEqual([...seconds, '+Inf']);
  expect(await buckets('execution_step_duration_seconds')).toEqual([...seconds, '+Inf']);
  const long = ['0.01', '0.05', '0.1', '0.5', '1', '5', '30', '60', '300', '1800', '3600', '86400'];
  expect(await buckets('execution_duration_seconds')).toEqual([...long, '+Inf']);
});

test('event streams are counted while they are open', async () => {
  metrics.eventStreamOpened();
  metrics.eventStreamOpened();
  metrics.eventStreamClosed();
  expect(await values('event_streams')).toEqual({ '': 1 });
});

test('a gauge shows what is there when somebody asks, and nothing of before', async () => {
  let read: GaugeValue[] = [{ labels: { kind: 'a' }, value: 1 }];
  metrics.gauge('things', 'Things.', ['kind'], () => read);
  expect(await values('things')).toEqual({ 'kind="a"': 1 });
  read = [{ labels: { kind: 'b' }, value: 2 }];
  expect(await values('things')).toEqual({ 'kind="b"': 2 });
});

test('connections of a pool are idle, busy, or waited for', async () => {
  metrics.watchPool({ idleCount: 2, totalCount: 5, waitingCount: 4 } as never);
  metrics.watchPool({ idleCount: 1, totalCount: 1, waitingCount: 0 } as never, 'engine_connections');
  metrics.watchLiveConnections(() => 7);
  const states = { 'state="idle"': 2, 'state="busy"': 3, 'state="waiting"': 4 };
  expect(await values('database_connections')).toEqual(states);
  expect(await values('engine_connections')).toEqual({ 'state="idle"': 1, 'state="busy"': 0, 'state="waiting"': 0 });
  expect(await values('live_connections')).toEqual({ '': 7 });
});

test('storage is measured over all organisations', async () => {
  const storage = storageMetricsOf(metrics);
  expect(await values('organisations_without_storage')).toEqual({ '': 0 });
  storage.full(3);
  storage.corrected();
  storage.settlingFailed();
  storage.settlingFailed();
  expect(await values('organisations_without_storage')).toEqual({ '': 3 });
  expect(await values('storage_corrections_total')).toEqual({ '': 1 });
  expect(await values('storage_settling_failures_total')).toEqual({ '': 2 });
});

describe('what organisations share', () => {
  const kept = Object.entries(sharedResources).map(
    ([kind, map]) => [kind, new Map<string, never>(map as never)] as const,
  );
  const replace = (contents: readonly (readonly [string, ReadonlyMap<string, never>])[]): void => {
    for (const [kind, entries] of contents) {
      const map = sharedResources[kind as keyof typeof sharedResources] as Map<string, never>;
      map.clear();
      for (const [name, read] of entries) map.set(name, read);
    }
  };
  beforeEach(() => replace(kept.map(([kind]) => [kind, new Map<string, never>()])));
  afterEach(() => replace(kept));

  test('is measured by its name, times in seconds', async () => {
    watchBatcher('b', () => ({ items: 1, bytes: 2, oldestMs: 3_500 }));
    watchSlots('s', () => ({ taken: 4, waiting: 5, oldestMs: 6_500 }));
    watchCache('c', () => ({ entries: 7, evicted: 8 }));
    watchDue('d', () => ({ organisations: 9, oldestMs: 10_500 }));
    watchMemory('m', () => ({ held: 11, bound: 12, waiting: 13, oldestMs: 14_500 }));
    const seen: Record<string, unknown> = {};
    gaugeSharedResources({
      gauge: (name, _help, labelNames, read) => {
        for (const { labels = {}, value } of read()) {
          expect(Object.keys(labels)).toEqual(labelNames);
          seen[[name, ...Object.values(labels)].join(' ')] = value;
        }
      },
    });
    expect(seen).toEqual({
      'batch_items b': 1,
      'batch_bytes b': 2,
      'batch_oldest_seconds b': 3.5,
      'shared_slots s taken': 4,
      'shared_slots s waiting': 5,
      'shared_slots_oldest_wait_seconds s': 6.5,
      'cache_entries c': 7,
      'cache_evicted_entries c': 8,
      'due_organisations d': 9,
      'due_oldest_seconds d': 10.5,
      'memory_bytes m held': 11,
      'memory_bytes m bound': 12,
      'memory_waiting m': 13,
      'memory_oldest_wait_seconds m': 14.5,
    });
  });

  test('is among the metrics of every process', async () => {
    watchSlots('s', () => ({ taken: 4, waiting: 5, oldestMs: 0 }));
    expect(await values('shared_slots', new Metrics())).toEqual({
      'slots="s",state="taken"': 4,
      'slots="s",state="waiting"': 5,
    });
  });
});
