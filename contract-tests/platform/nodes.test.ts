import { describe, expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';
import { draftWorkflow, publishedWorkflow, QUICK } from '../harness/resources.ts';

const harness = useContractHarness();
const log = (id: string): { id: string; type: string; params: Record<string, unknown> } => ({
  id,
  type: 'log',
  params: { level: 'info', message: 'Hello' },
});

describe('nodes of a draft', () => {
  test('a workflow is built node by node and edge by edge, and runs', async () => {
    const { workflows, nodes, executions } = harness().sdk();
    const { id } = await workflows.create({ name: 'Built' });
    await nodes.add(id, { id: 'double', type: 'set', params: { values: { twice: '{{ input.n * 2 }}' } } });
    const added = await nodes.add(id, log('say'));
    expect(added).toEqual({ node: log('say'), problems: [], revision: 3 });
    await nodes.addEdge(id, { id: 'e1', from: 'double', to: 'say', port: 'default' });
    expect((await nodes.list(id)).data.map((node) => node.id)).toEqual(['double', 'say']);
    await workflows.publish(id, {});
    const started = await workflows.execute(id, { input: { n: 2 }, wait: '10s' });
    const { data: steps } = await executions.listSteps(started.id);
    expect(steps.map(({ node_id, status }) => [node_id, status])).toEqual([
      ['double', 'completed'],
      ['say', 'completed'],
    ]);
  });

  test('an answer lists what keeps the node from being published', async () => {
    const path = { workflow_id: await draftWorkflow(harness()) };
    const json = { id: 'call', type: 'http.request', params: { method: 'GET' } };
    const { body } = await harness().call('addWorkflowNode', { path, json });
    expect(body.data.problems).toContainEqual(expect.objectContaining({ code: 'invalid_params', node_id: 'call' }));
  });

  test('a node that is renamed keeps its edges, and takes them along when it goes', async () => {
    const path = { workflow_id: await draftWorkflow(harness()), node_id: 'say' };
    const renamed = await harness().call('replaceWorkflowNode', { path, json: log('tell') });
    expect(renamed.body.data.node.id).toBe('tell');
    const got = await harness().call('getWorkflowNode', { path: { ...path, node_id: 'tell' } });
    expect(got.body.data).toEqual(log('tell'));
    const edge = await harness().call('getWorkflowEdge', { path: { ...path, edge_id: 'e1' } });
    expect(edge.body.data).toMatchObject({ from: 'double', to: 'tell' });
    const removed = await harness().call('deleteWorkflowNode', { path: { ...path, node_id: 'tell' } });
    expect(removed.body.data).toEqual({ removed_edges: ['e1'], revision: 3 });
    await harness().refused('getWorkflowNode', { path: { ...path, node_id: 'tell' } }, 404, 'resource_not_found');
  });

  test('400: an id that is taken, and a node without a type', async () => {
    const path = { workflow_id: await draftWorkflow(harness()) };
    const taken = await harness().refused('addWorkflowNode', { path, json: log('say') }, 400, 'validation_error');
    expect(taken.body.error.details.errors[0]).toMatchObject({ field: 'id', location: 'body' });
    await harness().refused('addWorkflowNode', { path, json: { id: 'x', params: {} } }, 400, 'validation_error');
  });

  test('409: a change from another revision, and any change of an archived workflow', async () => {
    const path = { workflow_id: await draftWorkflow(harness()), node_id: 'say', edge_id: 'e1' };
    const edge = { ...QUICK.edges[0] };
    const late: [string, unknown][] = [
      ['addWorkflowNode', log('new')],
      ['replaceWorkflowNode', log('say')],
      ['deleteWorkflowNode', undefined],
      ['addWorkflowEdge', { ...edge, id: 'e2' }],
      ['replaceWorkflowEdge', edge],
      ['deleteWorkflowEdge', undefined],
    ];
    for (const [id, json] of late) {
      await harness().refused(id, { path, json, query: { revision: 7 } }, 409, 'revision_conflict');
    }
    await harness().call('updateWorkflow', { path, json: { status: 'archived' } });
    for (const [id, json] of late) await harness().refused(id, { path, json }, 409, 'workflow_archived');
  });

  test('the published version stays as it is', async () => {
    const path = { workflow_id: await publishedWorkflow(harness()), node_id: 'say' };
    await harness().call('deleteWorkflowNode', { path });
    const { body } = await harness().call('getWorkflowVersion', { path: { ...path, version: '1' } });
    expect(body.data.definition.nodes).toHaveLength(2);
  });
});

describe('edges of a draft', () => {
  test('an edge is moved and removed; its nodes stay', async () => {
    const path = { workflow_id: await draftWorkflow(harness()), edge_id: 'e1' };
    const json = { id: 'e1', from: 'say', to: 'double', port: 'default' };
    const replaced = await harness().call('replaceWorkflowEdge', { path, json });
    expect(replaced.body.data).toMatchObject({ edge: json, revision: 2 });
    await harness().call('deleteWorkflowEdge', { path });
    const { body } = await harness().call('listWorkflowEdges', { path });
    expect(body.data).toEqual([]);
    expect((await harness().call('listWorkflowNodes', { path })).body.pagination.total_count).toBe(2);
  });

  test('400: an edge to a node that is not there', async () => {
    const path = { workflow_id: await draftWorkflow(harness()) };
    const json = { id: 'e2', from: 'double', to: 'nobody', port: 'default' };
    const { body } = await harness().refused('addWorkflowEdge', { path, json }, 400, 'validation_error');
    expect(body.error.details.errors).toEqual([expect.objectContaining({ field: 'to' })]);
  });
});

describe('node types', () => {
  test('every type can be looked up; an unknown one is not there', async () => {
    const { body } = await harness().call('listNodeTypes', { query: { per_page: 100 } });
    expect(body.data).toHaveLength(body.pagination.total_count);
    expect(body.data.length).toBeGreaterThan(10);
    for (const { type } of body.data) {
      expect((await harness().call('getNodeType', { path: { node_type: type } })).body.data.type).toBe(type);
    }
    await harness().refused('getNodeType', { path: { node_type: 'telepathy' } }, 404, 'resource_not_found');
  });
});
