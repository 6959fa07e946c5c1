import { expect, test } from '@jest/globals';
import { contract } from '#generated/platform/index.ts';
import { scopeBundles, scopes } from '../../../domain/scope.ts';

const { schemas } = contract.document.components as { schemas: Record<string, { enum?: string[] }> };

test('the scopes that the contract names are the ones of the platform', () => {
  expect(schemas.Scope!.enum).toEqual(scopes);
  const asked = Object.values(contract.operations).flatMap(({ security }) => security.flatMap(Object.values).flat());
  expect(new Set(asked)).toEqual(new Set(scopes));
});

test('the bundles that the contract names are the ones of the platform', () => {
  expect(schemas.ScopeBundleName!.enum).toEqual(scopeBundles.map(({ name }) => name));
});
