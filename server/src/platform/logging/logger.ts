import { pino, type DestinationStream, type Logger } from 'pino';
import pinoPretty from 'pino-pretty';
import { loggedError } from './logged-error.ts';
import { redactedPaths, withoutSecrets } from './redaction.ts';

export type { Logger } from 'pino';

/** What the log needs of the configuration. */
export interface LogSettings {
  LOG_LEVEL: string;
  LOG_FORMAT: 'auto' | 'pretty' | 'json';
}

/**
 * The process's structured log. It goes to standard error, so that standard output holds only what the server tells the
 * person who started it. Secrets are removed by property name and, in what is left, by their shape.
 */
export function createLogger({ LOG_LEVEL, LOG_FORMAT }: LogSettings, destination?: DestinationStream): Logger {
  const options = {
    level: LOG_LEVEL,
    base: null,
    redact: { paths: redactedPaths, censor: '[redacted]' },
    hooks: { streamWrite: withoutSecrets },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: loggedError },
  };
  if (destination) return pino(options, destination);
  const pretty = LOG_FORMAT === 'pretty' || (LOG_FORMAT === 'auto' && process.stderr.isTTY);
  if (!pretty) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(
    options,
    pinoPretty({
      destination: 2,
      sync: true,
      colorize: process.stderr.isTTY,
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss.l',
    }),
  );
}
