import type { Pool } from 'pg';
import { gaugeSharedResources } from './shared-metrics.ts';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const secondsOfRequests = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const secondsOfExecutions = [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 1_800, 3_600, 86_400];

/** One value of a gauge. */
export interface GaugeValue {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What one server process measures, in the text format of Prometheus; injected by this class. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = this.histogram(
    'http_request_duration_seconds',
    'Time from the first byte of a request to the end of its answer.',
    ['operation', 'method', 'status'],
    secondsOfRequests,
  );
  private readonly executionsStarted = this.counter('executions_started_total', 'Executions accepted.', []);
  private readonly executions = this.histogram(
    'execution_duration_seconds',
    'Time from the acceptance of an execution to its end.',
    ['status'],
    secondsOfExecutions,
  );
  private readonly steps = this.histogram(
    'execution_step_duration_seconds',
    'Time that one step of an execution took.',
    ['type', 'status'],
    secondsOfRequests,
  );
  private readonly batchFailures = this.counter(
    'batch_failures_total',
    'Statements that gather work of several organisations and failed: passing is tried again, refused was the failure of one item.',
    ['batcher', 'kind'],
  );
  private readonly eventStreams = new Gauge({
    name: 'flowpact_event_streams',
    help: 'Event streams (Server-Sent Events) that are open.',
    registers: [this.registry],
  });

  /** Everything of the process itself as well: CPU, memory, event-loop lag, garbage collection. */
  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'flowpact_' });
    gaugeSharedResources(this);
  }

  /** `operation` is the operationId, or `none` for a path that the contract does not have. */
  requestEnded(operation: string, method: string, status: number, seconds: number): void {
    this.requests.observe({ operation, method, status: String(status) }, seconds);
  }

  eventStreamOpened(): void {
    this.eventStreams.inc();
  }

  eventStreamClosed(): void {
    this.eventStreams.dec();
  }

  executionStarted(): void {
    this.executionsStarted.inc();
  }

  executionEnded(status: string, seconds: number): void {
    this.executions.observe({ status }, seconds);
  }

  stepEnded(type: string, status: string, seconds: number): void {
    this.steps.observe({ type, status }, seconds);
  }

  batchFailed(batcher: string, kind: 'passing' | 'refused'): void {
    this.batchFailures.inc({ batcher, kind });
  }

  /** Reports the connections of a pool: in all, idle, and requests that wait for one. */
  watchPool(pool: Pool, name: 'database_connections' | 'engine_connections' = 'database_connections'): void {
    this.gauge(name, 'Connections of the database pool, and requests that wait for one.', ['state'], () => [
      { labels: { state: 'idle' }, value: pool.idleCount },
      { labels: { state: 'busy' }, value: pool.totalCount - pool.idleCount },
      { labels: { state: 'waiting' }, value: pool.waitingCount },
    ]);
  }

  /** Reports how many WebSockets are open. */
  watchLiveConnections(count: () => number): void {
    this.gauge('live_connections', 'WebSocket connections that are open.', [], () => [{ value: count() }]);
  }

  /** A value that is read whenever somebody asks for the metrics. Labels have few values: no ids. */
  gauge(name: string, help: string, labelNames: readonly string[], read: () => readonly GaugeValue[]): void {
    const gauge: Gauge = new Gauge({
      name: `flowpact_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        gauge.reset();
        for (const { labels = {}, value } of read()) gauge.set(labels, value);
      },
    });
  }

  /** Something that is counted from the start of the process on. Labels have few values: no ids. */
  counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({ name: `flowpact_${name}`, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  private histogram(name: string, help: string, labelNames: string[], buckets: number[]): Histogram {
    return new Histogram({ name: `flowpact_${name}`, help, labelNames, buckets, registers: [this.registry] });
  }
}
