import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { nodeFailure } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, want: object]>([
  [
    { message: 'out of stock', code: 'no_stock', details: { sku: 1 } },
    { code: 'no_stock', message: 'out of stock', details: { sku: 1 } },
  ],
  [{ message: 'm' }, { code: 'failed', details: {} }],
  [{ message: 'm', code: 'Not Snake' }, { code: 'invalid_params' }],
])('%j throws %j', async (params, want) => {
  expect(await nodeFailure('fail', params)).toMatchObject(want);
});
