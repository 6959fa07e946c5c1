import type { Logger } from '../logging/logger.ts';

/** npm passes Ctrl-C on to a server that the terminal has told already: two signals this close together are one. */
const sameKeystroke = 500;

/** Ctrl-C, what process supervisors send, and a terminal that was closed. */
const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * On a stop signal runs `stop` and exits 0. A second signal, or `graceSeconds` and a little for closing, exits 1 at once.
 */
export function onStopSignal(logger: Logger, graceSeconds: number, stop: () => Promise<void>): void {
  let since: number | undefined;
  const handle = (signal: NodeJS.Signals): void => {
    if (since !== undefined) {
      if (Date.now() - since > sameKeystroke) exitNow(logger, 'Stopped at once by a second signal');
      return;
    }
    since = Date.now();
    logger.info({ signal }, 'Stopping: finishing what is in progress. Press Ctrl-C again to stop at once.');
    setTimeout(() => exitNow(logger, 'Stopped before everything was finished'), (graceSeconds + 10) * 1_000).unref();
    stop().then(
      () => {
        logger.info('Stopped');
        process.exit(0);
      },
      (err: unknown) => {
        logger.error({ err }, 'Stopping failed');
        process.exit(1);
      },
    );
  };
  for (const name of stopSignals) process.on(name, handle);
}

function exitNow(logger: Logger, message: string): never {
  logger.warn(message);
  process.exit(1);
}
