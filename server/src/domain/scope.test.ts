import { expect, test } from '@jest/globals';
import { expandGrants, scopes } from './scope.ts';

test('grants expand to single scopes, each once', () => {
  expect(expandGrants(['read-only', 'workflows:read', 'workflows:write'])).toEqual([
    'workflows:read',
    'workflows:write',
    'executions:read',
    'api-keys:read',
  ]);
  expect(expandGrants(['full-access'])).toEqual(scopes);
});
