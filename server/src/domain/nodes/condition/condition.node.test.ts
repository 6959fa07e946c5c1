import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [{ expression: 'input.a' }, ['yes'], { output: { result: true }, port: 'true' }],
  [{ expression: '{{ input.a }}' }, [0], { output: { result: false }, port: 'false' }],
  [{ expression: 'input.missing' }, [null], { output: { result: false }, port: 'false' }],
  [{ expression: false }, [], { output: { result: false }, port: 'false' }],
])('%j', async (params, answers, want) => {
  expect((await runNode('condition', params, answers)).result).toEqual(want);
});

test.each<[params: Record<string, Json>, want: object[]]>([
  [{ expression: 'a > 1' }, [{ kind: 'evaluate', template: '{{ a > 1 }}' }]],
  [{ expression: '{{ a > 1 }}' }, [{ kind: 'evaluate', template: '{{ a > 1 }}' }]],
  [{ expression: true }, []],
])('%j asks for %j', async (params, want) => {
  expect((await runNode('condition', params)).commands).toEqual(want);
});
