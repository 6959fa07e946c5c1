import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { nodeFailure, runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [
    {
      value: 'b',
      cases: [
        { port: 'one', equals: 'a' },
        { port: 'two', equals: 'b' },
      ],
    },
    [],
    { output: { port: 'two', value: 'b' }, port: 'two' },
  ],
  [
    { value: { x: [1] }, cases: [{ port: 'deep', equals: { x: [1] } }] },
    [],
    { output: { port: 'deep', value: { x: [1] } }, port: 'deep' },
  ],
  [
    { value: '1', cases: [{ port: 'one', equals: 1 }] },
    [],
    { output: { port: 'default', value: '1' }, port: 'default' },
  ],
  [{ value: 'gold' }, [], { output: { port: 'gold', value: 'gold' }, port: 'gold' }],
  [{ value: 3 }, [], { output: { port: '3', value: 3 }, port: '3' }],
  [{ value: 'error' }, [], { output: { port: 'default', value: 'error' }, port: 'default' }],
  [{}, [], { output: { port: 'default', value: null }, port: 'default' }],
])('%j', async (params, answers, want) => {
  expect((await runNode('switch', params, answers)).result).toEqual(want);
});

test.each<[params: Record<string, Json>, message: string]>([
  [{ value: 1, cases: [] }, 'params.cases'],
  [{ value: 1, cases: [{ port: 'a b', equals: 1 }] }, 'params.cases[0].port'],
])('%j: evaluated params that break the schema fail the node', async (params, message) => {
  expect(await nodeFailure('switch', params)).toMatchObject({
    code: 'invalid_params',
    message: expect.stringContaining(message),
  });
});
