import { expect, test } from '@jest/globals';
import { contract } from '#generated/platform/index.ts';

/**
 * What each operation that changes something takes, for what it lets happen: `nobody` needs no credentials, `anybody` some. A
 * comment names what it takes besides for some requests, which scopes-of-effects.test.ts tries.
 */
const needed: Readonly<Record<string, string>> = {
  login: 'nobody',
  refreshSession: 'nobody',
  requestPasswordReset: 'nobody',
  confirmPasswordReset: 'nobody', // the token of a mail
  logout: 'anybody',
  createApiKey: 'api-keys:write', // every scope that is given
  updateApiKey: 'api-keys:write', // every scope that the key has or gets
  revokeApiKey: 'api-keys:write', // every scope that the key has
  rotateApiKey: 'api-keys:write', // every scope that the key has
  createWorkflow: 'workflows:write',
  validateWorkflow: 'workflows:read',
  importWorkflow: 'workflows:write',
  updateWorkflow: 'workflows:write',
  deleteWorkflow: 'workflows:write',
  publishWorkflow: 'workflows:write',
  executeWorkflow: 'workflows:execute',
  addWorkflowNode: 'workflows:write',
  replaceWorkflowNode: 'workflows:write',
  deleteWorkflowNode: 'workflows:write',
  addWorkflowEdge: 'workflows:write',
  replaceWorkflowEdge: 'workflows:write',
  deleteWorkflowEdge: 'workflows:write',
  bulkCancelExecutions: 'executions:cancel',
  bulkRetryExecutions: 'workflows:execute',
  deleteExecution: 'executions:write',
  cancelExecution: 'executions:cancel',
  pauseExecution: 'executions:write',
  resumeExecution: 'executions:write',
  retryExecution: 'workflows:execute executions:read',
  replayExecution: 'workflows:execute executions:read',
  sendCallback: 'nobody',
  approveApproval: 'executions:write',
  declineApproval: 'executions:write',
  cancelBulkJob: 'executions:cancel',
  createGroup: 'groups:write',
  updateGroup: 'groups:write',
  deleteGroup: 'groups:write',
  createChannel: 'channels:write workflows:execute',
  updateChannel: 'channels:write', // more to call, or by more: workflows:execute
  deleteChannel: 'channels:write',
  rotateChannelToken: 'channels:write workflows:execute',
  createForm: 'forms:write', // with a workflow: workflows:execute
  updateForm: 'forms:write', // with a workflow: workflows:execute
  deleteForm: 'forms:write',
  publishForm: 'forms:write', // that starts workflows: workflows:execute
  unpublishForm: 'forms:write',
  submitForm: 'nobody',
  deleteFormSubmission: 'submissions:write',
  createStreamTicket: 'executions:read',
  createSchedule: 'triggers:write workflows:execute',
  previewSchedule: 'triggers:read',
  updateSchedule: 'triggers:write', // when or with what it starts: workflows:execute
  deleteSchedule: 'triggers:write',
  pauseSchedule: 'triggers:write',
  resumeSchedule: 'triggers:write workflows:execute',
  createTrigger: 'triggers:write workflows:execute', // for events: what reads each of them
  updateTrigger: 'triggers:write', // what it starts or who starts it: workflows:execute; for events: what reads each of them
  deleteTrigger: 'triggers:write',
  enableTrigger: 'triggers:write workflows:execute', // for events: what reads each of them
  disableTrigger: 'triggers:write',
  executeTrigger: 'triggers:execute',
  rotateTriggerSecret: 'triggers:write workflows:execute',
  createSecret: 'secrets:write',
  updateSecret: 'secrets:write',
  deleteSecret: 'secrets:write',
  createCredential: 'credentials:write',
  updateCredential: 'credentials:write',
  deleteCredential: 'credentials:write',
  setKvEntry: 'kv:write',
  deleteKvEntry: 'kv:write',
  appendToKvEntry: 'kv:write',
  createWebhook: 'webhooks:write', // what reads each event
  updateWebhook: 'webhooks:write', // url, events, enabling: what reads each event
  deleteWebhook: 'webhooks:write',
  rotateWebhookSecret: 'webhooks:write',
  testWebhook: 'webhooks:write',
  recoverWebhook: 'webhooks:write',
  resendWebhookDelivery: 'webhooks:write',
};

test('every operation that changes something asks for the scopes of what it lets happen', () => {
  const asked = Object.values(contract.operations)
    .filter(({ method }) => method !== 'GET')
    .map(({ id, security }): [string, string] => {
      const [scopes] = security.flatMap((requirement) => Object.values(requirement));
      return [id, scopes === undefined ? 'nobody' : scopes.join(' ') || 'anybody'];
    });
  expect(Object.fromEntries(asked)).toEqual(needed);
});
