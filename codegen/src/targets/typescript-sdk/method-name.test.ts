import { expect, test } from '@jest/globals';
import type { OperationPlan } from '../../plan/plan.ts';
import { methodName } from './method-name.ts';

test.each([
  ['listWorkflows', 'workflows', '/workflows', 'list'],
  ['getWorkflow', 'workflows', '/workflows/{workflow_id}', 'get'],
  ['listWorkflowVersions', 'workflows', '/workflows/{workflow_id}/versions', 'listVersions'],
  ['listWorkflowExecutions', 'executions', '/workflows/{workflow_id}/executions', 'listForWorkflow'],
  ['listActiveExecutions', 'executions', '/executions/active', 'listActive'],
  ['streamExecutionEvents', 'executions', '/executions/{execution_id}/events', 'streamEvents'],
  ['rotateApiKey', 'api-keys', '/api-keys/{api_key_id}/rotate', 'rotate'],
  ['listScopes', 'api-keys', '/scopes', 'listScopes'],
  ['getHealth', 'health', '/health', 'get'],
  ['getHealthLive', 'health', '/health/live', 'getLive'],
  ['login', 'auth', '/login', 'login'],
  ['getCurrentUser', 'auth', '/me', 'getCurrentUser'],
  ['getBookings', 'Bookings', '/bookings', 'list'],
  ['getBooking', 'Bookings', '/bookings/{bookingId}', 'get'],
  ['list_pets', 'pets', '/pets', 'list'],
  ['deleteCompany', 'companies', '/companies/{id}', 'delete'],
  ['getStatus', 'status', '/status', 'get'],
  ['toString', 'default', '/x', 'toString'],
])('%s of %s at %s is %s', (name, tag, path, want) => {
  const plan = { name, tag: { name: tag }, operation: { path } } as OperationPlan;
  expect(methodName(plan)).toBe(want);
});
