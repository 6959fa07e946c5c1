import { MikroORM } from '@mikro-orm/postgresql';
import { Global, Logger, Module } from '@nestjs/common';
import { ReadinessChecks } from '../../domain/readiness-checks.ts';
import { WorkerLoops } from '../../domain/worker-loops.ts';
import { Config, isWorker } from '../config/config.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { ProcessWorkerLoops } from './process-worker-loops.ts';
import { wakeChannel } from './wake-channel.ts';

const logger = new Logger('WorkerLoops');

/** Provides the loops of the process; the server starts them when everything else runs, and stops them first. */
@Global()
@Module({
  providers: [
    {
      provide: ProcessWorkerLoops,
      useFactory: (orm: MikroORM, config: Config, metrics: Metrics, readiness: ReadinessChecks) => {
        const failures = metrics.counter(
          'worker_loop_failures_total',
          'Rounds of work in the background that failed.',
          ['loop'],
        );
        const loops = new ProcessWorkerLoops({
          works: isWorker(config),
          warn: (message, error) => logger.warn({ err: error }, message),
          tellOthers: (name) => {
            const told = orm.em.getConnection().execute('select pg_notify(?, ?)', [wakeChannel, name]);
            told.catch((err: unknown) => logger.warn({ err, loop: name }, 'A loop could not be woken elsewhere.'));
          },
          failed: (loop) => failures.inc({ loop }),
        });
        metrics.gauge(
          'worker_loop_failing_seconds',
          'For how long all rounds of work in the background have failed; 0 while they do not.',
          ['loop'],
          () => loops.failing().map(({ name: loop, forMs }) => ({ labels: { loop }, value: forMs / 1_000 })),
        );
        metrics.gauge(
          'worker_loop_round_seconds',
          'For how long the present round of work in the background has been under way; 0 between two rounds.',
          ['loop'],
          () => loops.underWay().map(({ name: loop, forMs }) => ({ labels: { loop }, value: forMs / 1_000 })),
        );
        readiness.add('worker_loops', () => loops.problem());
        return loops;
      },
      inject: [MikroORM, Config, Metrics, ReadinessChecks],
    },
    { provide: WorkerLoops, useExisting: ProcessWorkerLoops },
  ],
  exports: [WorkerLoops, ProcessWorkerLoops],
})
export class WorkerLoopsModule {}
