import { expect, test } from '@jest/globals';
import { ReadinessChecks } from './readiness-checks.ts';

test('each part says what is wrong with it now', () => {
  const checks = new ReadinessChecks();
  let problem: string | undefined = 'nothing was written for 40 s';
  checks.add('recorder', () => problem);
  checks.add('mail', () => undefined);
  expect(checks.results()).toEqual([
    { name: 'recorder', problem: 'nothing was written for 40 s' },
    { name: 'mail', problem: undefined },
  ]);
  problem = undefined;
  expect(checks.results()[0]).toEqual({ name: 'recorder', problem: undefined });
});

test('two parts cannot share a name', () => {
  const checks = new ReadinessChecks();
  checks.add('recorder', () => undefined);
  expect(() => checks.add('recorder', () => undefined)).toThrow('named recorder');
});
