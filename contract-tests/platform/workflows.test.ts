import { describe, expect, test } from '@jest/globals';
import { NotFoundError, ValidationError } from '#sdk';
import type { models } from '#sdk';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, FAILING, publishedWorkflow, QUICK } from '../harness/resources.ts';

const harness = useContractHarness();

describe('through the SDK', () => {
  test('create, change, publish, look back at the version, delete', async () => {
    const fp = harness().sdk();
    const created = await fp.workflows.create({ name: 'Orders', tags: ['shop'], definition: QUICK });
    expect(created).toMatchObject({ name: 'Orders', status: 'draft', revision: 1, published_version: null });
    const version = await fp.workflows.publish(created.id, {});
    const changed = await fp.workflows.update(created.id, { definition: FAILING });
    expect(changed).toMatchObject({ status: 'published', has_unpublished_changes: true });
    const kept = await fp.workflows.getVersion(created.id, version.version);
    expect(kept.definition.nodes.map((node) => node.id)).toEqual(['double', 'say']);
    await fp.workflows.delete(created.id);
    await expect(harness().sdk({ negative: true }).workflows.get(created.id)).rejects.toThrow(NotFoundError);
  });

  test('a list is walked over its pages', async () => {
    const fp = harness().sdk();
    for (const name of ['Paged a', 'Paged b', 'Paged c']) await fp.workflows.create({ name, tags: ['paged'] });
    const names: string[] = [];
    for await (const workflow of fp.workflows.list({ tag: 'paged', sort: 'name', per_page: 2 }))
      names.push(workflow.name);
    expect(names).toEqual(['Paged a', 'Paged b', 'Paged c']);
  });

  test('tags of any characters come back as they are, and are found', async () => {
    const fp = harness().sdk();
    const tags = ['null', 'NULL', ' ', '\r', 'a\nb', String.raw`a\n"b"`, '{x,y}', "it's", '\u00a0', ' lead'];
    const { id } = await fp.workflows.create({ name: 'Tagged', tags });
    expect((await fp.workflows.get(id)).tags).toEqual(tags);
    for (const tag of tags) expect((await fp.workflows.list({ tag })).data).toMatchObject([{ id, tags }]);
    expect((await fp.workflows.update(id, { tags: tags.slice(3) })).tags).toEqual(tags.slice(3));
  });

  test('a refusal is a typed error with every problem', async () => {
    const fp = harness().sdk({ negative: true });
    const refused = fp.workflows.create({ name: '', tags: ['x', 'x'] });
    await expect(refused).rejects.toThrow(ValidationError);
    await expect(refused).rejects.toMatchObject({ status: 400, code: 'validation_error' });
  });
});

describe('listWorkflows', () => {
  test('200: by status, tag and search', async () => {
    const id = await publishedWorkflow(harness(), QUICK, 'Needle in 100% hay_stack');
    await harness().call('createWorkflow', { json: { name: 'Needless' } });
    const found = await harness().call('listWorkflows', { query: { status: 'published', search: 'needle' } });
    expect(found.body.data.map((workflow: { id: string }) => workflow.id)).toEqual([id]);
    const literal = await harness().call('listWorkflows', { query: { search: '0% hay_' } });
    expect(literal.body.pagination.total_count).toBe(1);
    const none = await harness().call('listWorkflows', { query: { search: 'no such thing' } });
    expect(none.body).toMatchObject({ data: [], pagination: { total_count: 0, has_next: false } });
  });
});

describe('validateWorkflow', () => {
  test('200: lists every problem', async () => {
    const definition = {
      nodes: [
        { id: 'a', type: 'no.such', params: {} },
        { id: 'b', type: 'set', params: { values: { x: '{{ 1 + }}' } } },
      ],
      edges: [{ id: 'e', from: 'a', to: 'ghost', port: 'default' }],
    };
    const { body } = await harness().call('validateWorkflow', { json: { definition } });
    expect(body.data.valid).toBe(false);
    expect(body.data.problems.length).toBeGreaterThanOrEqual(3);
  });

  test('200: a good one has none', async () => {
    const { body } = await harness().call('validateWorkflow', { json: { definition: QUICK } });
    expect(body.data).toEqual({ valid: true, problems: [], warnings: [] });
  });

  test('200: a call of a workflow that is there and not published is a warning', async () => {
    const workflow_id = await draftWorkflow(harness());
    const definition = { nodes: [{ id: 'call', type: 'workflow.call', params: { workflow_id } }], edges: [] };
    const { body } = await harness().call('validateWorkflow', { json: { definition } });
    expect(body.data).toMatchObject({
      valid: true,
      warnings: [{ code: 'workflow_not_published', node_id: 'call', field: 'nodes[0].params.workflow_id' }],
    });
  });
});

describe('updateWorkflow', () => {
  test('409: somebody else was faster', async () => {
    const { body } = await harness().call('createWorkflow', { json: { name: 'Raced' } });
    const path = { workflow_id: body.data.id as string };
    await harness().call('updateWorkflow', { path, json: { name: 'First', revision: 1 } });
    await harness().refused(
      'updateWorkflow',
      { path, json: { name: 'Second', revision: 1 } },
      409,
      'revision_conflict',
    );
  });

  test('200: paused and back', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()) };
    await harness().call('updateWorkflow', { path, json: { status: 'paused' } });
    await harness().refused('executeWorkflow', { path, json: { input: { n: 1 } } }, 409, 'workflow_paused');
    const resumed = await harness().call('updateWorkflow', { path, json: { status: 'published' } });
    expect(resumed.body.data.status).toBe('published');
  });
});

