import type { Logger } from '../logging/logger.ts';

/**
 * What nobody has caught. A promise that was rejected without a handler belongs to one piece of work, whose own time limit,
 * retry or sweep deals with it: it is logged and counted, and the process goes on with the work of everybody else. After
 * an exception that nobody caught, code was left half done, and what it holds in memory may be wrong: the process logs it and
 * exits 1. Others take its executions over, or the next start does.
 */
export class Faults {
  /** Promises that were rejected and nobody listened to, since the start of the process. */
  unhandledRejections = 0;

  constructor(logger: Logger) {
    process.on('unhandledRejection', (err) => {
      this.unhandledRejections += 1;
      logger.error({ err }, 'A promise was rejected and nobody listened. The process goes on; please report this.');
    });
    process.on('uncaughtException', (err) => {
      logger.fatal({ err }, 'An exception was not caught. The process stops, since its state may be wrong.');
      process.exit(1);
    });
  }
}
