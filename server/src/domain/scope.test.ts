import { expect, test } from '@jest/globals';
import { expandGrants, scopes } from './scope.ts';

test('grants expand to single scopes, each once', () => {
  expect(expandGrants(['workflow-executor', 'workflows:read', 'api-keys:read'])).toEqual([
    'workflows:read',
    'workflows:execute',
    'executions:read',
    'executions:cancel',
    'triggers:read',
    'triggers:execute',
    'api-keys:read',
  ]);
  expect(expandGrants(['full-access'])).toEqual(scopes);
});
