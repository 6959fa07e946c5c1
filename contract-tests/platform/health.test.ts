import { expect, test } from '@jest/globals';
import { useContractHarness } from '../harness/contract-harness.ts';

const harness = useContractHarness();

test('getHealth 200: the components and how long they took to answer', async () => {
  const health = await harness().sdk().health.get();
  // The event loop may be slow on a busy machine, which makes the whole only `degraded`.
  expect(['healthy', 'degraded']).toContain(health.status);
  expect(health.components).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'database', status: 'healthy' }),
      expect.objectContaining({ name: 'engine', status: 'healthy' }),
    ]),
  );
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
