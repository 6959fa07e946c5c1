import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startTestServer, type TestOrganisation, type TestServer } from '../../../../test/start-test-server.ts';
import type { Caller } from '../../../domain/caller.ts';
import { ExecutionQueries } from '../../../domain/execution/execution-queries.ts';
import { ExecutionService } from '../../../domain/execution/execution.service.ts';
import type { Json } from '../../../domain/domain-error.ts';
import { WorkflowService } from '../../../domain/workflow/workflow.service.ts';
import { MikroORM, RequestContext } from '@mikro-orm/postgresql';
import type { WorkflowDefinition } from '../../../domain/language/index.ts';

let server: TestServer;
let other: TestOrganisation;
beforeAll(async () => {
  server = await startTestServer();
  other = await server.createOrganisation();
});
afterAll(() => server.close());

interface Answer {
  status: number;
  headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const response = await fetch(`${server.url}/v1${path}`, {
    method,
    headers: { 'x-api-key': server.admin.apiKey, ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) };
}

async function inRequest<T>(work: () => Promise<T>): Promise<T> {
  return RequestContext.create(server.app.get(MikroORM).em, work);
}

const adder: WorkflowDefinition = {
  nodes: [
    { id: 'note', type: 'log', params: { message: 'n is {{ input.n }}', level: 'info' } },
    { id: 'total', type: 'set', params: { values: { total: '{{ input.n + 1 }}' } } },
  ],
  edges: [{ id: 'e1', from: 'note', to: 'total', port: 'default' }],
  output: { total: '{{ input.n + 1 }}' },
};
const sleeper: WorkflowDefinition = {
  nodes: [{ id: 'wait', type: 'delay', params: { duration: '1h' } }],
  edges: [],
};

async function publish(definition: WorkflowDefinition, organisation: TestOrganisation = server.admin): Promise<string> {
  const { organisationId } = organisation;
  const caller: Caller = { organisationId, apiKeyId: 'key_01kaq3vb41fg6r2t7w9y0a1c3e', scopes: [] };
  const workflows = server.app.get(WorkflowService, { strict: false });
  const { id } = await inRequest(() =>
    workflows.create(caller, { name: 'test', definition: { ...definition } as unknown as Json }),
  );
  await inRequest(() => workflows.publish(caller, id));
  return id;
}

async function start(
  workflowId: string,
  input: Record<string, Json> = { n: 1 },
  organisation = server.admin,
): Promise<string> {
  const { organisationId } = organisation;
  const startedBy = { type: 'api_key', id: 'key_01kaq3vb41fg6r2t7w9y0a1c3e' } as const;
  const executions = server.app.get(ExecutionService, { strict: false });
  const { id } = await inRequest(() =>
    executions.start({ organisationId, startedBy, workflowId, input, metadata: { source: 'test' } }),
  );
  return id;
}

async function ended(id: string): Promise<void> {
  await server.app.get(ExecutionQueries, { strict: false }).waitFor(server.admin.organisationId, id, 10_000);
}

interface Message {
  id?: string;
  event: string;
  data: { type: string; sequence: number; data: Record<string, unknown> };
}

/** The messages of a stream up to its end, or until `enough` says so. */
async function stream(
  id: string,
  headers: Record<string, string> = {},
  enough: (message: Message) => boolean = () => false,
): Promise<Message[]> {
  const abort = new AbortController();
  const response = await fetch(`${server.url}/v1/executions/${id}/events`, {
    headers: { 'x-api-key': server.admin.apiKey, accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const messages: Message[] = [];
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        text
          .slice(0, end)
          .split('\n')
          .filter((line) => !line.startsWith(':'))
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
      );
      text = text.slice(end + 2);
      if (fields.data === undefined) continue;
      messages.push({ ...fields, data: JSON.parse(fields.data) } as unknown as Message);
      if (enough(messages.at(-1)!)) {
        abort.abort();
        return messages;
      }
    }
  }
  return messages;
}

describe('one execution', () => {
  test('200: input and outputs of megabytes are sent as they are stored, and nothing parses them on the way', async () => {
    const id = await start(await publish(adder));
    await ended(id);
    const large = {
      list: Array.from({ length: 8_000 }, (_, index) => ({ index, text: `é😀 "${index}"` })),
      none: null,
    };
    await server.sql('update execution set input = $2, output = $2 where id = $1', [id, JSON.stringify(large)]);
    await server.sql(`update step set output = $2 where execution_id = $1 and node_id = 'total'`, [
      id,
      JSON.stringify(large),
    ]);
    const parse = jest.spyOn(JSON, 'parse');
    const [execution, steps] = await Promise.all(
      [`/executions/${id}`, `/executions/${id}/steps`].map(async (path) => {
        const response = await fetch(`${server.url}/v1${path}`, { headers: { 'x-api-key': server.admin.apiKey } });
        return response.text();
      }),
    );
    const longest = Math.max(...parse.mock.calls.map(([text]) => String(text).length));
    parse.mockRestore();
    expect(longest).toBeLessThan(100_000);
    expect(JSON.parse(execution!).data).toMatchObject({
      id,
      input: large,
      output: large,
      metadata: { source: 'test' },
    });
    const { data } = JSON.parse(steps!);
    expect(data.map(({ node_id }: { node_id: string }) => node_id)).toEqual(['note', 'total']);
    expect(data[1].output).toEqual(large);
  });

  test('200: its input, output, times and starter', async () => {
    const workflowId = await publish(adder);
    const id = await start(workflowId);
    await ended(id);
    const { status, body } = await get(`/executions/${id}`);
    expect(status).toBe(200);
    expect(body.data).toMatchObject({
      id,
      workflow_id: workflowId,
      workflow_version: 1,
      status: 'completed',
      progress: 100,
      input: { n: 1 },
      output: { total: 2 },
      error: null,
      metadata: { source: 'test' },
      started_by: { type: 'api_key' },
    });
    expect(body.data.duration_ms).toBeGreaterThanOrEqual(0);
  });

  test('200: its steps and its log', async () => {
    const id = await start(await publish(adder));
    await ended(id);
    const steps = await get(`/executions/${id}/steps?status=completed`);
    expect(steps.body.data).toMatchObject([
      { node_id: 'note', status: 'completed', attempts: 1, port: 'default' },
      { node_id: 'total', status: 'completed' },
    ]);
    expect(steps.body.pagination).toMatchObject({ page: 1, total_count: 2 });
    const logs = await get(`/executions/${id}/logs?level=info,warn&node_id=note`);
    expect(logs.body.data).toMatchObject([
      { execution_id: id, level: 'info', message: 'n is 1', node_id: 'note', attempt: 1 },
    ]);
    expect((await get(`/executions/${id}/logs?level=error`)).body.data).toEqual([]);
  });

  test.each(['', '/steps', '/logs', '/events'])(
    '404: %s of an execution of another organisation, or of none',
    async (path) => {
      const foreign = await start(await publish(adder, other), { n: 1 }, other);
      for (const id of [foreign, 'exec_01kaq4j9qaf5h6j7k8m9n0p1q2', 'exec_%00']) {
        const { status, body } = await get(`/executions/${id}${path}`, { accept: '*/*' });
        expect({ status, code: body.error.code }).toEqual({ status: 404, code: 'resource_not_found' });
      }
    },
  );
});

describe('cancelling', () => {
  test('202: it ends at once; 409 the second time', async () => {
    const id = await start(await publish(sleeper));
    const first = await get(`/executions/${id}/cancel`, {}, 'POST');
    expect(first.status).toBe(202);
    expect(first.headers.get('location')).toBe(`/v1/executions/${id}`);
    expect(first.body.data).toMatchObject({ status: 'cancelled', output: null });
    const second = await get(`/executions/${id}/cancel`, {}, 'POST');
    expect(second.status).toBe(409);
    expect(second.body.error.code).toBe('execution_already_finished');
  });

  test('404: in another organisation', async () => {
    const id = await start(await publish(sleeper, other), {}, other);
    expect((await get(`/executions/${id}/cancel`, {}, 'POST')).status).toBe(404);
  });
});

describe('lists', () => {
  test('200: pages and cursors, newest first, nothing lost or doubled while executions come', async () => {
    const workflowId = await publish(adder);
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push(await start(workflowId));
    const list = `/workflows/${workflowId}/executions?per_page=2`;
    const page = await get(list);
    expect(page.body.pagination).toMatchObject({
      page: 1,
      per_page: 2,
      total_count: 5,
      total_pages: 3,
      has_more: true,
    });
    await start(workflowId);
    const seen = page.body.data.map((item: { id: string }) => item.id);
    let cursor = page.body.pagination.next_cursor;
    while (cursor) {
      const next = await get(`${list}&cursor=${cursor}`);
      expect(next.body.pagination.page).toBeUndefined();
      seen.push(...next.body.data.map((item: { id: string }) => item.id));
      cursor = next.body.pagination.next_cursor;
    }
    expect(seen).toEqual([...ids].reverse());
  });

  test('200: filters', async () => {
    const workflowId = await publish(adder);
    const id = await start(workflowId);
    await ended(id);
    const count = async (query: string): Promise<number> =>
      (await get(`/executions?workflow_id=${workflowId}&${query}`)).body.data.length;
    expect(await count('status=completed,failed')).toBe(1);
    expect(await count('status=failed')).toBe(0);
    expect(await count('from=2020-01-01T00:00:00Z')).toBe(1);
    expect(await count('to=2020-01-01T00:00:00Z')).toBe(0);
    expect((await get('/executions?workflow_id=%00')).body.data).toEqual([]);
  });

  test('400: moments that no database writes', async () => {
    const cursor = Buffer.from('253402300800000 exec_01m80k0fahe499szxx2j0fkj9f').toString('base64url');
    for (const query of ['from=0000-01-01T00:00:00Z', 'to=9999-12-31T23:59:59-12:00', `cursor=${cursor}`]) {
      const { status, body } = await get(`/executions?${query}`);
      expect({ status, code: body.error.code }).toEqual({ status: 400, code: 'validation_error' });
    }
  });

  test('400: a cursor that is none, and a cursor with a page', async () => {
    for (const query of ['cursor=abc', `cursor=${Buffer.from('1 exec_').toString('base64url')}`, 'cursor=abc&page=2']) {
      const { status, body } = await get(`/executions?${query}`);
      expect({ status, code: body.error.code }).toEqual({ status: 400, code: 'validation_error' });
    }
  });

  test('404: the executions of an unknown workflow', async () => {
    expect((await get('/workflows/wf_01kaq4j9qaf5h6j7k8m9n0p1q2/executions')).status).toBe(404);
  });
});

describe('events', () => {
  test('200: the whole story of an execution that has ended, and then the end of the stream', async () => {
    const id = await start(await publish(adder));
    await ended(id);
    const messages = await stream(id);
    expect(messages[0]).toMatchObject({ event: 'connected', data: { sequence: 0, data: { status: 'completed' } } });
    expect(messages[0]!.id).toBeUndefined();
    expect(messages.slice(1).map(({ event }) => event)).toEqual([
      'execution:started',
      'node:started',
      'node:completed',
      'execution:progress',
      'node:started',
      'node:completed',
      'execution:progress',
      'execution:completed',
    ]);
    expect(messages.slice(1).map((message) => message.id)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  test('200: after Last-Event-ID only what is new', async () => {
    const id = await start(await publish(adder));
    await ended(id);
    const messages = await stream(id, { 'last-event-id': '6' });
    expect(messages.map((message) => message.id)).toEqual([undefined, '7', '8']);
    expect((await stream(id, { 'last-event-id': '8' })).map(({ event }) => event)).toEqual(['connected']);
  });

  test('200: an execution that is cancelled while it is followed', async () => {
    const id = await start(await publish(sleeper));
    const following = stream(id);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await get(`/executions/${id}/cancel`, {}, 'POST');
    const messages = await following;
    expect(messages.at(-1)!.event).toBe('execution:cancelled');
    expect(messages.map(({ event }) => event)).toContain('execution:waiting');
  });

  test('200: a stream that is cut off and resumed again and again misses nothing and doubles nothing', async () => {
    const definition: WorkflowDefinition = {
      nodes: Array.from({ length: 20 }, (_, index) => ({
        id: `n${index}`,
        type: 'delay',
        params: { duration: '20ms' },
      })),
      edges: Array.from({ length: 19 }, (_, index) => ({
        id: `e${index}`,
        from: `n${index}`,
        to: `n${index + 1}`,
        port: 'default',
      })),
    };
    const id = await start(await publish(definition));
    const sequences: number[] = [];
    for (let last = 0, done = false; !done; last = sequences.at(-1) ?? 0) {
      let taken = 0;
      const messages = await stream(
        id,
        last ? { 'last-event-id': String(last) } : {},
        (message) => message.event !== 'connected' && ++taken === 7,
      );
      sequences.push(...messages.filter(({ event }) => event !== 'connected').map((message) => message.data.sequence));
      done = messages.at(-1)!.event === 'execution:completed';
    }
    const stored = await server.sql<{ sequence: number }>(
      'select sequence from execution_event where execution_id = $1 order by sequence',
      [id],
    );
    expect(sequences).toEqual(stored.map(({ sequence }) => sequence));
    expect(sequences.length).toBeGreaterThan(60);
  });
});
