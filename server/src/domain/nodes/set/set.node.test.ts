import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { nodeFailure, runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [{ values: { a: 1, b: null } }, [], { output: { a: 1, b: null }, variables: { a: 1, b: null } }],
])('%j', async (params, answers, want) => {
  expect((await runNode('set', params, answers)).result).toEqual(want);
});

test.each<[params: Record<string, Json>, message: string]>([
  [{ values: {} }, 'params.values'],
  [{ values: { 'a b': 1 } }, 'params.values'],
])('%j: evaluated params that break the schema fail the node', async (params, message) => {
  expect(await nodeFailure('set', params)).toMatchObject({
    code: 'invalid_params',
    message: expect.stringContaining(message),
  });
});
