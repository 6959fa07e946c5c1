import type { ApiCaller, CallOptions } from '../contract-harness.ts';
import { draftWorkflow } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

const node = (id: string): object => ({ id, type: 'log', params: { level: 'info', message: 'Hello' } });
const edge = (id: string): object => ({ id, from: 'total', to: 'note', port: 'default' });

/** A draft with the nodes `total` and `note`, and `e1` between them, as the examples of the contract suppose. */
async function draft(harness: ApiCaller, edges = [edge('e1')]): Promise<{ workflow_id: string }> {
  const nodes = [{ id: 'total', type: 'set', params: { values: {} } }, node('note')];
  return { workflow_id: await draftWorkflow(harness, { nodes, edges }) };
}

const fresh = async (first: (path: { workflow_id: string }) => CallOptions, other: object, harness: ApiCaller) => ({
  first: first(await draft(harness)),
  other,
});

export const nodes: TagRequests = {
  async good(harness) {
    const workflow = await draft(harness);
    const aNode = { ...workflow, node_id: 'note' };
    const anEdge = { ...workflow, edge_id: 'e1' };
    return {
      listWorkflowNodes: { path: workflow },
      addWorkflowNode: { path: workflow, json: node('more') },
      getWorkflowNode: { path: aNode },
      replaceWorkflowNode: { path: aNode, json: node('note') },
      deleteWorkflowNode: { path: aNode },
      listWorkflowEdges: { path: workflow },
      addWorkflowEdge: { path: workflow, json: edge('e2') },
      getWorkflowEdge: { path: anEdge },
      replaceWorkflowEdge: { path: anEdge, json: edge('e1') },
      deleteWorkflowEdge: { path: anEdge },
      listNodeTypes: {},
      getNodeType: { path: { node_type: 'log' } },
    };
  },
  shared: ['getNodeType'],
  writes: ['workflow'],
  idempotent: {
    addWorkflowNode: (harness) => fresh((path) => ({ path, json: node('more') }), node('other'), harness),
    addWorkflowEdge: (harness) => fresh((path) => ({ path, json: edge('e2') }), edge('e3'), harness),
  },
  around: {
    addWorkflowNode: async (harness) => ({ path: { workflow_id: await draftWorkflow(harness) } }),
    replaceWorkflowNode: async (harness) => ({ path: { ...(await draft(harness)), node_id: 'note' } }),
    addWorkflowEdge: async (harness) => ({ path: await draft(harness, []) }),
    replaceWorkflowEdge: async (harness) => ({ path: { ...(await draft(harness)), edge_id: 'e1' } }),
  },
};
