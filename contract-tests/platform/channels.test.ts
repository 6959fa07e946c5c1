import { describe, expect, test } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, FAILING, publishedWorkflow, QUICK, SLOW } from '../harness/resources.ts';

const harness = useContractHarness();

/** A workflow that answers with what its trigger brought. */
const ECHO = {
  nodes: [{ id: 'echo', type: 'set', params: { values: { input: '{{ input }}', trigger: '{{ trigger }}' } } }],
  edges: [],
  output: '{{ steps.echo.output }}',
};

/** A workflow that says the whole answer itself, and asks for more than it may. */
const PAGE = {
  nodes: [
    {
      id: 'answer',
      type: 'respond',
      params: {
        status: 418,
        headers: {
          'Content-Type': 'text/html',
          'X-Own': 'yes',
          'Set-Cookie': 'a=b',
          'Content-Security-Policy': 'none',
        },
        body: '<script>alert(1)</script>',
      },
    },
  ],
  edges: [],
};

interface Made {
  path: { channel_id: string };
  token: string;
  url: string;
}

async function make(json: Record<string, unknown>): Promise<Made> {
  const { status, body } = await harness().call('createChannel', { json: { name: 'Test', kind: 'http', ...json } });
  expect(status).toBe(201);
  const { channel, token } = body.data;
  return { path: { channel_id: channel.id }, token, url: `${harness().server.url}${channel.path}` };
}

function route(path: string, workflow_id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { method: 'GET', path, workflow_id, response_mode: 'sync', ...more };
}

