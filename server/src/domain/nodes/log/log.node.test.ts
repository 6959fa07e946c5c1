import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { nodeFailure, runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [{ message: { a: 1 } }, [], { output: { level: 'info', message: '{"a":1}' } }],
])('%j', async (params, answers, want) => {
  expect((await runNode('log', params, answers)).result).toEqual(want);
});

test.each<[params: Record<string, Json>, want: object[]]>([
  [{ level: 'warn', message: 'm', data: [1] }, [{ kind: 'log', level: 'warn', message: 'm', data: [1] }]],
  [{ message: 'm' }, [{ kind: 'log', level: 'info', message: 'm' }]],
])('%j asks for %j', async (params, want) => {
  expect((await runNode('log', params)).commands).toEqual(want);
});

test.each<[params: Record<string, Json>, message: string]>([
  [{ message: 'm', level: 'loud' }, 'params.level has a value that is not allowed'],
])('%j: evaluated params that break the schema fail the node', async (params, message) => {
  expect(await nodeFailure('log', params)).toMatchObject({
    code: 'invalid_params',
    message: expect.stringContaining(message),
  });
});