describe('publishWorkflow', () => {
  test('400: an invalid draft, with every problem', async () => {
    const definition = { nodes: [{ id: 'a', type: 'no.such', params: {} }], edges: [] };
    const { body } = await harness().call('createWorkflow', { json: { name: 'Broken', definition } });
    const refused = await harness().refused(
      'publishWorkflow',
      { path: { workflow_id: body.data.id }, json: {} },
      400,
      'validation_error',
    );
    expect(refused.body.error.details.errors).toContainEqual(expect.objectContaining({ node_id: 'a' }));
  });

  test('409: nothing changed since', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()) };
    await harness().refused('publishWorkflow', { path, json: {} }, 409, 'workflow_already_published');
  });
});

describe('listWorkflowVersions', () => {
  test('200: newest first', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()) };
    await harness().call('updateWorkflow', { path, json: { definition: FAILING } });
    await harness().call('publishWorkflow', { path, json: {} });
    const { body } = await harness().call('listWorkflowVersions', { path });
    expect(body.data.map((version: { version: number }) => version.version)).toEqual([2, 1]);
  });
});

describe('exportWorkflow and importWorkflow', () => {
  const layers = 'application/vnd.flowpact.layers+json';

  test.each(['application/json', 'application/yaml', layers])(
    '200: %s comes back as the same workflow',
    async (mediaType) => {
      const path = { workflow_id: await publishedWorkflow(harness(), QUICK, 'Portable') };
      const exported = await harness().call('exportWorkflow', { path, headers: { accept: mediaType } });
      const imported = await harness().call('importWorkflow', {
        raw: exported.text,
        headers: { 'content-type': mediaType },
      });
      expect(imported.status).toBe(201);
      expect(imported.body.data).toMatchObject({ name: 'Portable', definition: QUICK, status: 'draft' });
    },
  );

  test('a workflow that is imported as layers runs layer by layer, past those that are filtered out', async () => {
    const { workflows, executions } = harness().sdk();
    const layer = (id: string, index: number): models.Layer => {
      return { id, index, type: 'log', params: { level: 'info', message: id } };
    };
    const large: models.LayerFilter = { left_value: '{{ input.total }}', operator: 'gt', right_value: 1_000 };
    const urgent: models.LayerFilter = { left_value: '{{ input.tags }}', operator: 'contains', right_value: 'urgent' };
    const { id } = await workflows.import(
      {
        name: 'Layered',
        layers: [
          layer('read', 0),
          { ...layer('approve', 1), filters: [large, { ...urgent, mode: 'or' }] },
          { ...layer('pack', 2), retry: { count: 1, delay_ms: 10 } },
          layer('bill', 2),
          layer('send', 3),
        ],
      },
      { contentType: layers },
    );
    await workflows.publish(id, {});
    const statuses = async (input: Record<string, unknown>): Promise<Record<string, string>> => {
      const { id: execution, status } = await workflows.execute(id, { input, wait: '10s' });
      expect(status).toBe('completed');
      const { data: steps } = await executions.listSteps(execution);
      return Object.fromEntries(steps.map((step) => [step.node_id, step.status]));
    };
    const done = { read: 'completed', pack: 'completed', bill: 'completed', send: 'completed' };
    expect(await statuses({ total: 5, tags: [] })).toEqual({ ...done, approve: 'skipped' });
    expect(await statuses({ total: 5, tags: ['urgent'] })).toEqual({ ...done, approve: 'completed' });
  });

  test('a layer has all that a node has, and 400: nothing else', async () => {
    const layer = {
      id: 'a',
      index: 0,
      type: 'set',
      params: { values: {} },
      join: 1,
      on_error: 'continue',
      needs_approval: true,
      position: { x: 1, y: 2 },
    };
    const send = (more: object) => {
      const raw = JSON.stringify({ name: 'x', layers: [{ ...layer, ...more }] });
      return harness().call('importWorkflow', { raw, headers: { 'content-type': layers } });
    };
    const { index: _, ...node } = layer;
    expect((await send({})).body.data.definition.nodes).toEqual([node]);
    const { status, body } = await send({ on_fail: 'continue' });
    expect(status).toBe(400);
    expect(body.error.details.errors[0].field).toContain('on_fail');
  });

  test('400: layers that are none are told by their place', async () => {
    const raw = JSON.stringify({ name: 'x', layers: [{ id: 'a', type: 'log' }] });
    const { body } = await harness().refused(
      'importWorkflow',
      { raw, headers: { 'content-type': layers } },
      400,
      'validation_error',
    );
    expect(body.error.details.errors[0].field).toContain('layers');
  });

  test('400: text that is no YAML', async () => {
    const options = { raw: 'a: [1', headers: { 'content-type': 'application/yaml' } };
    await harness().refused('importWorkflow', options, 400, 'validation_error');
  });
});
