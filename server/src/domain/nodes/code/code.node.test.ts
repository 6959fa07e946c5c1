import { expect, test } from '@jest/globals';
import type { Json } from '../../domain-error.ts';
import { runNode } from '../testing/run-node.ts';

test.each<[params: Record<string, Json>, answers: Json[], want: object]>([
  [{ source: 'return 1', args: { a: 1 } }, [7], { output: 7 }],
])('%j', async (params, answers, want) => {
  expect((await runNode('code', params, answers)).result).toEqual(want);
});

test.each<[params: Record<string, Json>, want: object[]]>([
  [{ source: 'return 1' }, [{ kind: 'evaluate', template: 'return 1', program: true, locals: { args: null } }]],
  [{ source: 'x', args: [1] }, [{ kind: 'evaluate', template: 'x', program: true, locals: { args: [1] } }]],
])('%j asks for %j', async (params, want) => {
  expect((await runNode('code', params)).commands).toEqual(want);
});
