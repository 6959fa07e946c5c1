import { expect, test } from '@jest/globals';
import { pathOf } from './path-of.ts';

test.each([
  ['/v1/workflows/wf_1?search=secret', '/v1/workflows/wf_1'],
  ['/hooks/token', '/hooks/*'],
  ['/hooks/token/orders/7?x=1', '/hooks/*/orders/7'],
  ['/v1/callbacks/token?x=1', '/v1/callbacks/*'],
])('%s is logged as %s', (url, path) => {
  expect(pathOf({ url })).toBe(path);
});
