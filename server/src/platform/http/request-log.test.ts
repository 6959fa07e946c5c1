import { PassThrough } from 'node:stream';
import { afterEach, expect, test } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { until } from '../../../test/until.ts';
import { createLogger } from '../logging/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { installRequestLog } from './request-log.ts';

let server: FastifyInstance;
afterEach(() => server.close());

type Line = Record<string, unknown>;
const levels = (lines: Line[]): unknown[] => lines.map(({ level, status }) => [level, status]);

/** A server with routes that answer with the status of their path, what it logs, and what it measures. */
function serve() {
  const lines: Line[] = [];
  const logger = createLogger(
    { LOG_LEVEL: 'debug', LOG_FORMAT: 'json' },
    { write: (line) => void lines.push(JSON.parse(line)) },
  );
  const ended: unknown[][] = [];
  let streams = 0;
  const metrics = {
    requestEnded: (...given: unknown[]) => ended.push(given),
    eventStreamOpened: () => (streams += 1),
    eventStreamClosed: () => (streams -= 1),
  } as unknown as Metrics;
  server = fastify();
  installRequestLog(server, logger, metrics);
  const answer = (path: string) =>
    server.get<{ Params: { status: string } }>(path, (request, reply) =>
      reply.code(Number(request.params.status ?? 200)).send('x'),
    );
  answer('/metrics');
  answer('/status/:status');
  return { lines, ended, streams: () => streams };
}

test('what machines ask for every few seconds is worth a line only when it is refused or fails', async () => {
  const { lines } = serve();
  await server.inject('/metrics');
  await server.inject('/metrics?x=1');
  await server.inject('/status/200');
  expect(levels(lines)).toEqual([
    ['debug', 200],
    ['debug', 200],
    ['info', 200],
  ]);
  await server.close();
  const refusing = serve();
  server.addHook('onRequest', async (_request, reply) => reply.code(401).send('no'));
  await server.inject('/metrics');
  expect(levels(refusing.lines)).toEqual([['info', 401]]);
});

test.each([
  [200, 'info'],
  [399, 'info'],
  [400, 'info'],
  [499, 'info'],
  [500, 'error'],
  [503, 'error'],
])('an answer with %i is logged as %s', async (status, level) => {
  const { lines } = serve();
  await server.inject(`/status/${status}`);
  expect(levels(lines)).toEqual([[level, status]]);
});

test('a line and a measurement tell of the route, the time and the client; an unknown path is measured as none', async () => {
  const { lines, ended } = serve();
  await server.inject('/status/204');
  await server.inject('/nowhere?token=x');
  expect(lines).toMatchObject([
    { msg: 'GET /status/204 204', ip: '127.0.0.1', request_id: expect.any(String) },
    { msg: 'GET /nowhere 404' },
  ]);
  const seconds = ended.map(([operation, method, status, time]) => {
    expect([operation, method, status]).toEqual(
      status === 204 ? ['/status/:status', 'GET', 204] : ['none', 'GET', 404],
    );
    return time as number;
  });
  for (const [index, { duration_ms: milliseconds }] of lines.entries()) {
    // Both are read a moment apart.
    expect(seconds[index]).toBeGreaterThan(0);
    expect(Math.abs(seconds[index]! * 1_000 - (milliseconds as number))).toBeLessThan(1_000);
    expect(milliseconds).toBe(Math.round((milliseconds as number) * 100) / 100);
  }
});

test('an event stream is counted until it ends, and no other answer is', async () => {
  const { streams } = serve();
  const stream = new PassThrough();
  server.get('/stream', (_request, reply) => reply.type('text/event-stream; charset=utf-8').send(stream));
  await server.inject('/status/200');
  expect(streams()).toBe(0);
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  stream.write('data: x\n\n');
  const answer = await fetch(`${url}/stream`);
  expect(streams()).toBe(1);
  stream.end();
  expect(await answer.text()).toBe('data: x\n\n');
  await until(() => streams() === 0);
});
