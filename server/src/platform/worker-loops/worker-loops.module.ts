import { MikroORM } from '@mikro-orm/postgresql';
import { Global, Logger, Module } from '@nestjs/common';
import { WorkerLoops } from '../../domain/worker-loops.ts';
import { Config, isWorker } from '../config/config.ts';
import { ProcessWorkerLoops } from './process-worker-loops.ts';
import { wakeChannel } from './wake-channel.ts';

const logger = new Logger('WorkerLoops');

/** Provides the loops of the process; the server starts them when everything else runs, and stops them first. */
@Global()
@Module({
  providers: [
    {
      provide: ProcessWorkerLoops,
      useFactory: (orm: MikroORM, config: Config) =>
        new ProcessWorkerLoops({
          works: isWorker(config),
          warn: (message, error) => logger.warn({ err: error }, message),
          tellOthers: (name) => {
            const told = orm.em.getConnection().execute('select pg_notify(?, ?)', [wakeChannel, name]);
            told.catch((err: unknown) => logger.warn({ err, loop: name }, 'A loop could not be woken elsewhere.'));
          },
        }),
      inject: [MikroORM, Config],
    },
    { provide: WorkerLoops, useExisting: ProcessWorkerLoops },
  ],
  exports: [WorkerLoops, ProcessWorkerLoops],
})
export class WorkerLoopsModule {}
