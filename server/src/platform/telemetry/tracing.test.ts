import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { context, propagation, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { insideSpan, installTracing, startTracing, traceIdOf } from './tracing.ts';

interface SeenSpan {
  name: string;
  kind: unknown;
  parent: unknown;
  attributes: Record<string, unknown>;
  status?: unknown;
  isEnded: boolean;
}
let spans: SeenSpan[];
let server: FastifyInstance;

/** Writes spans down; a parent is what the test's propagator has put into the context. */
const parentKey = Symbol('parent');
beforeAll(() => {
  propagation.setGlobalPropagator({
    inject: () => undefined,
    extract: (from, carrier: Record<string, string>) => from.setValue(parentKey, carrier['traceparent']),
    fields: () => [],
  });
  trace.setGlobalTracerProvider({
    getTracer: () =>
      ({
        startSpan: (name: string, { kind }: { kind: unknown }, parent: { getValue(key: symbol): unknown }) => {
          const seen: SeenSpan = { name, kind, parent: parent.getValue(parentKey), attributes: {}, isEnded: false };
          spans.push(seen);
          return {
            updateName: (text: string) => void (seen.name = text),
            setAttributes: (given: object) => void Object.assign(seen.attributes, given),
            setStatus: (status: unknown) => void (seen.status = status),
            end: () => void (seen.isEnded = true),
            spanContext: () => ({ traceId: `trace ${spans.indexOf(seen)}` }),
          } as unknown as Span;
        },
      }) as never,
  });
});
afterAll(() => {
  trace.disable();
  propagation.disable();
});
afterEach(() => server?.close());

function serve(handler: (request: FastifyRequest) => unknown = () => 'ok'): void {
  spans = [];
  server = fastify();
  installTracing(server);
  server.get('/things/:id', async (request) => handler(request));
}

test('a request is a span, named after its route, a child of the one that asked', async () => {
  serve();
  await server.inject({ url: '/things/1?secret=x', headers: { traceparent: 'the parent' } });
  await server.inject('/nowhere');
  expect(spans).toMatchObject([
    {
      name: 'GET /things/:id',
      kind: 1,
      parent: 'the parent',
      isEnded: true,
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'url.path': '/things/1',
        'http.route': '/things/:id',
        'flowpact.request_id': expect.any(String),
      },
    },
    { name: 'GET', isEnded: true, attributes: { 'http.response.status_code': 404 } },
  ]);
  expect(spans.map(({ status }) => status)).toEqual([undefined, undefined]);
});

test.each([
  [499, undefined],
  [500, { code: SpanStatusCode.ERROR }],
])('an answer with %i has the status %j', async (statusCode, status) => {
  serve(() => {
    throw Object.assign(new Error('no'), { statusCode });
  });
  await server.inject('/things/1');
  expect(spans[0]).toMatchObject({ isEnded: true, attributes: { 'http.response.status_code': statusCode } });
  expect(spans[0]!.status).toEqual(status);
});

test('what a request does is done within its span, and its log knows the trace', async () => {
  const seen: unknown[] = [];
  serve((request) => {
    seen.push(traceIdOf(request));
    insideSpan(request, () => seen.push('done'));
    return 'ok';
  });
  await server.inject('/things/1');
  const other = {} as FastifyRequest;
  insideSpan(other, () => seen.push('without a span'));
  expect(seen).toEqual(['trace 0', 'done', 'without a span']);
  expect([traceIdOf(other), context.active()]).toEqual([undefined, expect.anything()]);
});

test('without a collector nothing is started, and nothing is to be stopped', async () => {
  const stop = await startTracing({ OTEL_SERVICE_NAME: 'flowpact' });
  expect(await stop()).toBeUndefined();
});
