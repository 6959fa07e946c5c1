import { expect, test } from '@jest/globals';
import { Scope, camelCase, isIdentifier, kebabCase, pascalCase } from './names.ts';

test.each([
  ['list-users', 'listUsers', 'ListUsers', 'list-users'],
  ['listUsers', 'listUsers', 'ListUsers', 'list-users'],
  ['LIST_USERS', 'listUsers', 'ListUsers', 'list-users'],
  ['OAuth2Token', 'oAuth2Token', 'OAuth2Token', 'o-auth-2-token'],
  ['getHTTPStatus', 'getHttpStatus', 'GetHttpStatus', 'get-http-status'],
  ['2fa codes', '_2FaCodes', '_2FaCodes', '2-fa-codes'],
  ['Größe', 'große', 'Große', 'große'],
  ["user's key", 'usersKey', 'UsersKey', 'users-key'],
  ['日本', '日本', '日本', '日本'],
  ['*/*', '', '', ''],
])('the words of %s', (given, camel, pascal, kebab) => {
  expect([camelCase(given), pascalCase(given), kebabCase(given)]).toEqual([camel, pascal, kebab]);
});

test.each([
  ['name', true],
  ['$ref', true],
  ['a-b', false],
  ['1a', false],
  ['delete', false],
  ['type', false],
])('%s is an identifier: %s', (given, want) => {
  expect(isIdentifier(given)).toBe(want);
});

test('a scope hands out each name once, whatever its case', () => {
  const scope = new Scope(['Promise']);
  expect(scope.claim('Pet')).toBe('Pet');
  expect(scope.claim('pet')).toBe('pet2');
  expect(scope.claim('Pet', 'PetOperation')).toBe('PetOperation');
  expect(scope.claim('Pet', 'PetOperation')).toBe('PetOperation2');
  expect(scope.claim('Promise')).toBe('Promise2');
});
