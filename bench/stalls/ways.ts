import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';

/** A way that a large value goes. */
export interface Way {
  readonly name: string;
  /** Bytes that a value may have on it; those of what a node may make unless told. */
  readonly bytes?: number;
  /** What is done before the watch begins; `go` is given what it answers. */
  readonly prepare?: (value: string) => Promise<string>;
  readonly go: (value: string, prepared: string) => Promise<string>;
}

/** As many large values on a page, within what the largest plan lets one execution keep. */
const pageItems = 15;
const mebibyte = 1_048_576;
/** What a body may have on the way to the server. */
const bodyBytes = mebibyte - 4_096;

/** All ways; the receiver answers with the value. */
export async function waysOf(client: Client, receiver: string): Promise<Way[]> {
  const get = { id: 'get', type: 'http.request', params: { url: receiver } };
  const body = '{{ steps.get.output.body }}';
  const after = (type: string, params: object): Promise<string> => client.publish([get, { id: 'then', type, params }]);
  const only = await client.publish([get]);
  const fails = await after('fail', { message: 'no' });
  const responds = await after('respond', { body });
  const echo = await client.publish([{ id: 'say', type: 'set', params: { values: { n: '1' } } }]);
  const run = (name: string, workflowId: string): Way => ({
    name,
    go: async () => client.end(await client.execute(workflowId)),
  });
  const made = { prepare: () => client.execute(only) };
  return [
    run('http.request', only),
    run('set copies', await after('set', { values: { copy: body } })),
    run('in a text', await after('set', { values: { copy: `x${body}` } })),
    run('expression', await after('set', { values: { length: '{{ steps.get.output.body.length + 1 }}' } })),
    run('code', await after('code', { source: 'return args.v ? 1 : 2', args: { v: body } })),
    run('sent by http.request', await after('http.request', { method: 'POST', url: receiver, body })),
    run('log data', await after('log', { message: 'x', data: body })),
    run('workflow.call', await client.publish([{ id: 'call', type: 'workflow.call', params: { workflow_id: only } }])),
    { name: 'SSE, one follower', ...made, go: (_, id) => client.follow(id) },
    {
      name: 'SSE, five followers',
      ...made,
      go: async (_, id) => (await Promise.all(Array.from({ length: 5 }, () => client.follow(id))))[0]!,
    },
    { name: 'WebSocket', ...made, go: (_, id) => client.followBySocket(id) },
    ...(await answersOf(client, only, responds)),
    { name: 'GET execution', ...made, go: (_, id) => client.ask('GET', `/v1/executions/${id}`) },
    { name: 'GET steps', ...made, go: (_, id) => client.ask('GET', `/v1/executions/${id}/steps`) },
    {
      name: 'retry from failure',
      prepare: () => client.execute(fails),
      go: async (_, id) => client.end((await client.make(`/v1/executions/${id}/retry`, '{}')).id),
    },
    ...(await bodiesOf(client, echo)),
    ...(await pagesOf(client, get, body)),
  ];
}

/** What is listed many at a time. */
async function pagesOf(client: Client, get: object, body: string): Promise<Way[]> {
  const chain = (type: string, params: object, ...end: object[]): Promise<string> => {
    const nodes = Array.from({ length: pageItems }, (_, index) => ({ id: `n${index}`, type, params }));
    return client.publish([get, ...nodes, ...end]);
  };
  const fail = { id: 'no', type: 'fail', params: { message: 'no', details: { body } } };
  const copy = { values: { copy: body } };
  const logs = await chain('log', { message: 'x', data: body });
  const [copies, copiesThatFail] = [await chain('set', copy), await chain('set', copy, fail)];
  const fails = await client.publish([get, fail]);
  const page = (name: string, workflowId: string, path: string): Way => ({
    name,
    prepare: () => client.execute(workflowId),
    go: (_, id) => client.ask('GET', `/v1/executions/${id}/${path}?per_page=100`),
  });
  const again = (name: string, workflowId: string, path: string): Way => ({
    name,
    prepare: () => client.execute(workflowId),
    go: async (_, id) => client.end((await client.make(`/v1/executions/${id}/${path}`, '{}')).id),
  });
  return [
    page('page of logs', logs, 'logs'),
    page('page of steps', copies, 'steps'),
    {
      name: 'page of failures',
      prepare: async () => {
        for (let index = 0; index < pageItems; index += 1) await client.execute(fails);
        return '';
      },
      go: () => client.ask('GET', `/v1/workflows/${fails}/executions?per_page=100`),
    },
    again('retry of many', copiesThatFail, 'retry'),
    again('replay', copies, 'replay'),
  ];
}

/** Who waits for what the workflow says. */
async function answersOf(client: Client, only: string, responds: string): Promise<Way[]> {
  const route = (path: string, workflow_id: string): object => ({
    method: 'GET',
    path,
    workflow_id,
    response_mode: 'sync',
    timeout_seconds: 30,
  });
  const routes = [route('/output', only), route('/respond', responds)];
  const shared = { name: 'Stalls', auth_mode: 'public' };
  const channel = await client.make('/v1/channels', JSON.stringify({ ...shared, kind: 'http', routes }));
  const tools = [{ name: 'get', workflow_id: only, timeout_seconds: 30 }];
  const mcp = await client.make('/v1/channels', JSON.stringify({ ...shared, kind: 'mcp', tools }));
  const [last, responding] = [await client.hook(only, 'last_node'), await client.hook(responds, 'respond_node')];
  const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get', arguments: {} } });
  const accept = 'application/json, text/event-stream';
  return [
    { name: 'channel, output', go: () => client.ask('GET', `/channels/${channel.slug}/output`) },
    { name: 'channel, respond', go: () => client.ask('GET', `/channels/${channel.slug}/respond`) },
    { name: 'MCP tool', go: () => client.ask('POST', `/channels/${mcp.slug}/mcp`, call, { accept }) },
    { name: 'hook, last node', go: () => client.ask('POST', last, '{}') },
    { name: 'hook, respond', go: () => client.ask('POST', responding, '{}') },
    { name: 'execute?wait', go: () => client.ask('POST', `/v1/workflows/${only}/execute?wait=30s`, '{"input":{}}') },
  ];
}

/** What comes as the body of a request, and what is stored of it. */
async function bodiesOf(client: Client, echo: string): Promise<Way[]> {
  const hook = await client.hook(echo, 'immediately');
  const input = (value: string): string => `{"value":${value}}`;
  const kv = await client.publish([
    { id: 'put', type: 'kv.set', params: { key: 'k', value: '{{ input.value }}' } },
    { id: 'read', type: 'kv.get', params: { key: 'k' } },
  ]);
  return [
    {
      name: 'hook, body',
      bytes: bodyBytes,
      go: async (value) => {
        const answer = await client.ask('POST', hook, value);
        // The execution goes on after the answer.
        await sleep(1_000);
        return answer;
      },
    },
    { name: 'execute, input', bytes: bodyBytes, go: (value) => client.execute(echo, input(value)) },
    {
      name: 'replay of input',
      bytes: bodyBytes,
      prepare: (value) => client.execute(echo, input(value)),
      go: async (_, id) => client.end((await client.make(`/v1/executions/${id}/replay`, '{}')).id),
    },
    { name: 'KV nodes', bytes: 250_000, go: (value) => client.execute(kv, input(value)) },
    {
      name: 'PUT of a KV entry',
      bytes: 250_000,
      go: (value) => client.ask('PUT', '/v1/kv/large', `{"value":${value}}`),
    },
  ];
}
