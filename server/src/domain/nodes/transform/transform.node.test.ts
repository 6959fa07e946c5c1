import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [{ value: [1, { b: null }] }, [], { output: [1, { b: null }] }],
  [{ value: null }, [], { output: null }],
])('%j', async (params, answers, want) => {
  expect((await runNode('transform', params, answers)).result).toEqual(want);
});
