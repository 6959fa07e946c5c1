import type { Socket } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ModuleMetadata } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { contract } from '#generated/platform/index.ts';
import { document as asyncapi } from '#generated/platform-live/index.ts';
import { RequestFailure } from '#runtime/nest/index.ts';
import { AppModule } from './app.module.ts';
import { servesApi } from './platform/config/config.ts';
import { installAsyncDocs, installDocs } from './platform/http/docs.ts';
import { boundedServers } from './platform/http/http-server.ts';
import { installRequestLog } from './platform/http/request-log.ts';
import { installSecurity } from './platform/http/security.ts';
import { warnOfUntrustedProxy } from './platform/http/untrusted-proxy.ts';
import type { Lifecycle } from './platform/lifecycle/lifecycle.ts';
import { NestLogger } from './platform/logging/nest-logger.ts';
import type { PlatformParts } from './platform/platform.module.ts';
import { installMetricsRoute } from './platform/telemetry/metrics-route.ts';
import { installTracing } from './platform/telemetry/tracing.ts';

/** The Nest application, initialised and with its engine running, not listening yet. */
export async function createApplication(
  parts: PlatformParts,
  more: ModuleMetadata['imports'] = [],
): Promise<NestFastifyApplication> {
  const { config, logger, metrics, lifecycle } = parts;
  const { settings } = config;
  const adapter = new FastifyAdapter({
    bodyLimit: settings.BODY_LIMIT,
    serverFactory: boundedServers(settings, metrics),
    trustProxy: trustProxy(settings.TRUST_PROXY),
    // A request on a kept-alive connection that arrives while the server drains is still answered properly.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512 },
  });
  const server = adapter.getInstance();
  await installSecurity(server, { origins: settings.CORS_ORIGINS, https: config.publicUrl().startsWith('https:') });
  if (settings.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined) installTracing(server);
  closeConnectionsWhileDraining(server, lifecycle);
  installRequestLog(server, logger, metrics);
  if (settings.TRUST_PROXY === false) warnOfUntrustedProxy(server, logger);
  installMetricsRoute(server, metrics, settings);
  if (!servesApi(config)) serveMonitoringOnly(server);
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.forRoot(parts, more), adapter, {
    logger: new NestLogger(logger),
    abortOnError: false,
    bufferLogs: false,
  });
  installDocs(app, contract.document);
  installAsyncDocs(server, asyncapi);
  await app.init();
  await server.ready();
  return app;
}

/** A worker tells how it is, and has nothing else. */
function serveMonitoringOnly(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    const path = request.url.split('?', 1)[0]!;
    if (/^\/(health\/|metrics$|v1\/monitoring\/health$)/.test(path)) done();
    else done(new RequestFailure('not_found', 'This process runs executions; ask one that serves the API.'));
  });
}

/** Connections that stay open without a request would keep the server from stopping. */
function closeConnectionsWhileDraining(server: FastifyInstance, lifecycle: Lifecycle): void {
  const sockets = new Set<Socket>();
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (lifecycle.state === 'draining') reply.header('Connection', 'close');
    done(null, payload);
  });
  // Clients connect ahead of need; Node does not count a connection as idle before its first request.
  server.addHook('preClose', (done) => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    done();
  });
}

/** A number is how many proxies stand between the client and this server. */
function trustProxy(
  setting: boolean | number | string[],
): boolean | string[] | ((address: string, hop: number) => boolean) {
  return typeof setting === 'number' ? (_address, hop) => hop < setting : setting;
}
