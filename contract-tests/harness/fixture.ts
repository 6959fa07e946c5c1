import type { CallOptions, ContractHarness } from './contract-harness.ts';

/** Everything that a request of the matrix may need, made through the API. */
export interface Fixture {
  /** One good request per operation; its effects are harmless to the others unless it is sent. */
  requests: Record<string, CallOptions>;
  keys: Record<'invalid_api_key' | 'expired_api_key' | 'revoked_api_key' | 'workflowsOnly' | 'apiKeysOnly', string>;
  /** A second organisation. */
  stranger: { apiKey: string };
}

/** A workflow that ends at once. */
export const QUICK = {
  nodes: [
    { id: 'double', type: 'set', params: { values: { twice: '{{ input.n * 2 }}' } } },
    { id: 'say', type: 'log', params: { level: 'info', message: 'Twice is {{ steps.double.output.twice }}' } },
  ],
  edges: [{ id: 'e1', from: 'double', to: 'say', port: 'default' }],
  input_schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
  output: { twice: '{{ steps.double.output.twice }}' },
};

/** A workflow that waits until it is cancelled or ten minutes have passed. */
export const SLOW = { nodes: [{ id: 'pause', type: 'delay', params: { duration: '10m' } }], edges: [] };

/** A workflow that fails. */
export const FAILING = { nodes: [{ id: 'stop', type: 'fail', params: { message: 'No more.' } }], edges: [] };

/** Makes and publishes a workflow; answers its id. */
export async function publishedWorkflow(
  harness: ContractHarness,
  definition: unknown = QUICK,
  name = 'Fixture',
): Promise<string> {
  const created = await harness.call('createWorkflow', { json: { name, definition } });
  const path = { workflow_id: created.body.data.id as string };
  await harness.call('publishWorkflow', { path, json: {} });
  return path.workflow_id;
}

/** Makes an API key and answers its id and secret. */
export async function apiKey(
  harness: ContractHarness,
  json: Record<string, unknown>,
): Promise<{ id: string; secret: string }> {
  const { body } = await harness.call('createApiKey', { json: { name: 'Fixture', ...json } });
  return { id: body.data.api_key.id, secret: body.data.secret };
}

export async function createFixture(harness: ContractHarness): Promise<Fixture> {
  const stranger = await harness.server.createOrganisation();
  const workflowId = await publishedWorkflow(harness);
  const executed = await harness.call('executeWorkflow', {
    path: { workflow_id: workflowId },
    query: { wait: '10s' },
    json: { input: { n: 1 } },
  });
  const executionId = executed.body.data.id as string;
  const subject = await apiKey(harness, { scopes: ['workflows:read'] });
  return {
    requests: goodRequests(harness, workflowId, executionId, subject.id),
    keys: await refusedKeys(harness),
    stranger,
  };
}

async function refusedKeys(harness: ContractHarness): Promise<Fixture['keys']> {
  const expiresAt = Date.now() + 1_000;
  const expired = await apiKey(harness, { scopes: ['workflows:read'], expires_at: new Date(expiresAt).toISOString() });
  const revoked = await apiKey(harness, { scopes: ['workflows:read'] });
  await harness.call('revokeApiKey', { path: { api_key_id: revoked.id } });
  const workflowsOnly = await apiKey(harness, { scopes: ['workflows:read'] });
  const apiKeysOnly = await apiKey(harness, { scopes: ['api-keys:read'] });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, expiresAt - Date.now() + 50)));
  return {
    invalid_api_key: `fp_live_${'A'.repeat(32)}`,
    expired_api_key: expired.secret,
    revoked_api_key: revoked.secret,
    workflowsOnly: workflowsOnly.secret,
    apiKeysOnly: apiKeysOnly.secret,
  };
}

function goodRequests(
  harness: ContractHarness,
  workflowId: string,
  executionId: string,
  apiKeyId: string,
): Record<string, CallOptions> {
  const workflow = { workflow_id: workflowId };
  const execution = { execution_id: executionId };
  const key = { api_key_id: apiKeyId };
  const { email, password } = harness.server.admin;
  return {
    login: { json: { email, password } },
    refreshSession: { json: { refresh_token: `fpr_${'A'.repeat(43)}` } },
    logout: {},
    getCurrentUser: {},
    listApiKeys: {},
    createApiKey: { json: { name: 'Matrix', scopes: ['workflows:read'] } },
    getApiKey: { path: key },
    updateApiKey: { path: key, json: { name: 'Matrix' } },
    rotateApiKey: { path: key, json: {} },
    revokeApiKey: { path: key },
    listScopes: {},
    listWorkflows: {},
    createWorkflow: { json: { name: 'Matrix' } },
    validateWorkflow: { json: { definition: QUICK } },
    importWorkflow: { json: { name: 'Matrix', definition: QUICK } },
    getWorkflow: { path: workflow },
    updateWorkflow: { path: workflow, json: { name: 'Matrix' } },
    deleteWorkflow: { path: workflow },
    publishWorkflow: { path: workflow, json: {} },
    listWorkflowVersions: { path: workflow },
    getWorkflowVersion: { path: { ...workflow, version: '1' } },
    executeWorkflow: { path: workflow, json: { input: { n: 1 } } },
    exportWorkflow: { path: workflow },
    listWorkflowExecutions: { path: workflow },
    listExecutions: {},
    getExecution: { path: execution },
    cancelExecution: { path: execution },
    listExecutionSteps: { path: execution },
    listExecutionLogs: { path: execution },
    streamExecutionEvents: { path: execution },
    getHealth: {},
    getLiveness: {},
    getReadiness: {},
  };
}
