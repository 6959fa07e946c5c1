import type { ModuleMetadata } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication } from './application.ts';
import { OrganisationService, type CreatedOrganisation } from './domain/organisation/organisation.service.ts';
import { firstStartFile, keepFirstStart } from './first-start.ts';
import { type Config, servesApi } from './platform/config/config.ts';
import { readOrCreateSecret } from './platform/config/secret.ts';
import { assertMasterKeys } from './platform/crypto/assert-master-keys.ts';
import type { MasterKey } from './platform/crypto/master-keys.ts';
import { readMasterKeys } from './platform/crypto/read-master-keys.ts';
import { assertDatabaseUsable } from './platform/database/connection.ts';
import { startEmbeddedPostgres } from './platform/database/embedded-postgres.ts';
import { migrate } from './platform/database/migrate.ts';
import { createOrm } from './platform/database/orm.ts';
import { Lifecycle } from './platform/lifecycle/lifecycle.ts';
import { assertPortFree, cannotListen } from './platform/lifecycle/port.ts';
import type { Logger } from './platform/logging/logger.ts';
import type { PlatformParts } from './platform/platform.module.ts';
import { listenForMetrics } from './platform/telemetry/metrics-listener.ts';
import { Metrics } from './platform/telemetry/metrics.ts';
import { ProcessWorkerLoops } from './platform/worker-loops/process-worker-loops.ts';

/** A server that listens. */
export interface RunningServer {
  app: NestFastifyApplication;
  port: number;
  /** Where to reach it from this machine. */
  url: string;
  /** Where metrics are served apart from the API; undefined without a METRICS_PORT. */
  metricsUrl: string | undefined;
  /** The folder with the database; undefined with a DATABASE_URL. */
  databaseFolder: string | undefined;
  /** Set when this start made the first organisation. */
  firstStart: FirstStart | undefined;
  /** Finishes requests and steps in progress, then stops everything that this start started. Safe to call twice. */
  close(): Promise<void>;
}

/** The first organisation: its secrets can be read only now. */
export interface FirstStart {
  made: CreatedOrganisation;
  /** Holds the secrets when they are not to be printed. */
  file: string | undefined;
}

/** Things to undo when the server stops, or when it cannot start after all; the last first. */
class Undo {
  private readonly steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.steps.push(step);
  }

  async all(): Promise<void> {
    for (let step = this.steps.pop(); step; step = this.steps.pop()) await step();
  }
}

/** Starts the database if it has to, migrates it, and serves. Throws StartupError for what the operator can put right. */
export async function startServer(
  config: Config,
  logger: Logger,
  more: ModuleMetadata['imports'] = [],
): Promise<RunningServer> {
  const { HOST, PORT, FLOWPACT_DATA_DIR } = config.settings;
  await assertPortFree(HOST, PORT);
  const undo = new Undo();
  try {
    const { url: DATABASE_URL, store: databaseFolder } = await openDatabase(config, undo, logger);
    const FLOWPACT_MASTER_KEYS = readMasterKeys(config.settings);
    await runMigrations(DATABASE_URL, logger, FLOWPACT_MASTER_KEYS);
    const AUTH_SECRET = config.settings.AUTH_SECRET ?? readOrCreateSecret(FLOWPACT_DATA_DIR, 'auth.secret');
    const lifecycle = new Lifecycle();
    const parts = {
      config: config.with({ DATABASE_URL, AUTH_SECRET, FLOWPACT_MASTER_KEYS }),
      logger,
      metrics: new Metrics(),
      lifecycle,
    };
    const metricsUrl = await serveMetrics(parts, undo);
    const app = await createApplication(parts, more);
    undo.add(() => closeWithin(config.settings.SHUTDOWN_TIMEOUT, app));
    undo.add(async () => lifecycle.draining());
    const port = await listen(app, HOST, PORT);
    parts.config.listensOn(port);
    const firstStart = servesApi(config) ? await makeFirstOrganisation(app, config, logger) : undefined;
    lifecycle.ready();
    const loops = app.get(ProcessWorkerLoops);
    undo.add(() => loops.stop());
    loops.start();
    let closed: Promise<void> | undefined;
    const url = `http://localhost:${port}`;
    return { app, port, url, metricsUrl, databaseFolder, firstStart, close: () => (closed ??= undo.all()) };
  } catch (error) {
    await undo.all();
    throw error;
  }
}

/** As the last step that can fail, so that secrets are not made for a server that then does not start. */
async function makeFirstOrganisation(
  app: NestFastifyApplication,
  { settings }: Config,
  logger: Logger,
): Promise<FirstStart | undefined> {
  const file = firstStartFile(settings, process.stdout.isTTY);
  const made = await app
    .get(OrganisationService)
    .bootstrap(
      { adminEmail: settings.FLOWPACT_ADMIN_EMAIL, adminPassword: settings.FLOWPACT_ADMIN_PASSWORD },
      (secrets) => file !== undefined && keepFirstStart(file, secrets),
    );
  if (!made) return undefined;
  logger.info({ organisation_id: made.organisation.id, file }, 'First start: an organisation was made');
  return { made, file };
}

/** Before the application, so that a port that is taken is said before anything is begun. */
async function serveMetrics({ config, metrics }: PlatformParts, undo: Undo): Promise<string | undefined> {
  const { METRICS_HOST, METRICS_PORT, METRICS_TOKEN } = config.settings;
  if (METRICS_PORT === undefined) return undefined;
  const listener = await listenForMetrics({ host: METRICS_HOST, port: METRICS_PORT, token: METRICS_TOKEN, metrics });
  undo.add(() => listener.close());
  return `http://localhost:${listener.port}/metrics`;
}

/** Requests get that many seconds to finish; what is open then is cut off. */
async function closeWithin(seconds: number, app: NestFastifyApplication): Promise<void> {
  const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), seconds * 1_000);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

async function openDatabase(
  { settings }: Config,
  undo: Undo,
  logger: Logger,
): Promise<{ url: string; store?: string }> {
  if (settings.DATABASE_URL !== undefined) {
    await assertDatabaseUsable(settings.DATABASE_URL);
    return { url: settings.DATABASE_URL };
  }
  const supervisor = {
    warn: (message: string) => logger.warn({ component: 'Database' }, message),
    giveUp: (message: string) => {
      logger.fatal({ component: 'Database' }, message);
      process.exit(1);
    },
  };
  const dataDir = settings.FLOWPACT_DATA_DIR;
  const postgres = await startEmbeddedPostgres({ dataDir, database: 'flowpact', supervisor });
  undo.add(() => postgres.stop());
  return postgres;
}

/** On connections of their own: the application's ORM starts with the schema it expects. */
async function runMigrations(url: string, logger: Logger, keys: readonly MasterKey[]): Promise<void> {
  const orm = await createOrm({ url, poolSize: 2 });
  try {
    const applied = await migrate(orm, url);
    if (applied.length > 0) logger.info({ component: 'Database', migrations: applied }, 'Migrations applied');
    await assertMasterKeys(orm, keys);
  } finally {
    await orm.close();
  }
}

async function listen(app: NestFastifyApplication, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw cannotListen(host, port, cause);
  }
  const address = app.getHttpServer().address();
  return typeof address === 'object' && address ? address.port : port;
}
