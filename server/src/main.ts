import { StartupError } from './platform/lifecycle/startup-error.ts';
import { Config } from './platform/config/config.ts';
import { Faults } from './platform/lifecycle/faults.ts';
import { onStopSignal } from './platform/lifecycle/signals.ts';
import { createLogger } from './platform/logging/logger.ts';
import { Metrics } from './platform/telemetry/metrics.ts';
import { startTracing } from './platform/telemetry/tracing.ts';
import { welcome } from './welcome.ts';

async function main(): Promise<void> {
  const config = Config.from(process.env);
  const logger = createLogger(config.settings);
  // Deprecations are for the developers of the libraries, not for who runs the server.
  process.removeAllListeners('warning');
  process.on('warning', (err) => logger[err.name === 'DeprecationWarning' ? 'debug' : 'warn']({ err }, 'Node warns'));
  const faults = new Faults(logger);
  const stopTracing = await startTracing(config.settings);
  // Imported only now, so that tracing sees the libraries being loaded.
  const { startServer } = await import('./start-server.ts');
  const starting = startServer(config, logger);
  onStopSignal(logger, config.settings.SHUTDOWN_TIMEOUT, async () => {
    await (await starting).close();
    await stopTracing();
  });
  const server = await starting;
  server.app
    .get(Metrics)
    .gauge('unhandled_rejections', 'Promises that were rejected and nobody listened to, since the start.', [], () => [
      { value: faults.unhandledRejections },
    ]);
  process.stdout.write(welcome(server, config));
}

main().catch((error: unknown) => {
  const text =
    error instanceof StartupError
      ? `${error.message}\n\n${error.remedy}`
      : `The server could not start.\n\n${error instanceof Error ? error.stack : error}`;
  process.stderr.write(`\n${text}\n\n`);
  process.exit(1);
});
