import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../../../../test/app.ts';

let server: TestServer;
let service: Server;
let serviceUrl: string;

beforeAll(async () => {
  service = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ path: request.url, key: request.headers['idempotency-key'] }));
  });
  await new Promise<void>((listening) => service.listen(0, '127.0.0.1', listening));
  serviceUrl = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  server = await startTestServer({ settings: { OUTGOING_ALLOWED_HOSTS: ['127.0.0.1'] } });
});

afterAll(async () => {
  await server.close();
  service.closeAllConnections();
  await new Promise((closed) => service.close(closed));
});

// oxlint-disable-next-line typescript/no-explicit-any -- answers are looked at as they come over the wire
type Wire = any;

async function call(
  method: string,
  path: string,
  options: { key?: string; headers?: Record<string, string>; body?: unknown; text?: string } = {},
): Promise<{ status: number; headers: Headers; text: string; body: Wire }> {
  const response = await fetch(`${server.url}/v1/workflows${path}`, {
    method,
    headers: {
      'x-api-key': options.key ?? server.admin.apiKey,
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: options.text ?? JSON.stringify(options.body),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

const log = { nodes: [{ id: 'say', type: 'log', params: { message: 'Hi {{ input.name }}' } }], edges: [] };

async function create(fields: object = {}): Promise<Wire> {
  const { status, body } = await call('POST', '', { body: { name: 'Greeter', definition: log, ...fields } });
  expect(status).toBe(201);
  return body.data;
}

async function published(definition: object): Promise<string> {
  const { id } = await create({ definition });
  const { status, text } = await call('POST', `/${id}/publish`);
  expect([status, text]).toEqual([201, expect.anything()]);
  return id;
}

test('201: a new workflow, with its place', async () => {
  const { status, headers, body } = await call('POST', '', {
    body: { name: 'A', description: 'd', tags: ['t'], definition: log },
  });
  expect(status).toBe(201);
  expect(headers.get('location')).toBe(`/v1/workflows/${body.data.id}`);
  expect(body.data).toMatchObject({
    name: 'A',
    description: 'd',
    tags: ['t'],
    status: 'draft',
    revision: 1,
    definition: log,
    published_version: null,
    has_unpublished_changes: true,
    published_at: null,
  });
  const again = await call('GET', `/${body.data.id}`);
  expect(again.body.data).toEqual(body.data);
});

test('200: a list by name, with pages and without definitions', async () => {
  await create({ name: 'List A', tags: ['listed'] });
  await create({ name: 'List B', tags: ['listed'] });
  const { status, body } = await call('GET', '?tag=listed&sort=-name&per_page=1');
  expect(status).toBe(200);
  expect(body.data).toMatchObject([{ name: 'List B', node_count: 1 }]);
  expect(body.data[0]).not.toHaveProperty('definition');
  expect(body.pagination).toEqual({
    page: 1,
    per_page: 1,
    total_count: 2,
    total_pages: 2,
    has_next: true,
    has_prev: false,
  });
});

test('200: a change; 409: a change from an old revision', async () => {
  const { id } = await create();
  expect((await call('PATCH', `/${id}`, { body: { name: 'New', revision: 1 } })).body.data).toMatchObject({
    name: 'New',
    revision: 2,
  });
  const late = await call('PATCH', `/${id}`, { body: { name: 'Late', revision: 1 } });
  expect([late.status, late.body.error.code, late.body.error.details]).toEqual([
    409,
    'revision_conflict',
    { revision: 2 },
  ]);
});

test('204: deleted, and then gone', async () => {
  const { id } = await create();
  expect((await call('DELETE', `/${id}`)).status).toBe(204);
  expect((await call('GET', `/${id}`)).status).toBe(404);
  expect((await call('DELETE', `/${id}`)).body.error).toMatchObject({
    code: 'resource_not_found',
    details: { resource: 'workflow', id },
  });
});

test('200: validation lists every problem', async () => {
  const definition = {
    nodes: [
      { id: 'fetch', type: 'http.request', params: { method: 'GET' } },
      { id: 'x', type: 'nope', params: {} },
    ],
    edges: [{ id: 'e', from: 'fetch', to: 'y', port: 'default' }],
  };
  const { status, body } = await call('POST', '/validate', { body: { definition } });
  expect([status, body.data.valid]).toEqual([200, false]);
  expect(body.data.problems).toMatchObject([
    { code: 'invalid_params', node_id: 'fetch', field: 'nodes[0].params.url', hint: 'Add "url".' },
    { code: 'unknown_node_type', node_id: 'x', field: 'nodes[1].type' },
    { code: 'unknown_node', edge_id: 'e', field: 'edges[0].to' },
  ]);
});

describe('publishing', () => {
  test('201: a version, which later drafts leave alone', async () => {
    const { id } = await create();
    const { status, headers, body } = await call('POST', `/${id}/publish`, { body: { changelog: 'first' } });
    expect([status, headers.get('location')]).toEqual([201, `/v1/workflows/${id}/versions/1`]);
    expect(body.data).toMatchObject({ workflow_id: id, version: 1, changelog: 'first', definition: log });
    await call('PATCH', `/${id}`, { body: { definition: { nodes: [], edges: [] } } });
    expect((await call('GET', `/${id}/versions/1`)).body.data).toEqual(body.data);
    expect((await call('GET', `/${id}/versions`)).body.data).toMatchObject([{ version: 1, node_count: 1 }]);
    expect((await call('GET', `/${id}`)).body.data).toMatchObject({
      status: 'published',
      published_version: 1,
      has_unpublished_changes: true,
    });
  });

  test('400: a draft with problems names them all', async () => {
    const { id } = await create({ definition: { nodes: [{ id: 'BAD', type: 'nope', params: {} }], edges: [] } });
    const { status, body } = await call('POST', `/${id}/publish`);
    expect(status).toBe(400);
    expect(body.error).toMatchObject({
      code: 'validation_error',
      details: {
        errors: [
          { field: 'definition.nodes[0].id', node_id: 'BAD', location: 'body', hint: expect.any(String) },
          { field: 'definition.nodes[0].type', node_id: 'BAD' },
        ],
      },
    });
  });

  test('409: publishing twice is refused', async () => {
    const id = await published(log);
    const { status, body } = await call('POST', `/${id}/publish`);
    expect([status, body.error.code]).toEqual([409, 'workflow_already_published']);
  });

  test('404: a version that is not there', async () => {
    const id = await published(log);
    expect((await call('GET', `/${id}/versions/2`)).body.error.details).toEqual({
      resource: 'workflow_version',
      id: '2',
    });
  });
});

describe('executing', () => {
  const branching = (): object => ({
    nodes: [
      { id: 'fetch', type: 'http.request', params: { url: `${serviceUrl}/orders/{{ input.id }}` } },
      { id: 'price', type: 'transform', params: { value: { total: '{{ input.amount * 2 }}' } } },
      { id: 'large', type: 'condition', params: { expression: 'steps.price.output.total > 100' } },
      { id: 'pause', type: 'delay', params: { duration: '20ms' } },
      { id: 'label', type: 'code', params: { source: 'return `order ${input.id}`;' } },
      { id: 'small', type: 'set', params: { values: { size: 'small' } } },
    ],
    edges: [
      { id: 'e1', from: 'fetch', to: 'price', port: 'default' },
      { id: 'e2', from: 'price', to: 'large', port: 'default' },
      { id: 'e3', from: 'large', to: 'pause', port: 'true' },
      { id: 'e4', from: 'pause', to: 'label', port: 'default' },
      { id: 'e5', from: 'large', to: 'small', port: 'false' },
    ],
    input_schema: { type: 'object', required: ['id', 'amount'], properties: { amount: { type: 'number' } } },
    output: {
      path: '{{ steps.fetch.output.body.path }}',
      label: '{{ steps.label?.output }}',
      size: '{{ variables.size }}',
    },
  });

  test('200: with wait, the end of the run', async () => {
    const id = await published(branching());
    const { status, headers, body } = await call('POST', `/${id}/execute?wait=20s`, {
      body: { input: { id: 'a/1', amount: 80 }, metadata: { from: 'test' } },
    });
    expect([status, body.data.error]).toEqual([200, null]);
    expect(headers.get('location')).toBe(`/v1/executions/${body.data.id}`);
    expect(body.data).toMatchObject({
      status: 'completed',
      workflow_id: id,
      workflow_version: 1,
      metadata: { from: 'test' },
      output: { path: '/orders/a%2F1', label: 'order a/1', size: null },
    });
    const other = await call('POST', `/${id}/execute?wait=20s`, { body: { input: { id: 2, amount: 1 } } });
    expect(other.body.data.output).toEqual({ path: '/orders/2', label: null, size: 'small' });
  });

  test('202: without wait, at once', async () => {
    const id = await published(log);
    const { status, body } = await call('POST', `/${id}/execute`, { body: {} });
    expect([status, body.data.status, body.data.workflow_id]).toEqual([
      202,
      expect.stringMatching(/pending|running/),
      id,
    ]);
  });

  test('202: with a wait that is too short', async () => {
    const id = await published({ nodes: [{ id: 'pause', type: 'delay', params: { duration: '1h' } }], edges: [] });
    const { status, body } = await call('POST', `/${id}/execute?wait=1s`, { body: {} });
    expect([status, body.data.status]).toEqual([202, expect.stringMatching(/running|waiting/)]);
  });

  test('one execution for one Idempotency-Key', async () => {
    const id = await published(log);
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const first = await call('POST', `/${id}/execute?wait=20s`, { body: { input: { name: 'x' } }, headers });
    const second = await call('POST', `/${id}/execute?wait=20s`, { body: { input: { name: 'x' } }, headers });
    expect([first.status, first.body.data.id]).toEqual([200, second.body.data.id]);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
  });

  test('400: an input that breaks the input_schema', async () => {
    const id = await published(branching());
    const { status, body } = await call('POST', `/${id}/execute`, { body: { input: { amount: 'much' } } });
    expect([status, body.error.code]).toEqual([400, 'validation_error']);
  });

  test('409: a workflow that is not published, is paused or archived', async () => {
    const { id } = await create();
    const refused = async (): Promise<unknown[]> => {
      const { status, body } = await call('POST', `/${id}/execute`, { body: {} });
      return [status, body.error.code];
    };
    expect(await refused()).toEqual([409, 'workflow_not_published']);
    await call('POST', `/${id}/publish`);
    await call('PATCH', `/${id}`, { body: { status: 'paused' } });
    expect(await refused()).toEqual([409, 'workflow_paused']);
    await call('PATCH', `/${id}`, { body: { status: 'archived' } });
    expect(await refused()).toEqual([409, 'workflow_archived']);
  });

  test('200: a call to a private address fails the execution', async () => {
    const id = await published({
      nodes: [{ id: 'fetch', type: 'http.request', params: { url: 'http://169.254.169.254/latest' } }],
      edges: [],
    });
    const { body } = await call('POST', `/${id}/execute?wait=20s`, { body: {} });
    expect(body.data).toMatchObject({ status: 'failed', error: { code: 'http_refused_address', node_id: 'fetch' } });
  });
});

describe('import and export', () => {
  const yaml =
    'metadata:\n  name: From YAML\nnodes:\n  say:\n    type: log\n    params:\n      message: Hi ${ input.name }\n';

  test('201: YAML comes in, and goes out as it was', async () => {
    const { status, body } = await call('POST', '/import', {
      text: yaml,
      headers: { 'content-type': 'application/yaml' },
    });
    expect([status, body.data?.definition]).toEqual([201, log]);
    const { headers, text } = await call('GET', `/${body.data.id}/export`, { headers: { accept: 'application/yaml' } });
    expect(headers.get('content-type')).toMatch(/^application\/yaml/);
    expect(headers.get('content-disposition')).toBe('attachment; filename="from-yaml.yaml"');
    expect(text).toBe(yaml.replace('name: From YAML\n', 'name: From YAML\n  description: null\n  tags: []\n'));
  });

  test('200: as JSON, of a version', async () => {
    const id = await published(log);
    await call('PATCH', `/${id}`, { body: { definition: { nodes: [], edges: [] } } });
    const { body } = await call('GET', `/${id}/export?version=1`);
    expect(body).toEqual({ name: 'Greeter', description: null, tags: [], definition: log });
    const imported = await call('POST', '/import', { body });
    expect([imported.status, imported.body.data.definition]).toEqual([201, log]);
  });

  test('400: text that is no workflow', async () => {
    const { status, body } = await call('POST', '/import', {
      text: 'nodes: [',
      headers: { 'content-type': 'application/yaml' },
    });
    expect([status, body.error.code]).toEqual([400, 'validation_error']);
  });
});

test("404: another organisation's workflow is not there", async () => {
  const id = await published(log);
  const { apiKey } = await server.createOrganisation();
  for (const [method, path, body] of [
    ['GET', ''],
    ['PATCH', '', { name: 'x' }],
    ['DELETE', ''],
    ['POST', '/publish'],
    ['GET', '/versions'],
    ['GET', '/versions/1'],
    ['POST', '/execute', {}],
    ['GET', '/export'],
  ] as const) {
    const refused = await call(method, `/${id}${path}`, { key: apiKey, body });
    expect([method, path, refused.status, refused.body.error.details.id]).toEqual([method, path, 404, id]);
  }
});
