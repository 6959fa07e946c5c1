import { MikroORM } from '@mikro-orm/postgresql';
import { Global, Logger, Module } from '@nestjs/common';
import { Engine } from '../../domain/execution/engine.ts';
import { Config } from '../config/config.ts';
import { DbosEngine } from './dbos-engine.ts';

const logger = new Logger('Engine');

/** Provides the engine; the execution module starts and stops it. */
@Global()
@Module({
  providers: [
    {
      provide: Engine,
      useFactory: (orm: MikroORM, { settings }: Config) =>
        new DbosEngine({
          orm,
          url: settings.DATABASE_URL!,
          poolSize: settings.DATABASE_POOL_SIZE,
          grace: settings.SHUTDOWN_TIMEOUT * 1_000,
          log: {
            debug: (message) => logger.debug(message),
            warn: (message, error) => logger.warn({ err: error }, message),
            error: (message, error) => logger.error({ err: error }, message),
          },
        }),
      inject: [MikroORM, Config],
    },
  ],
  exports: [Engine],
})
export class EngineModule {}