function ask({ url, token }: Made, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}${path}`, { ...init, headers: { 'x-channel-token': token, ...init.headers } });
}

async function codeOf(response: Response): Promise<unknown> {
  return [response.status, ((await response.json()) as { error: { code: string } }).error.code];
}

describe('channels', () => {
  test('a channel is made, listed, changed, given a new token and deleted', async () => {
    const fp = harness().sdk();
    const { channel, token } = await fp.channels.create({ name: 'Shöp', kind: 'http' });
    expect(channel).toMatchObject({ auth_mode: 'token', enabled: true, path: `/channels/${channel.slug}` });
    expect(token.startsWith(channel.token_prefix)).toBe(true);
    const got = await harness().call('getChannel', { path: { channel_id: channel.id } });
    expect(got.text).not.toContain(token);
    const changed = await fp.channels.update(channel.id, { name: 'Shop', slug: `${channel.slug}-2` });
    expect(changed).toMatchObject({ name: 'Shop', path: `/channels/${channel.slug}-2` });
    const rotated = await fp.channels.rotateToken(channel.id);
    expect(rotated.token).not.toBe(token);
    expect((await fp.channels.list({ kind: 'http' })).data.map(({ id }) => id)).toContain(channel.id);
    expect((await fp.channels.list({ kind: 'mcp' })).data.map(({ id }) => id)).not.toContain(channel.id);
    await fp.channels.delete(channel.id);
    await harness().refused('getChannel', { path: { channel_id: channel.id } }, 404, 'resource_not_found');
  });

  test('409: a slug that another channel has', async () => {
    const json = { name: 'A', kind: 'mcp', slug: `taken-${Date.now()}` };
    await harness().call('createChannel', { json });
    await harness().refused('createChannel', { json }, 409, 'channel_slug_taken');
    const { path } = await make({});
    await harness().refused('updateChannel', { path, json: { slug: json.slug } }, 409, 'channel_slug_taken');
  });

  test('400: every problem of routes and tools is listed', async () => {
    const workflow_id = await draftWorkflow(harness());
    const json = {
      name: 'Wrong',
      kind: 'http',
      routes: [
        route('/a/{x}', workflow_id),
        route('/a/{y}', workflow_id),
        route('/{x}/{x}', workflow_id),
        route('/b', 'wf_01kaq4e5n8e3s4t5v6w7x8y9z0'),
      ],
    };
    const { body } = await harness().refused('createChannel', { json }, 400, 'validation_error');
    expect(body.error.details.errors.map(({ field }: { field: string }) => field)).toEqual([
      'routes[1].path',
      'routes[2].path',
      'routes[3].workflow_id',
    ]);
  });

  test('400: tools of an http channel and routes of an mcp channel', async () => {
    const workflow_id = await draftWorkflow(harness());
    const content = { routes: [route('/a', workflow_id)], tools: [{ name: 'tool', workflow_id }] };
    const problem = async (kind: string): Promise<unknown> => {
      const json = { name: 'Wrong', kind, ...content };
      const { body } = await harness().refused('createChannel', { json }, 400, 'validation_error');
      return body.error.details.errors;
    };
    expect(await problem('http')).toEqual([
      { field: 'tools', message: 'are for a channel of kind mcp only', location: 'body' },
    ]);
    expect(await problem('mcp')).toEqual([
      { field: 'routes', message: 'are for a channel of kind http only', location: 'body' },
    ]);
    const made = await make({ routes: content.routes, tools: [] });
    const { path } = made;
    const both = await harness().refused('updateChannel', { path, json: content }, 400, 'validation_error');
    expect(both.body.error.details.errors.map(({ field }: { field: string }) => field)).toEqual(['tools']);
    const json = { tools: content.tools };
    const other = await harness().refused('updateChannel', { path, json }, 400, 'validation_error');
    expect(other.body.error.details.errors.map(({ field }: { field: string }) => field)).toEqual(['tools']);
  });
});

describe('an http channel', () => {
  test('200: query, body and path become the input; the trigger has the request without its secrets', async () => {
    const workflow_id = await publishedWorkflow(harness(), ECHO);
    const made = await make({ routes: [route('/orders/{order_id}', workflow_id, { method: 'POST' })] });
    const answer = await ask(made, '/orders/A%2F1?a=1&b=2&b=3&order_id=no', {
      method: 'POST',
      body: '{"a":{"deep":[1]},"note":"hi"}',
      headers: { 'content-type': 'application/json', authorization: 'Basic abc', cookie: 'a=b', 'x-mine': 'yes' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-ratelimit-limit')).not.toBeNull();
    const { input, trigger } = (await answer.json()) as Record<string, any>; // eslint-disable-line typescript/no-explicit-any -- the workflow's own shape
    expect(input).toEqual({ a: { deep: [1] }, b: ['2', '3'], note: 'hi', order_id: 'A/1' });
    expect(trigger).toMatchObject({
      type: 'channel',
      channel_id: made.path.channel_id,
      method: 'POST',
      path: '/orders/A/1',
      params: { order_id: 'A/1' },
      body: { note: 'hi' },
      headers: { 'x-mine': 'yes' },
    });
    for (const name of ['authorization', 'cookie', 'x-channel-token']) expect(trigger.headers).not.toHaveProperty(name);
    const execution = await harness().call('getExecution', {
      path: { execution_id: answer.headers.get('x-execution-id')! },
    });
    expect(execution.body.data.started_by).toEqual({ type: 'channel', id: made.path.channel_id });
  });

  test('200: forms and text are read, other bytes come as base64; malformed JSON is a 400', async () => {
    const workflow_id = await publishedWorkflow(harness(), ECHO);
    const made = await make({ routes: [route('/in', workflow_id, { method: 'POST' })] });
    const send = (body: string, type: string): Promise<Response> =>
      ask(made, '/in', { method: 'POST', body, headers: { 'content-type': type } });
    const form = (await (await send('a=1&a=2&b=x', 'application/x-www-form-urlencoded')).json()) as { input: unknown };
    expect(form.input).toEqual({ a: ['1', '2'], b: 'x' });
    const text = (await (await send('plain', 'text/plain; charset=utf-8')).json()) as { trigger: { body: unknown } };
    expect(text.trigger.body).toBe('plain');
    expect(await codeOf(await send('{"a":', 'application/json'))).toEqual([400, 'validation_error']);
    expect(await codeOf(await send('"\\u0000"', 'application/json'))).toEqual([400, 'validation_error']);
    const image = (await (await send('x', 'image/png')).json()) as { trigger: { body: unknown } };
    expect(image.trigger.body).toBe(Buffer.from('x').toString('base64'));
    expect(await codeOf(await send('x'.repeat(1_100_000), 'text/plain'))).toEqual([413, 'payload_too_large']);
  });

  test('418: a respond node says the answer, save for what speaks for the server', async () => {
    const made = await make({ routes: [route('/page', await publishedWorkflow(harness(), PAGE))] });
    const answer = await ask(made, '/page');
    expect([answer.status, await answer.text()]).toEqual([418, '<script>alert(1)</script>']);
    expect(answer.headers.get('content-type')).toBe('text/html');
    expect(answer.headers.get('x-own')).toBe('yes');
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(answer.headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
  });

  test('202: async at once, and sync when it takes longer than it may', async () => {
    const slow = await publishedWorkflow(harness(), SLOW);
    const made = await make({
      routes: [route('/async', slow, { response_mode: 'async' }), route('/sync', slow, { timeout_seconds: 1 })],
    });
    for (const path of ['/async', '/sync']) {
      const answer = await ask(made, path);
      const { data } = (await answer.json()) as { data: { execution_id: string; status: string } };
      expect([answer.status, answer.headers.get('location')]).toEqual([202, `/v1/executions/${data.execution_id}`]);
      await harness().call('cancelExecution', { path: { execution_id: data.execution_id } });
    }
  });

  test('refusals have the codes and shapes of the contract', async () => {
    const quick = await publishedWorkflow(harness(), QUICK);
    const made = await make({
      routes: [
        route('/fails', await publishedWorkflow(harness(), FAILING)),
        route('/draft', await draftWorkflow(harness())),
        route('/quick', quick),
        route('/things/new', quick, { method: 'POST' }),
        route('/things/{id}', quick, { method: 'PUT' }),
      ],
    });
    expect(await codeOf(await ask(made, '/fails'))).toEqual([500, 'execution_failed']);
    expect(await codeOf(await ask(made, '/draft'))).toEqual([409, 'workflow_not_published']);
    expect(await codeOf(await ask(made, '/quick?n=text'))).toEqual([400, 'validation_error']);
    expect(await codeOf(await ask(made, '/nowhere'))).toEqual([404, 'resource_not_found']);
    expect(await codeOf(await ask(made, ''))).toEqual([404, 'resource_not_found']);
    expect(await codeOf(await ask(made, '/%ff'))).toEqual([400, 'validation_error']);
    const wrong = await ask(made, '/things/new', { method: 'DELETE' });
    expect(wrong.headers.get('allow')).toBe('POST, PUT');
    expect(await codeOf(wrong)).toEqual([405, 'method_not_allowed']);
    const problem = await ask(made, '/nowhere', { headers: { accept: 'application/problem+json' } });
    expect(problem.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await problem.json()).toMatchObject({ status: 404, code: 'resource_not_found' });
  });

  test('401: without the token, with another, or with the one before; a Bearer is as good', async () => {
    const made = await make({ routes: [route('/', await publishedWorkflow(harness(), ECHO))] });
    const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await fetch(made.url, bearer(made.token))).status).toBe(200);
    const { body } = await harness().call('rotateChannelToken', { path: made.path });
    expect((await fetch(made.url, bearer(body.data.token))).status).toBe(200);
    for (const init of [{}, bearer(made.token), bearer('fpc_x'), bearer(harness().server.admin.apiKey)]) {
      const answer = await fetch(made.url, init);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await codeOf(answer)).toEqual([401, 'invalid_token']);
    }
  });

  test('200: a public channel asks for nothing; one that is switched off is not there', async () => {
    const workflow_id = await publishedWorkflow(harness(), ECHO);
    const made = await make({ auth_mode: 'public', routes: [route('/', workflow_id)] });
    expect((await fetch(made.url)).status).toBe(200);
    await harness().call('updateChannel', { path: made.path, json: { enabled: false } });
    expect(await codeOf(await fetch(made.url))).toEqual([404, 'resource_not_found']);
  });

  test('429: a channel draws on what the plan of its organisation allows', async () => {
    const { apiKey, organisationId } = await harness().server.createOrganisation('free');
    const created = await harness().call('createChannel', { apiKey, json: { name: 'Free', kind: 'http' } });
    const { channel, token } = created.body.data;
    const made = { path: { channel_id: channel.id }, token, url: `${harness().server.url}${channel.path}` };
    await ask(made, '/x');
    await harness().server.sql(`update request_count set day_count = 1000 where subject = $1`, [organisationId]);
    const answer = await ask(made, '/x');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(answer)).toEqual([429, 'rate_limit_exceeded']);
  });
});

describe('an mcp channel', () => {
  const CONVERT = {
    nodes: [{ id: 'double', type: 'set', params: { values: { twice: '{{ input.n * 2 }}' } } }],
    edges: [],
    input_schema: {
      type: 'object',
      required: ['n'],
      properties: { n: { type: 'number', description: 'What to double.' } },
    },
    output: { twice: '{{ steps.double.output.twice }}', by: '{{ trigger.tool }}' },
  };

  async function channelOf(tools: Record<string, unknown>[], more: Record<string, unknown> = {}): Promise<Made> {
    return make({ kind: 'mcp', name: 'Tools', description: 'Doubles things.', tools, ...more });
  }

  async function connect({ url, token }: Made): Promise<Client> {
    const client = new Client({ name: 'test', version: '1.0.0' });
    const requestInit = { headers: { Authorization: `Bearer ${token}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
    return client;
  }

  const textOf = (result: unknown): string => (result as { content: { text: string }[] }).content[0]!.text;

  test('the official client lists workflows as tools, with their input_schema, and calls them', async () => {
    const workflow_id = await publishedWorkflow(harness(), CONVERT, 'Double');
    const draft = await draftWorkflow(harness());
    const made = await channelOf([
      { name: 'double', description: 'Doubles a number.', workflow_id },
      { name: 'plain', workflow_id: await publishedWorkflow(harness(), ECHO, 'Echo') },
      { name: 'later', workflow_id: draft },
    ]);
    const client = await connect(made);
    expect(client.getServerVersion()).toMatchObject({ title: 'Tools' });
    expect(client.getInstructions()).toBe('Doubles things.');
    const { tools } = await client.listTools();
    expect(tools).toEqual([
      { name: 'double', title: 'Double', description: 'Doubles a number.', inputSchema: CONVERT.input_schema },
      { name: 'plain', title: 'Echo', description: 'Echo', inputSchema: { type: 'object' } },
    ]);
    const result = await client.callTool({ name: 'double', arguments: { n: 21 } });
    expect(result.structuredContent).toEqual({ twice: 42, by: 'double' });
    expect(JSON.parse(textOf(result))).toEqual({ twice: 42, by: 'double' });
    await harness().call('publishWorkflow', { path: { workflow_id: draft }, json: {} });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['double', 'plain', 'later']);
    await client.close();
  });

  test('what a model can put right comes as a result; a tool that is not there is an error', async () => {
    const client = await connect(
      await channelOf([
        { name: 'double', workflow_id: await publishedWorkflow(harness(), CONVERT) },
        { name: 'fails', workflow_id: await publishedWorkflow(harness(), FAILING) },
        { name: 'slow', workflow_id: await publishedWorkflow(harness(), SLOW), timeout_seconds: 1 },
        { name: 'draft', workflow_id: await draftWorkflow(harness()) },
      ]),
    );
    const wrong = await client.callTool({ name: 'double', arguments: { n: 'x' } });
    expect([wrong.isError, textOf(wrong)]).toEqual([true, expect.stringContaining('input.n must be number')]);
    const failed = await client.callTool({ name: 'fails' });
    expect([failed.isError, textOf(failed)]).toEqual([true, expect.stringContaining('No more.')]);
    const draft = await client.callTool({ name: 'draft' });
    expect([draft.isError, textOf(draft)]).toEqual([true, expect.stringContaining('no published version')]);
    const slow = await client.callTool({ name: 'slow' });
    const { execution_id, status } = slow.structuredContent as { execution_id: string; status: string };
    expect(['pending', 'running', 'waiting']).toContain(status);
    await harness().call('cancelExecution', { path: { execution_id } });
    await expect(client.callTool({ name: 'nothing' })).rejects.toThrow('There is no tool nothing.');
    await client.close();
  });

  test('each call of a batch counts as a request', async () => {
    const { apiKey, organisationId } = await harness().server.createOrganisation('free');
    const workflow = await harness().call('createWorkflow', { apiKey, json: { name: 'Echo', definition: ECHO } });
    const workflow_id = workflow.body.data.id;
    await harness().call('publishWorkflow', { apiKey, path: { workflow_id }, json: {} });
    const json = { name: 'Free', kind: 'mcp', tools: [{ name: 'echo', workflow_id }] };
    const { channel, token } = (await harness().call('createChannel', { apiKey, json })).body.data;
    const made = { path: { channel_id: channel.id }, token, url: `${harness().server.url}${channel.path}` };
    const call = (id: number): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo' } });
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const send = async (body: object): Promise<unknown> =>
      (await ask(made, '', { method: 'POST', body: JSON.stringify(body), headers })).json();
    await send(call(1));
    await harness().server.sql(`update request_count set day_count = 998 where subject = $1`, [organisationId]);
    const answers = (await send([call(1), call(2), call(3), call(4)])) as { error?: { message: string } }[];
    expect(answers.filter(({ error }) => error === undefined)).toHaveLength(2);
    expect(answers.find(({ error }) => error)?.error?.message).toContain('may make 1000 requests in a day');
  });

  test('401 without the token, 403 from the page of another origin, 404 and 405 elsewhere', async () => {
    const made = await channelOf([]);
    await expect(connect({ ...made, token: 'fpc_wrong' })).rejects.toThrow();
    expect(await codeOf(await fetch(made.url, { method: 'POST', body: '{}' }))).toEqual([401, 'invalid_token']);
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    const foreign = await ask(made, '', { method: 'POST', body, headers: { origin: 'https://evil.example' } });
    expect(await codeOf(foreign)).toEqual([403, 'cross_site_request']);
    const accept = 'application/json, text/event-stream';
    const own = { origin: harness().server.url, accept, 'content-type': 'application/json' };
    expect((await ask(made, '', { method: 'POST', body, headers: own })).status).toBe(200);
    expect(await codeOf(await ask(made, '/more', { method: 'POST', body }))).toEqual([404, 'resource_not_found']);
    const stream = await ask(made, '');
    expect(stream.headers.get('allow')).toBe('POST');
    expect(await codeOf(stream)).toEqual([405, 'method_not_allowed']);
    const noise = await ask(made, '', {
      method: 'POST',
      body: 'nonsense',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    });
    expect([noise.status, await noise.json()]).toEqual([400, expect.objectContaining({ jsonrpc: '2.0' })]);
  });
});
