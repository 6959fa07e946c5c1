import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { startTestServer, type TestOrganisation, type TestServer } from './start-test-server.ts';
import { maxJsonLength } from './max-json-length.ts';
import { until } from './until.ts';

/** What another server answers, and what no part of the server may parse or write in one go. */
const rows = Array.from({ length: 10_000 }, (_, id) => ({
  id,
  name: `Person ${id}`,
  tags: ['\\', '😀'],
  share: id / 7,
}));
const answer = JSON.stringify({ rows, odd: JSON.parse('{"__proto__": {"a": 1}, "big": 9007199254740993}') as unknown });
const tooMuch = answer.length / 2;

let other: Server;
let server: TestServer;
let owner: TestOrganisation;
let get: { id: string; type: string; params: unknown };

beforeAll(async () => {
  other = createServer((_, response) => response.setHeader('content-type', 'application/json').end(answer));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  get = { id: 'get', type: 'http.request', params: { url } };
  server = await startTestServer({ settings: { OUTGOING_ALLOWED_HOSTS: ['127.0.0.1'] } });
  owner = await server.createOrganisation('business');
});
afterAll(async () => {
  await server?.close();
  other?.closeAllConnections();
  other?.close();
});

async function send(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(server.url + path, {
    headers: { 'x-api-key': owner.apiKey, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect({ path, status: response.status, text: response.ok || text }).toMatchObject({ text: true });
  return text;
}

/** Faster than what would show the difference. */
function expectAnswer(value: unknown): void {
  expect(isDeepStrictEqual(value, JSON.parse(answer))).toBe(true);
}

const dataOf = <Data>(text: string): Data => (JSON.parse(text) as { data: Data }).data;

async function publish(...nodes: { id: string; type: string; params: unknown }[]): Promise<string> {
  const edges = nodes.slice(1).map(({ id }, at) => ({ id: `e${at}`, from: nodes[at]!.id, to: id, port: 'default' }));
  const { id } = dataOf<{ id: string }>(await send('/v1/workflows', { name: 'W', definition: { nodes, edges } }));
  await send(`/v1/workflows/${id}/publish`, {});
  return id;
}

async function execute(workflowId: string, status = 'completed'): Promise<string> {
  const { id } = dataOf<{ id: string }>(await send(`/v1/workflows/${workflowId}/execute`, { input: {} }));
  await ended(id, status);
  return id;
}

async function ended(id: string, status = 'completed'): Promise<void> {
  await until(async () => {
    const [row] = await server.sql<{ status: string; code: string }>(
      `select status, error->>'code' as code from execution where id = $1`,
      [id],
    );
    if (row!.status === 'failed' && status !== 'failed') throw new Error(row!.code);
    return row!.status === status;
  });
}

test('the watch sees what the server parses: a body of a request', async () => {
  const body = `{"name":"${'x'.repeat(50_000)}"}`;
  const headers = { 'x-api-key': owner.apiKey, 'content-type': 'application/json' };
  const length = await maxJsonLength(() => fetch(`${server.url}/v1/workflows`, { method: 'POST', headers, body }));
  expect(length).toBeGreaterThanOrEqual(body.length);
});

test('an answer of another server and the output of a called workflow are read in pieces', async () => {
  const called = await publish(get);
  const caller = await publish({ id: 'call', type: 'workflow.call', params: { workflow_id: called } });
  let id = '';
  const length = await maxJsonLength(async () => (id = await execute(caller)));
  expect(length).toBeLessThan(tooMuch);
  const { output } = dataOf<{ output: { call: { output: { get: { body: unknown } } } } }>(
    await send(`/v1/executions/${id}`),
  );
  expectAnswer(output.call.output.get.body);
});

test('followers get the events as they are stored', async () => {
  const id = await execute(await publish(get));
  // A number that no reader of JSON in this process could carry.
  const change = `jsonb_set(data, '{output,exact}', '9007199254740993.125')`;
  await server.sql(`update execution_event set data = ${change} where execution_id = $1 and type = 'node:completed'`, [
    id,
  ]);
  const streams: string[] = [];
  const messages: string[] = [];
  const stream = async (): Promise<void> =>
    void streams.push(await send(`/v1/executions/${id}/events`, undefined, { accept: 'text/event-stream' }));
  const socket = async (): Promise<void> => {
    const live = new WebSocket(`${server.url.replace('http', 'ws')}/ws/executions/${id}`, {
      headers: { 'x-api-key': owner.apiKey },
    });
    live.on('message', (data: Buffer, isBinary: boolean) => messages.push(`${isBinary}${data.toString()}`));
    await once(live, 'close');
  };
  expect(await maxJsonLength(() => Promise.all([stream(), stream(), stream(), socket(), socket()]))).toBeLessThan(
    tooMuch,
  );

  // The first message says when the client came.
  expect(new Set(streams.map((text) => text.slice(text.indexOf('id: ')))).size).toBe(1);
  const events = streams[0]!.split('\n\n').flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? []);
  expect(messages.filter((message) => message.includes('"exact": 9007199254740993.125'))).toHaveLength(2);
  const completed = events.find((event) => event.includes('"node:completed"'))!;
  expect(completed).toContain('"exact": 9007199254740993.125');
  const { data } = JSON.parse(completed) as { data: { output: { body: unknown }; port: string } };
  expect(data).toMatchObject({ node_id: 'get', port: 'default', attempt: 1 });
  expectAnswer(data.output.body);
  expect(events.filter((event) => event.includes('"execution:completed"'))).toHaveLength(1);
});

test('the details of a failure are sent as they are stored, too', async () => {
  const details = { rows: '{{ steps.get.output.body.rows }}' };
  const workflow = await publish(get, { id: 'stop', type: 'fail', params: { message: 'No.', details } });
  const { id } = dataOf<{ id: string }>(await send(`/v1/workflows/${workflow}/execute`, { input: {} }));
  let text = '';
  const follow = async (): Promise<string> =>
    (text = await send(`/v1/executions/${id}/events`, undefined, { accept: 'text/event-stream' }));
  expect(await maxJsonLength(follow)).toBeLessThan(tooMuch);
  const failed = /^event: node:failed\ndata: (.*)$/m.exec(text)![1]!;
  const { error } = (JSON.parse(failed) as { data: { error: { message: string; details: unknown } } }).data;
  expect(error).toMatchObject({ code: 'failed', message: 'No.' });
  expect(isDeepStrictEqual(error.details, { rows })).toBe(true);
});

const respond = {
  id: 'say',
  type: 'respond',
  params: { status: 201, headers: { 'x-own': 'yes' }, body: '{{ steps.get.output.body }}' },
};

describe('a page sends what is stored', () => {
  /** What a page answers, which no part of the server has parsed or written in one go. */
  async function page<Item>(path: string, max = tooMuch): Promise<Item[]> {
    let text = '';
    expect(await maxJsonLength(async () => (text = await send(path)))).toBeLessThan(max);
    return dataOf<Item[]>(text);
  }
  const body = '{{ steps.get.output.body }}';

  test('of logs', async () => {
    const log = (id: string, data: string): typeof get => ({ id, type: 'log', params: { message: id, data } });
    const id = await execute(await publish(get, log('a', body), log('b', 'short'), log('c', body)));
    const lines = await page<{ message: string; data: unknown }>(`/v1/executions/${id}/logs`);
    expect(lines.map(({ message }) => message)).toEqual(['a', 'b', 'c']);
    expectAnswer(lines[0]!.data);
    expect(lines[1]!.data).toBe('short');
    expectAnswer(lines[2]!.data);
  });

  test('of steps, and of executions, with the details of their failures', async () => {
    const workflow = await publish(get, { id: 'stop', type: 'fail', params: { message: 'No.', details: { body } } });
    const id = await execute(workflow, 'failed');
    type Failed = { id: string; output: { body: unknown } | null; error: { details: { body: unknown } } | null };
    const [first, second] = await page<Failed>(`/v1/executions/${id}/steps`);
    expectAnswer(first!.output!.body);
    expect([first!.error, second!.output]).toEqual([null, null]);
    expectAnswer(second!.error!.details.body);
    const [listed] = await page<Failed>(`/v1/workflows/${workflow}/executions`);
    expect(listed).toMatchObject({ id, error: { code: 'failed', message: 'No.', node_id: 'stop' } });
    expectAnswer(listed!.error!.details.body);
  });

  test('of approvals', async () => {
    const ask = { id: 'ask', type: 'approval', params: { message: 'Well?', details: body } };
    const id = await execute(await publish(get, ask), 'waiting');
    const [approval] = await page<{ id: string; details: unknown }>(`/v1/approvals?execution_id=${id}`);
    expectAnswer(approval!.details);
    expectAnswer(dataOf<{ details: unknown }>(await send(`/v1/approvals/${approval!.id}`)).details);
  });

  test('of submissions, and an export holds them too', async () => {
    const text = 'y'.repeat(90_000);
    const fields = Array.from({ length: 10 }, (_, at) => ({ name: `f${at}`, type: 'textarea', label: 'F' }));
    const form = dataOf<{ id: string; slug: string }>(await send('/v1/forms', { name: 'Large', fields }));
    await send(`/v1/forms/${form.id}/publish`, {});
    await send(`/v1/forms/${form.id}/submissions`, { data: { f0: 'short' } });
    await server.sql(
      `update form_submission set data = data || jsonb_build_object('f1', $2::text) where form_id = $1`,
      [form.id, text],
    );
    await send(`/v1/forms/${form.id}/submissions`, { data: { f0: 'small' } });
    const list = await page<{ data: unknown }>(`/v1/forms/${form.id}/submissions`, text.length);
    expect(list.map(({ data }) => data)).toEqual([{ f0: 'small' }, { f0: 'short', f1: text }]);
    const lines = (await send(`/v1/forms/${form.id}/export`)).trim().split(/\r?\n/);
    expect(lines.map((line) => line.includes(text))).toEqual([false, true, false]);
  });
});

test('a retry and a replay read what was made before in pieces, and a decision does not read it', async () => {
  const stop = { id: 'stop', type: 'fail', params: { message: 'No.' } };
  const failed = await execute(await publish(get, respond, stop), 'failed');
  const done = await execute(await publish(get));
  const ids: string[] = [];
  const again = async (path: string): Promise<void> =>
    void ids.push(dataOf<{ id: string }>(await send(`/v1/executions/${path}`, {})).id);
  const length = await maxJsonLength(async () => {
    await again(`${failed}/retry`);
    await again(`${done}/replay`);
    await ended(ids[0]!, 'failed');
    await ended(ids[1]!);
    await expect(send(`/v1/executions/${done}/cancel`, {})).rejects.toThrow(/execution_already_finished|409/);
  });
  expect(length).toBeLessThan(tooMuch);
  const [step] = dataOf<{ reused: boolean; output: { body: unknown } }[]>(await send(`/v1/executions/${ids[0]}/steps`));
  expect(step!.reused).toBe(true);
  expectAnswer(step!.output.body);
});

test.each(['last_node', 'respond_node'] as const)(
  'a hook that answers with the %s sends what is stored',
  async (mode) => {
    const workflow_id = await publish(get, respond);
    const config = { kind: 'webhook', methods: ['POST'], auth: { type: 'none' }, respond: mode };
    const { trigger } = dataOf<{ trigger: { url: string } }>(
      await send('/v1/triggers', { workflow_id, name: 'T', config }),
    );
    let text = '';
    expect(await maxJsonLength(async () => (text = await send(new URL(trigger.url).pathname, {})))).toBeLessThan(
      tooMuch,
    );
    expectAnswer(JSON.parse(text));
  },
);

test('a channel sends what is stored: a response, an output, and the result of a tool', async () => {
  const [plain, responding] = [await publish(get), await publish(get, respond)];
  const route = (path: string, workflow_id: string): unknown => ({
    method: 'POST',
    path,
    workflow_id,
    response_mode: 'sync',
    timeout_seconds: 60,
  });
  const open = { auth_mode: 'public' };
  const routes = [route('/output', plain), route('/response', responding)];
  const http = dataOf<{ channel: { slug: string } }>(
    await send('/v1/channels', { name: 'H', kind: 'http', ...open, routes }),
  );
  const tools = [{ name: 'get', workflow_id: plain, timeout_seconds: 60 }];
  const mcp = dataOf<{ channel: { slug: string } }>(
    await send('/v1/channels', { name: 'M', kind: 'mcp', ...open, tools }),
  );
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get', arguments: {} } };
  let [output, response, result] = ['', '', ''];
  const length = await maxJsonLength(async () => {
    output = await send(`/channels/${http.channel.slug}/output`, {});
    response = await send(`/channels/${http.channel.slug}/response`, {});
    result = await send(`/channels/${mcp.channel.slug}/mcp`, call, { accept: 'application/json, text/event-stream' });
  });
  expect(length).toBeLessThan(tooMuch);
  expectAnswer(JSON.parse(response));
  expectAnswer((JSON.parse(output) as { get: { body: unknown } }).get.body);
  const { content, structuredContent } = (
    JSON.parse(result) as {
      result: { content: [{ type: string; text: string }]; structuredContent: { get: { body: unknown } } };
    }
  ).result;
  expect(content[0].type).toBe('text');
  expectAnswer((JSON.parse(content[0].text) as typeof structuredContent).get.body);
  expectAnswer(structuredContent.get.body);
});
