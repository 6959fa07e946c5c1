import { Global, Logger, Module } from '@nestjs/common';
import { LiveChannel } from '../../domain/execution/live-channel.ts';
import { Config } from '../config/config.ts';
import { PostgresLiveChannel } from './postgres-live-channel.ts';

const logger = new Logger('Live');

/** Provides the channel that live events come over; the execution module starts and stops it. */
@Global()
@Module({
  providers: [
    {
      provide: LiveChannel,
      useFactory: ({ settings }: Config) =>
        new PostgresLiveChannel(settings.DATABASE_URL!, {
          warn: (message, error) => logger.warn({ err: error }, message),
        }),
      inject: [Config],
    },
  ],
  exports: [LiveChannel],
})
export class LiveModule {}
