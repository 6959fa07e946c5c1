import { type ChildProcess, execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { request } from 'undici';
import { startEmbeddedPostgres } from '../../server/src/platform/database/embedded-postgres.ts';
import { createDatabase } from '../engine/flowpact.ts';
import { largeValues } from './values.ts';

/**
 * For how long one large value of one organisation holds the event loop of a server process: each kind of value goes each of its
 * ways, and the longest turn of the loop meanwhile is told, in milliseconds of processor time.
 */
const { values: options } = parseArgs({
  options: {
    /** Only values, and only ways, whose name holds this. */
    value: { type: 'string', default: '' },
    way: { type: 'string', default: '' },
    /** Measures what is built already. */
    built: { type: 'boolean', default: false },
  },
});
const root = join(import.meta.dirname, '..', '..');
const mebibyte = 1_048_576;
/** What an execution may make on the largest plan, an answer of a server may have, and a body. */
const nodeBytes = 8 * mebibyte - 4_096;
const answerBytes = 5 * mebibyte - 1_024;
const bodyBytes = mebibyte - 4_096;

let served = '';
const receiver = createServer((_, response) => {
  response.setHeader('content-type', 'application/json').end(served);
});
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;

if (!options.built) spawnSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: 'inherit' });
const dataDir = mkdtempSync(join(tmpdir(), 'flowpact-bench-'));
chmodSync(dataDir, 0o755);
const postgres = await startEmbeddedPostgres({ dataDir, database: 'postgres', throwaway: true });
const databaseUrl = await createDatabase(postgres.url, 'flowpact');
const server: ChildProcess = fork(join(import.meta.dirname, 'server-process.ts'), {
  env: {
    ...process.env,
    DATABASE_URL: databaseUrl,
    FLOWPACT_DATA_DIR: join(dataDir, 'flowpact'),
    PORT: '0',
    LOG_LEVEL: 'fatal',
    RATE_LIMITS: 'false',
    OUTGOING_ALLOWED_HOSTS: '127.0.0.1',
    NODE_ENV: 'production',
  },
  execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=DeprecationWarning'],
});
const [{ url }] = (await once(server, 'message')) as [{ url: string }];
const made = execFileSync(
  process.execPath,
  [
    join(root, 'server', 'admin.cjs'),
    ...['organisation', 'create', '--name', 'Stalls', '--owner-email', 'stalls@bench.example', '--plan', 'business', '--json'],
  ],
  { env: { ...process.env, DATABASE_URL: databaseUrl, FLOWPACT_DATA_DIR: join(dataDir, 'flowpact') }, encoding: 'utf8' },
);
const apiKey = (JSON.parse(made) as { api_key: { secret: string } }).api_key.secret;

