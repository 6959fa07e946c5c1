import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { startTestServer, type TestServer } from '../../../../test/app.ts';
import { until } from '../../../../test/until.ts';

let server: TestServer;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});
afterAll(() => server.close());

const withKey = (): Record<string, string> => ({ 'x-api-key': server.admin.apiKey });

/** The status that a handshake is answered with. */
async function handshake(path: string, headers: Record<string, string> = withKey()): Promise<number> {
  const socket = new WebSocket(server.url.replace('http', 'ws') + path, { headers });
  sockets.push(socket);
  socket.on('error', () => undefined);
  return Promise.race([
    once(socket, 'open').then(() => 101),
    once(socket, 'unexpected-response').then(([, answer]: { statusCode: number }[]) => answer!.statusCode),
  ]);
}

/** What the log says of the requests of a path. */
const linesOf = (path: string): Record<string, unknown>[] =>
  server.logs.filter(({ msg }) => String(msg).startsWith(`GET ${path} `));

async function call(path: string, body: unknown): Promise<Record<string, string>> {
  const response = await fetch(`${server.url}/v1${path}`, {
    method: 'POST',
    headers: { 'x-api-key': server.admin.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return ((await response.json()) as { data: Record<string, string> }).data;
}

async function measured(name: string): Promise<string[]> {
  const text = await server.metrics();
  return text.split('\n').filter((line) => line.startsWith(`flowpact_${name}`));
}

const handshakes = async (route: string, status: number): Promise<string | undefined> =>
  (await measured('http_request_duration_seconds_count'))
    .find((line) => line.includes(`operation="${route}"`) && line.includes(`status="${status}"`))
    ?.split(' ')[1];

test('a handshake is logged and measured like any request, without its ticket', async () => {
  expect(await handshake('/ws?ticket=fp_ticket_of_nobody', {})).toBe(401);
  const { ticket } = await call('/stream-tickets', {});
  expect(await handshake(`/ws?ticket=${ticket}`, {})).toBe(101);
  await until(() => linesOf('/ws').length === 2);
  expect(linesOf('/ws')).toEqual([
    expect.objectContaining({ msg: 'GET /ws 401', status: 401, duration_ms: expect.any(Number) }),
    expect.objectContaining({
      msg: 'GET /ws 101',
      status: 101,
      duration_ms: expect.any(Number),
      request_id: expect.any(String),
      organisation: server.admin.organisationId,
    }),
  ]);
  expect(JSON.stringify(server.logs)).not.toContain('fp_ticket_');
  expect([await handshakes('/ws', 401), await handshakes('/ws', 101)]).toEqual(['1', '1']);
});

test('404: a refusal counts under the route, not under the path', async () => {
  expect(await handshake('/ws/executions/exec_of_nobody')).toBe(404);
  await until(() => linesOf('/ws/executions/exec_of_nobody').length === 1);
  expect(await handshakes('/ws/executions/:execution_id', 404)).toBe('1');
});

test('400: a handshake with protocols that are none', async () => {
  expect(await handshake('/ws', { ...withKey(), 'sec-websocket-protocol': 'a,,b' })).toBe(400);
  await until(async () => (await handshakes('/ws', 400)) === '1');
});

test('open sockets and event streams are told', async () => {
  await until(async () => (await measured('live_connections '))[0]?.endsWith(' 0') ?? false);
  expect(await handshake('/ws')).toBe(101);
  expect(await measured('live_connections ')).toEqual(['flowpact_live_connections 1']);
  expect(await measured('event_streams ')).toEqual(['flowpact_event_streams 0']);
  const definition = { nodes: [{ id: 'pause', type: 'delay', params: { duration: '10m' } }], edges: [] };
  const workflow = await call('/workflows', { name: 'Slow', definition });
  await call(`/workflows/${workflow.id}/publish`, {});
  const execution = await call(`/workflows/${workflow.id}/execute`, {});
  const stream = new AbortController();
  const events = await fetch(`${server.url}/v1/executions/${execution.id}/events`, {
    headers: { 'x-api-key': server.admin.apiKey },
    signal: stream.signal,
  });
  expect(events.status).toBe(200);
  expect(await measured('event_streams ')).toEqual(['flowpact_event_streams 1']);
  stream.abort();
  await until(async () => (await measured('event_streams '))[0]!.endsWith(' 0'));
  await call(`/executions/${execution.id}/cancel`, {});
});
