import { availableParallelism } from 'node:os';
import type { OnApplicationShutdown } from '@nestjs/common';
import {
  Sandbox,
  type SandboxOutcome,
  type SandboxRunOptions,
  type SandboxTask,
  type SandboxTaskKind,
} from '../../domain/language/sandbox.ts';
import { type Plan, sandboxShares } from '../../domain/organisation/plan.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { KnownPlans } from './known-plans.ts';
import { ThreadPool } from './thread-pool.ts';

/** Threads beyond those that run at once, for organisations whose turn comes while others are at work. */
const spareThreads = 6;

/** What the sandbox shares its threads by, and tells of it. */
export interface QuickJsSandboxOptions {
  /** Without it every organisation has the smallest plan. */
  readonly planOf?: (organisationId: string) => Promise<Plan>;
  readonly metrics?: Metrics;
}

/**
 * The sandbox on QuickJS in threads that can be ended. Each kind of task has threads of its own, so that none delays another,
 * and organisations take turns in each.
 */
export class QuickJsSandbox extends Sandbox implements OnApplicationShutdown {
  readonly #pools: Readonly<Record<SandboxTaskKind, ThreadPool>>;

  constructor({ planOf = async () => 'free', metrics }: QuickJsSandboxOptions = {}) {
    super();
    const plans = new KnownPlans(planOf);
    const waitingOf = (organisationId: string): number => sandboxShares[plans.of(organisationId)].waiting;
    const programsOf = (organisationId: string): number => sandboxShares[plans.of(organisationId)].programs;
    const cores = Math.min(4, Math.max(1, availableParallelism() - 1));
    const own = { entry: 'worker', canPause: true, capacity: cores + spareThreads, waitingOf } as const;
    // They cannot pause, so there are few of them; each stops at its limit.
    const documents = { entry: 'document-worker', canPause: false, width: 1, threadsOf: () => 1, waitingOf } as const;
    this.#pools = {
      expression: new ThreadPool({ ...own, width: cores, depth: 32, threadsOf: () => cores }),
      program: new ThreadPool({ ...own, width: Math.max(2, cores), depth: 1, threadsOf: programsOf }),
      schema: new ThreadPool({ ...documents, capacity: 4, depth: 32 }),
      yaml: new ThreadPool({ ...documents, capacity: 2, depth: 1 }),
    };
    if (metrics) this.#watch(metrics);
  }

  override run(tasks: readonly SandboxTask[], options: SandboxRunOptions = {}): Promise<SandboxOutcome[]> {
    return Promise.all(tasks.map((task) => this.#pools[task.kind].run(task, options)));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Ends all threads; what has not been answered fails as `unavailable`. */
  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.stop()));
  }

  #watch(metrics: Metrics): void {
    const pools = Object.entries(this.#pools);
    metrics.gauge(
      'sandbox_tasks',
      'Expressions, programs, checks against schemas and YAML that wait for the sandbox, run in it or pause for others.',
      ['kind', 'state'],
      () =>
        pools.flatMap(([kind, pool]) => {
          const { waiting, running, paused } = pool.load();
          const states = Object.entries({ waiting, running, paused });
          return states.map(([state, value]) => ({ labels: { kind, state }, value }));
        }),
    );
    metrics.gauge(
      'sandbox_oldest_wait_seconds',
      'For how long the oldest of the tasks that wait for the sandbox has waited.',
      ['kind'],
      () => pools.map(([kind, pool]) => ({ labels: { kind }, value: pool.load().oldestMs / 1_000 })),
    );
    metrics.gauge(
      'sandbox_refused_tasks',
      'Tasks of requests that were refused because no turn came in time, since the start of the process.',
      ['kind'],
      () => pools.map(([kind, pool]) => ({ labels: { kind }, value: pool.refused })),
    );
  }
}
