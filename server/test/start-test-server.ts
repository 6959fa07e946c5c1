import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Module,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  type ModuleMetadata,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { Client, type QueryResultRow } from 'pg';
import { OrganisationService, type CreatedOrganisation } from '../src/domain/organisation/organisation.service.ts';
import type { Plan } from '../src/domain/organisation/plan.ts';
import { Config, type Settings } from '../src/platform/config/config.ts';
import { createLogger } from '../src/platform/logging/logger.ts';
import { startServer } from '../src/start-server.ts';
import { testMasterKeys } from './master-keys.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { TcpGate } from './tcp-gate.ts';

export interface TestServerOptions {
  /** Settings other than those of the tests. */
  settings?: Partial<Settings>;
  /** Called by a guard of the whole application before every handler; what it throws is a crash in the application. */
  guard?: (request: FastifyRequest) => void;
  /** Nest modules in addition, for example one with a guard that fails. */
  modules?: ModuleMetadata['imports'];
  /** The database to use instead of a fresh one; it is left as it is, so that several servers can share it. */
  database?: TestDatabase;
}

/** An organisation, its administrator, and a key for everything. */
export interface TestOrganisation {
  organisationId: string;
  email: string;
  password: string;
  apiKey: string;
}

/** A real server in this process, on a port and a database of its own. */
export interface TestServer {
  url: string;
  app: NestFastifyApplication;
  database: TestDatabase;
  /** The first organisation of a fresh database, a new one of a shared database. */
  admin: TestOrganisation;
  /** A second tenant. */
  createOrganisation(plan?: Plan): Promise<TestOrganisation>;
  /** Asks the database directly, also while the server is cut off from it. */
  sql<Row extends QueryResultRow>(text: string, parameters?: unknown[]): Promise<Row[]>;
  /** Holds a lock, for example `lock table api_key in access exclusive mode`, until what it resolves to is called. */
  holdLock(statement: string): Promise<() => Promise<void>>;
  /** Breaks the server's connections to its database and refuses new ones until `restoreDatabase`. */
  cutDatabase(): Promise<void>;
  restoreDatabase(): Promise<void>;
  /** What the server has logged, parsed. */
  logs: Record<string, unknown>[];
  /** What the server measures, from its port of metrics. */
  metrics(): Promise<string>;
  close(): Promise<void>;
}

/** Starts the whole server with strict response validation, listening on a free port. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = options.database ?? (await createTestDatabase());
  const target = new URL(database.url);
  const gate = new TcpGate({ host: target.hostname, port: Number(target.port) });
  await gate.open();
  const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-test-server-'));
  const config = Config.from({
    PORT: '0',
    DATABASE_URL: through(gate, database.url),
    DATABASE_POOL_SIZE: '20',
    FLOWPACT_DATA_DIR: dataDir,
    FLOWPACT_MASTER_KEYS: testMasterKeys,
    OUTGOING_ALLOWED_HOSTS: '127.0.0.1:9',
    RESPONSE_VALIDATION: 'throw',
    SHUTDOWN_TIMEOUT: '2',
    METRICS_PORT: '0',
    // Nobody listens there.
    SMTP_URL: 'smtp://127.0.0.1:9?security=none',
    MAIL_FROM: 'Flowpact <no-reply@flowpact.test>',
  }).with(options.settings ?? {});
  const logs: Record<string, unknown>[] = [];
  const logger = createLogger(config.settings, { write: (line) => void logs.push(JSON.parse(line)) });
  const server = await startServer(config, logger, [...(options.modules ?? []), guardModule(options.guard)]);
  const organisations = server.app.get(OrganisationService);
  const createOrganisation = async (plan?: Plan): Promise<TestOrganisation> => {
    number += 1;
    return toTestOrganisation(
      await organisations.create({
        organisationName: `Tenant ${number}`,
        adminEmail: `admin${number}@tenant.example`,
        plan,
      }),
    );
  };
  return {
    url: server.url,
    app: server.app,
    database,
    admin: server.firstStart ? toTestOrganisation(server.firstStart.made) : await createOrganisation(),
    createOrganisation,
    sql: (text, parameters) => query(database.url, text, parameters),
    holdLock: (statement) => holdLock(database.url, statement),
    cutDatabase: () => gate.shut(),
    restoreDatabase: () => gate.open(),
    logs,
    metrics: async () => (await fetch(String(server.metricsUrl))).text(),
    close: async () => {
      await server.close();
      await gate.shut();
      if (!options.database) await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Makes email addresses unique over all servers of this test file. */
let number = Math.floor(Math.random() * 1e9);

function toTestOrganisation({
  organisation,
  admin,
  adminPassword,
  apiKeySecret,
}: CreatedOrganisation): TestOrganisation {
  return { organisationId: organisation.id, email: admin.email, password: adminPassword, apiKey: apiKeySecret };
}

@Module({})
class GuardModule {}

function guardModule(guard: TestServerOptions['guard']): DynamicModule {
  const canActivate = (context: ExecutionContext): boolean => {
    guard?.(context.switchToHttp().getRequest<FastifyRequest>());
    return true;
  };
  return {
    module: GuardModule,
    providers: guard ? [{ provide: APP_GUARD, useValue: { canActivate } satisfies CanActivate }] : [],
  };
}

function through(gate: TcpGate, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(gate.port);
  return url.href;
}

async function query<Row extends QueryResultRow>(
  url: string,
  text: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, parameters)).rows;
  } finally {
    await client.end();
  }
}

async function holdLock(url: string, statement: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('begin');
  await client.query(statement);
  return () => client.end();
}
