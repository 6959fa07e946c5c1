import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { findContext } from '#runtime/nest/index.ts';
import type { Caller } from '../../domain/caller.ts';
import type { Logger } from '../logging/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { traceIdOf } from '../telemetry/tracing.ts';
import { ownOperation } from './own-operation.ts';
import { pathOf } from './path-of.ts';

/** Routes whose success is asked for every few seconds by machines and is not worth a line. */
const quiet = new Set(['getLiveness', 'getReadiness', '/metrics']);

/** Writes one line and one measurement for every request when its answer is complete, and counts open event streams. */
export function installRequestLog(server: FastifyInstance, logger: Logger, metrics: Metrics): void {
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (isEventStream(reply) && !reply.raw.destroyed) {
      metrics.eventStreamOpened();
      reply.raw.once('close', () => metrics.eventStreamClosed());
    }
    done(null, payload);
  });
  server.addHook('onResponse', (request, reply, done) => {
    const operation = ownOperation(request)?.id;
    metrics.requestEnded(
      operation ?? outsideContract(request),
      request.method,
      reply.statusCode,
      reply.elapsedTime / 1_000,
    );
    logger[levelOf(request, reply, operation)](
      describe(request, reply, operation),
      `${request.method} ${pathOf(request)} ${reply.statusCode}`,
    );
    done();
  });
}

function isEventStream(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/event-stream');
}

/** The template of a route such as /docs, so that a stranger's paths cannot make endless time series. */
function outsideContract(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'none';
}

function levelOf(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: string | undefined,
): 'error' | 'info' | 'debug' {
  if (reply.statusCode >= 500) return 'error';
  return reply.statusCode < 400 && quiet.has(operation ?? outsideContract(request)) ? 'debug' : 'info';
}

function describe(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: string | undefined,
): Record<string, unknown> {
  const caller = findContext(request)?.principal as Caller | undefined;
  return {
    request_id: request.id,
    operation,
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime * 100) / 100,
    organisation: caller?.organisationId,
    principal: caller?.apiKeyId ?? caller?.userId,
    ip: request.ip,
    trace_id: traceIdOf(request),
  };
}
