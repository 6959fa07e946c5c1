import { register } from 'node:module';
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ownOperation } from '../http/own-operation.ts';
import { pathOf } from '../http/path-of.ts';

/** What tracing needs of the configuration. */
export interface TracingSettings {
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  OTEL_SERVICE_NAME: string;
}

/**
 * Sends traces to the collector, if one is configured. Must run before anything imports the libraries that are traced.
 * The result flushes what is left and stops.
 */
export async function startTracing({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_SERVICE_NAME,
}: TracingSettings): Promise<() => Promise<void>> {
  if (endpoint === undefined) return async () => undefined;
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { PgInstrumentation } = await import('@opentelemetry/instrumentation-pg');
  const { UndiciInstrumentation } = await import('@opentelemetry/instrumentation-undici');
  const sdk = new NodeSDK({
    serviceName: OTEL_SERVICE_NAME,
    traceExporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` }),
    instrumentations: [
      new PgInstrumentation({ requireParentSpan: true }),
      new UndiciInstrumentation({ requireParentforSpans: true, startSpanHook: withoutAddress }),
    ],
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  return () => sdk.shutdown();
}

/** Paths and queries of outgoing calls may hold secrets; a span says which server was called. */
function withoutAddress({ origin }: { origin: string }): Record<string, string> {
  return { 'url.full': origin, 'url.path': '', 'url.query': '' };
}

interface Traced {
  span: Span;
  context: Context;
}

const traces = new WeakMap<FastifyRequest, Traced>();

/** A span for every request, named after the route of the contract, as a child of the client's `traceparent`. */
export function installTracing(server: FastifyInstance): void {
  const tracer = trace.getTracer('flowpact');
  server.addHook('onRequest', (request, _reply, done) => {
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER }, parent);
    traces.set(request, { span, context: trace.setSpan(parent, span) });
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const span = traces.get(request)?.span;
    const operation = ownOperation(request);
    const route = operation?.path ?? request.routeOptions.url;
    span?.updateName(route ? `${request.method} ${route}` : request.method);
    span?.setAttributes({
      'http.request.method': request.method,
      'http.response.status_code': reply.statusCode,
      'url.path': pathOf(request),
      'http.route': route,
      'flowpact.operation': operation?.id,
      'flowpact.request_id': request.id,
    });
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}

/** Runs the rest of a request inside its span, so that queries and outgoing calls become children of it. */
export function insideSpan(request: FastifyRequest, next: () => void): void {
  const traced = traces.get(request);
  if (traced) context.with(traced.context, next);
  else next();
}

/** The id under which the collector knows this request. */
export function traceIdOf(request: FastifyRequest): string | undefined {
  return traces.get(request)?.span.spanContext().traceId;
}
