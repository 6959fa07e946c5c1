import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/postgresql';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Engine } from '../../domain/execution/engine.ts';
import { ReadinessChecks } from '../../domain/readiness-checks.ts';
import { Lifecycle } from '../lifecycle/lifecycle.ts';
import { NotReadyError } from './not-ready.error.ts';

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

/** One thing that the server depends on. */
export interface HealthComponent {
  name: string;
  status: HealthStatus;
  /** How long its answer took, in milliseconds; null without one. */
  latencyMs: number | null;
  message?: string;
}

export interface Health {
  status: HealthStatus;
  uptimeSeconds: number;
  components: HealthComponent[];
}

/** How long a part may take to answer before it counts as away. */
const patienceMs = 2_000;
const readOnly = 'It is read-only.';
/** A database that answers slower than this, or an event loop that lags more, is degraded. */
const slowMs = { database: 250, engine: 500, eventLoop: 100 };

/** Asks the parts that the server depends on how they are. */
@Injectable()
export class HealthService implements OnApplicationShutdown {
  private readonly delay = monitorEventLoopDelay({ resolution: 10 });

  constructor(
    private readonly orm: MikroORM,
    private readonly engine: Engine,
    private readonly lifecycle: Lifecycle,
    private readonly checks: ReadinessChecks,
  ) {
    this.delay.enable();
  }

  onApplicationShutdown(): void {
    this.delay.disable();
  }

  /** Every part with its latency; the whole is as bad as its worst part. */
  async check(): Promise<Health> {
    const asked = await Promise.all([this.database(), this.runs(), this.eventLoop()]);
    const components = [...asked, ...this.checked()];
    const status =
      (['unhealthy', 'degraded'] as const).find((bad) => components.some((component) => component.status === bad)) ??
      'healthy';
    return { status, uptimeSeconds: (Date.now() - this.lifecycle.startedAt.getTime()) / 1_000, components };
  }

  /**
   * Throws NotReadyError unless this process should be sent requests: started, not stopping, its database answers, and no
   * part of it stands still.
   */
  async assertReady(): Promise<void> {
    if (this.lifecycle.state !== 'ready') throw new NotReadyError(`it is ${this.lifecycle.state}`);
    const { status, message } = await this.database();
    if (status === 'unhealthy')
      throw new NotReadyError(message === readOnly ? 'its database is read-only' : 'its database does not answer');
    const problem = this.checks.results().find((result) => result.problem !== undefined)?.problem;
    if (problem !== undefined) throw new NotReadyError(problem);
  }

  private checked(): HealthComponent[] {
    return this.checks.results().map(({ name, problem }) => {
      const status = problem === undefined ? 'healthy' : 'unhealthy';
      return { name, status, latencyMs: null, ...(problem !== undefined && { message: problem }) };
    });
  }

  private database(): Promise<HealthComponent> {
    return measure('database', slowMs.database, async () => {
      const sql = `select current_setting('transaction_read_only') as read_only`;
      const [row] = await this.orm.em.getConnection().execute<{ read_only: string }[]>(sql);
      if (row?.read_only === 'on') throw new Unwell(readOnly);
      return undefined;
    });
  }

  private runs(): Promise<HealthComponent> {
    return measure('engine', slowMs.engine, async () => {
      const { ok, detail, running, queued } = await this.engine.health();
      if (!ok) throw new Unwell(detail ?? 'It takes no work now.');
      return queued > 0 ? `${running} executions are at work in this process, ${queued} wait.` : undefined;
    });
  }

  /** The 99th percentile since the last question; the timer's own 10 ms are taken off. */
  private async eventLoop(): Promise<HealthComponent> {
    const lag = Math.max(0, this.delay.percentile(99) / 1e6 - 10);
    this.delay.reset();
    const late = Number.isFinite(lag) && lag > slowMs.eventLoop;
    return { name: 'event_loop', status: late ? 'degraded' : 'healthy', latencyMs: rounded(lag) };
  }
}

/** Says what is wrong in words that everybody may read. */
class Unwell extends Error {}

/** `ask` may say something about a part that is well. */
async function measure(name: string, slow: number, ask: () => Promise<string | undefined>): Promise<HealthComponent> {
  const began = performance.now();
  const late = sleep(patienceMs, undefined, { ref: false }).then(() => {
    throw new Unwell(`It did not answer within ${patienceMs} ms.`);
  });
  try {
    const message = await Promise.race([ask(), late]);
    const latencyMs = rounded(performance.now() - began);
    return { name, status: latencyMs > slow ? 'degraded' : 'healthy', latencyMs, ...(message && { message }) };
  } catch (error) {
    const message = error instanceof Unwell ? error.message : 'It cannot be reached.';
    return { name, status: 'unhealthy', latencyMs: null, message };
  } finally {
    late.catch(() => undefined);
  }
}

function rounded(milliseconds: number): number {
  return Number.isFinite(milliseconds) ? Math.round(milliseconds * 100) / 100 : 0;
}