/** Status and length of the answer, and its text where it is small. */
async function call(method: 'GET' | 'POST' | 'PUT', path: string, body?: string | object, headers = {}): Promise<{ status: number; bytes: number; text: string }> {
  const answer = await request(path.startsWith('http') ? path : url + path, {
    method,
    headers: { 'x-api-key': apiKey, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, bytes: text.length, text: text.slice(0, 2_000) };
}

async function ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: string | object): Promise<{ id: string; status: string; [name: string]: any }> {
  const { status, text } = await call(method, path, body);
  if (status >= 300) throw new Error(`${method} ${path} answers ${status}: ${text}`);
  return (JSON.parse(text) as { data: never }).data;
}

async function publish(nodes: object[], edges: object[] = []): Promise<string> {
  const { id } = await ask('POST', '/v1/workflows', { name: 'Stalls', definition: { nodes, edges } });
  await ask('POST', `/v1/workflows/${id}/publish`, {});
  return id;
}

async function longest(): Promise<number> {
  const answer = once(server, 'message');
  server.send('longest');
  const [{ longestMs }] = (await answer) as [{ longestMs: number }];
  return longestMs;
}

/** The status of the execution, and what it failed with, when it has ended and been recorded. */
async function ended(id: string): Promise<string> {
  for (;;) {
    const { items } = { items: await call('GET', `/v1/executions?per_page=100`) };
    const all = JSON.parse((await (await request(`${url}/v1/executions?per_page=20`, { headers: { 'x-api-key': apiKey } })).body.text())) as { data: { id: string; status: string; error: { code: string } | null }[] };
    void items;
    const found = all.data.find((one) => one.id === id);
    if (found && ['completed', 'failed', 'cancelled'].includes(found.status)) return `${found.status}${found.error ? ` (${found.error.code})` : ''}`;
    await sleep(50);
  }
}

const get = { id: 'get', type: 'http.request', params: { url: receiverUrl } };
const follow = { id: 'e', from: 'get', to: 'then', port: 'default' };
const flows = {
  http: await publish([get]),
  respond: await publish([get, { id: 'then', type: 'respond', params: { body: '{{ steps.get.output.body }}' } }], [follow]),
  set: await publish([get, { id: 'then', type: 'set', params: { values: { copy: '{{ steps.get.output.body }}' } } }], [follow]),
  text: await publish([get, { id: 'then', type: 'set', params: { values: { copy: 'x{{ steps.get.output.body }}' } } }], [follow]),
  expression: await publish([get, { id: 'then', type: 'set', params: { values: { copy: '{{ steps.get.output.body.length + 1 }}' } } }], [follow]),
  code: await publish([get, { id: 'then', type: 'code', params: { source: 'return args.v ? 1 : 2', args: { v: '{{ steps.get.output.body }}' } } }], [follow]),
  post: await publish([get, { id: 'then', type: 'http.request', params: { method: 'POST', url: receiverUrl, body: '{{ steps.get.output.body }}' } }], [follow]),
  fails: await publish([get, { id: 'then', type: 'fail', params: { message: 'no' } }], [follow]),
  kv: await publish([{ id: 'put', type: 'kv.set', params: { key: 'k', value: '{{ input.value }}' } }, { id: 'read', type: 'kv.get', params: { key: 'k' } }], [{ id: 'e', from: 'put', to: 'read', port: 'default' }]),
  echo: await publish([{ id: 'say', type: 'set', params: { values: { n: '1' } } }]),
  forEach: await publish([get, { id: 'then', type: 'log', params: { message: 'x', data: '{{ steps.get.output.body }}' } }], [follow]),
};
const caller = await publish([{ id: 'call', type: 'workflow.call', params: { workflow_id: flows.http } }]);
const { channel } = await ask('POST', '/v1/channels', {
  name: 'Stalls', kind: 'http', auth_mode: 'public',
  routes: [
    { method: 'GET', path: '/output', workflow_id: flows.http, response_mode: 'sync', timeout_seconds: 30 },
    { method: 'GET', path: '/respond', workflow_id: flows.respond, response_mode: 'sync', timeout_seconds: 30 },
  ],
}).catch((error) => { console.error(String(error)); return {} as any; });
const { channel: tools } = await ask('POST', '/v1/channels', {
  name: 'Tools', kind: 'mcp', auth_mode: 'public', tools: [{ name: 'get', workflow_id: flows.http, timeout_seconds: 30 }],
}).catch((error) => { console.error(String(error)); return {} as any; });
const hookOf = async (workflow_id: string, respond: string): Promise<string> => {
  const data = await ask('POST', '/v1/triggers', { workflow_id, name: 'T', config: { kind: 'webhook', methods: ['POST'], auth: { type: 'none' }, respond } });
  return url + new URL(data.trigger.url).pathname;
};
const hooks = { echo: await hookOf(flows.echo, 'immediately'), last: await hookOf(flows.http, 'last_node'), respond: await hookOf(flows.respond, 'respond_node') };

interface Way { name: string; bytes?: number; prepare?: (text: string) => Promise<unknown>; go: (text: string, prepared: any) => Promise<string> }
const run = (flow: string) => async (): Promise<string> => ended((await ask('POST', `/v1/workflows/${flow}/execute`, { input: {} })).id);
const made1 = async (): Promise<string> => { const { id } = await ask('POST', `/v1/workflows/${flows.http}/execute`, { input: {} }); await ended(id); return id; };
const got = ({ status, bytes }: { status: number; bytes: number }): string => `${status}, ${(bytes / 1e6).toFixed(1)} MB`;
const bodyOf = (text: string): string => `{"input":{"value":${text}}}`;
const ways: Way[] = [
  { name: 'http.request', go: run(flows.http) },
  { name: 'http.request, fails', go: run(flows.fails) },
  { name: 'set copies', go: run(flows.set) },
  { name: 'in a text', go: run(flows.text) },
  { name: 'expression', go: run(flows.expression) },
  { name: 'code', go: run(flows.code) },
  { name: 'sent by http.request', go: run(flows.post) },
  { name: 'log data', go: run(flows.forEach) },
  { name: 'workflow.call', go: run(caller) },
  { name: 'SSE, one follower', prepare: made1, go: async (_, id) => got(await call('GET', `/v1/executions/${id}/events`, undefined, { accept: 'text/event-stream' })) },
  { name: 'SSE, five followers', prepare: made1, go: async (_, id) => (await Promise.all(Array.from({ length: 5 }, async () => got(await call('GET', `/v1/executions/${id}/events`, undefined, { accept: 'text/event-stream' })))))[0]! },
  { name: 'WebSocket', prepare: made1, go: async (_, id) => { const { WebSocket } = await import('ws'); const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/executions/${id}`, { headers: { 'x-api-key': apiKey }, maxPayload: 1e9 }); let bytes = 0; socket.on('message', (data: Buffer) => (bytes += data.length)); await once(socket, 'close'); return `${(bytes / 1e6).toFixed(1)} MB`; } },
  { name: 'channel, output', go: async () => got(await call('GET', `/channels/${channel.slug}/output`)) },
  { name: 'channel, respond', go: async () => got(await call('GET', `/channels/${channel.slug}/respond`)) },
  { name: 'MCP tool', go: async () => got(await call('POST', `/channels/${tools.slug}/mcp`, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get', arguments: {} } }, { accept: 'application/json, text/event-stream' })) },
  { name: 'hook, last node', go: async () => got(await call('POST', hooks.last, '{}')) },
  { name: 'hook, respond', go: async () => got(await call('POST', hooks.respond, '{}')) },
  { name: 'GET execution', prepare: made1, go: async (_, id) => got(await call('GET', `/v1/executions/${id}`)) },
  { name: 'GET steps', prepare: made1, go: async (_, id) => got(await call('GET', `/v1/executions/${id}/steps`)) },
  { name: 'execute?wait', go: async () => got(await call('POST', `/v1/workflows/${flows.http}/execute?wait=30s`, { input: {} })) },
  { name: 'retry from failure', prepare: async () => { const { id } = await ask('POST', `/v1/workflows/${flows.fails}/execute`, { input: {} }); await ended(id); return id; }, go: async (_, id) => ended((await ask('POST', `/v1/executions/${id}/retry`, {})).id) },
  { name: 'hook, body', bytes: bodyBytes, go: async (text) => { const answer = await call('POST', hooks.echo, text); await sleep(1_000); return got(answer); } },
  { name: 'execute, input', bytes: bodyBytes, go: async (text) => { const answer = await call('POST', `/v1/workflows/${flows.echo}/execute`, bodyOf(text)); await sleep(1_000); return got(answer); } },
  { name: 'replay of input', bytes: bodyBytes, prepare: async (text) => { const answer = await call('POST', `/v1/workflows/${flows.echo}/execute`, bodyOf(text)); await sleep(1_000); return /"id":"(exec_\w+)"/.exec(answer.text)?.[1]; }, go: async (_, id) => { const answer = await call('POST', `/v1/executions/${id}/replay`, {}); await sleep(1_000); return got(answer); } },
  { name: 'PUT kv', bytes: bodyBytes, go: async (text) => got(await call('PUT', `/v1/kv/global/k1`, `{"value":${text}}`)) },
  { name: 'kv nodes', bytes: 250_000, go: async (text) => { const answer = await call('POST', `/v1/workflows/${flows.kv}/execute`, bodyOf(text)); await sleep(1_000); return got(answer); } },
];

console.log(`load of the machine ${loadavg()[0]!.toFixed(1)}`);
try {
  for (const way of ways.filter(({ name }) => name.includes(options.way))) {
    for (const value of largeValues.filter(({ name }) => name.includes(options.value))) {
      const bytes = way.bytes ?? nodeBytes;
      let text = value.text(bytes);
      const limit = way.bytes ?? answerBytes;
      for (let less = bytes; Buffer.byteLength(text) > limit; ) text = value.text((less = Math.floor(less * 0.95)));
      served = text;
      try {
        const prepared = await way.prepare?.(text);
        await sleep(300);
        await longest();
        const result = await way.go(text, prepared);
        await sleep(200);
        console.log(`${way.name.padEnd(22)}${value.name.padEnd(16)}${(Buffer.byteLength(text) / 1e6).toFixed(1).padStart(5)} MB ${(await longest()).toFixed(0).padStart(6)} ms   ${result}`);
      } catch (error) { console.log(way.name, value.name, String(error).slice(0, 300)); }
    }
  }
  console.log(`load of the machine afterwards ${loadavg()[0]!.toFixed(1)}`);
} finally {
  const exit = once(server, 'exit');
  server.disconnect();
  await exit;
  receiver.closeAllConnections();
  receiver.close();
  await postgres.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
