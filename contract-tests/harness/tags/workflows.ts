import type { ContractHarness } from '../contract-harness.ts';
import { draftWorkflow, publishedWorkflow, QUICK, SLOW } from '../resources.ts';
import type { TagRequests } from './tag-requests.ts';

export const workflows: TagRequests = {
  async good(harness) {
    const path = { workflow_id: await publishedWorkflow(harness) };
    return {
      listWorkflows: {},
      createWorkflow: { json: { name: 'Matrix' } },
      validateWorkflow: { json: { definition: QUICK } },
      importWorkflow: { json: { name: 'Matrix', definition: QUICK } },
      getWorkflow: { path },
      updateWorkflow: { path, json: { name: 'Matrix' } },
      deleteWorkflow: { path },
      publishWorkflow: { path, json: {} },
      listWorkflowVersions: { path },
      getWorkflowVersion: { path: { ...path, version: '1' } },
      executeWorkflow: { path, json: { input: { n: 1 } } },
      exportWorkflow: { path },
    };
  },
  writes: ['workflow', 'workflow_version', 'execution'],
  idempotent: {
    createWorkflow: async () => ({ first: { json: { name: 'A' } }, other: { name: 'B' } }),
    importWorkflow: async () => ({
      first: { json: { name: 'A', definition: QUICK } },
      other: { name: 'B', definition: QUICK },
    }),
    publishWorkflow: async (harness) => ({
      first: { path: { workflow_id: await draftWorkflow(harness) }, json: { changelog: 'first' } },
      other: { changelog: 'second' },
    }),
    executeWorkflow: async (harness) => ({
      first: { path: { workflow_id: await publishedWorkflow(harness) }, json: { input: { n: 1 } } },
      other: { input: { n: 2 } },
    }),
  },
  around: {
    publishWorkflow: async (harness) => ({ path: { workflow_id: await draftWorkflow(harness, SLOW) } }),
    executeWorkflow: async (harness) => ({ path: { workflow_id: await exampleWorkflow(harness) } }),
    async updateWorkflow(harness, { revision: _invented, ...changes }) {
      return { path: { workflow_id: await draftWorkflow(harness, SLOW) }, json: changes };
    },
  },
};

/** The workflow of the `createWorkflow` example, published: the examples of the contract tell one story. */
async function exampleWorkflow(harness: ContractHarness): Promise<string> {
  const { requestBody } = harness.verifier.contract.operation('createWorkflow');
  const { example } = requestBody!.content['application/json']!;
  return publishedWorkflow(harness, (example as { definition: unknown }).definition, 'Example');
}
