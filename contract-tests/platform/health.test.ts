import { expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';

const harness = useContractHarness();

test('getHealth 200: the components and how long they took to answer', async () => {
  const health = await harness().sdk().health.get();
  expect(health.status).toBe('healthy');
  expect(health.components.map((component) => component.name)).toEqual(expect.arrayContaining(['database', 'engine']));
});

test.each(['getLiveness', 'getReadiness'])('%s 200: without credentials', async (operation) => {
  expect((await harness().call(operation, { apiKey: null })).status).toBe(200);
});

test('404 and 405: outside of every operation the errors have the same shape', async () => {
  const { url } = harness().server;
  const missing = await fetch(`${url}/v1/nothing`);
  expect([missing.status, ((await missing.json()) as { error: { code: string } }).error.code]).toEqual([
    404,
    'resource_not_found',
  ]);
  const wrongMethod = await fetch(`${url}/v1/workflows`, { method: 'PUT' });
  expect([wrongMethod.status, ((await wrongMethod.json()) as { error: { code: string } }).error.code]).toEqual([
    405,
    'method_not_allowed',
  ]);
  expect(wrongMethod.headers.get('allow')?.split(', ').sort()).toEqual(expect.arrayContaining(['GET', 'POST']));
  for (const response of [missing, wrongMethod]) expect(response.headers.get('x-request-id')).toBeTruthy();
});
