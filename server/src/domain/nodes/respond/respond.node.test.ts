import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { nodeFailure, runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [{ body: 'x' }, [], { output: 'x', response: { status: 200, headers: {}, body: 'x' } }],
  [
    { status: 418, headers: { 'x-a': 'b' } },
    [],
    { output: null, response: { status: 418, headers: { 'x-a': 'b' }, body: null } },
  ],
])('%j', async (params, answers, want) => {
  expect((await runNode('respond', params, answers)).result).toEqual(want);
});

test.each<[params: Record<string, Json>, message: string]>([
  [{ status: 42 }, 'params.status must be >= 200'],
  [{ headers: { 'x-a': 'a\r\nb' } }, 'params.headers.x-a must match pattern'],
  [{ headers: { 'x a': 'b' } }, 'params.headers'],
])('%j: evaluated params that break the schema fail the node', async (params, message) => {
  expect(await nodeFailure('respond', params)).toMatchObject({
    code: 'invalid_params',
    message: expect.stringContaining(message),
  });
});
