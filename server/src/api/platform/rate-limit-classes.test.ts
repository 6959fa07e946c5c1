import { expect, test } from '@jest/globals';
import { contract } from '#generated/platform/index.ts';
import { organisationPolicy } from '../../platform/rate-limit/rate-limit-policy.ts';

test('the server has a ceiling for every rate-limit class of the contract', () => {
  const classes = new Set(Object.values(contract.operations).flatMap(({ rateLimit }) => rateLimit ?? []));
  expect([...classes].sort()).toEqual(['execute', 'export', 'general', 'submit']);
  for (const each of classes) expect(organisationPolicy('business', each).perMinuteInClass).toBeGreaterThan(0);
});
