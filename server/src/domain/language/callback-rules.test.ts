import { expect, test } from '@jest/globals';
import type { Json } from '../domain-error.ts';
import { testNodeTypes } from '../nodes/testing/node-services.ts';
import { parseDefinition, validateDefinition } from './index.ts';

const log = (id: string, message: string): Json => ({ id, type: 'log', params: { message } });
const wait = (id: string): Json => ({ id, type: 'wait.event', params: {} });
const each = (nodes: Json[]): Json => ({
  id: 'each',
  type: 'foreach',
  params: { items: '{{ input.list }}', body: { nodes, edges: [] } },
});

const problemsOf = (nodes: Json[], more: object = {}): string[] => {
  const { definition } = parseDefinition({ nodes, edges: [], ...more } as unknown as Json);
  return validateDefinition(definition!, testNodeTypes()).map(({ code, field, hint }) => `${code} ${field} -> ${hint}`);
};

test.each<[nodes: Json[]]>([
  [[wait('paid'), log('ask', '{{ execution.callbacks.paid }}')]],
  [[wait('paid'), log('ask', '{{ [execution?.callbacks?.paid, execution.callbacks[input.name]].join() }}')]],
  [[wait('paid'), each([wait('item'), log('ask', '{{ execution.callbacks.paid + execution.callbacks.item }}')])]],
  [[log('ask', '{{ "execution.callbacks.none" }} {{ input.execution.callbacks.none }}')]],
])('what waits for an event, here or around, has a URL: %j', (nodes) => {
  expect(problemsOf(nodes)).toEqual([]);
});

test.each<[nodes: Json[], want: string]>([
  [
    [wait('paid'), log('ask', '{{ execution.callbacks.payed }}')],
    'unknown_callback nodes[1].params.message -> Did you mean "paid"?',
  ],
  [
    [log('ask', '{{ execution.callbacks.ask }}')],
    'unknown_callback nodes[0].params.message -> Name a wait.event node of this workflow or body, or of one around it.',
  ],
  [
    [each([wait('item')]), log('ask', '{{ "to " + execution.callbacks.item }}')],
    'unknown_callback nodes[1].params.message -> Name a wait.event node of this workflow or body, or of one around it.',
  ],
])('%j: %s', (nodes, want) => {
  expect(problemsOf(nodes)).toEqual([want]);
});

test('conditions and the output are looked at, too', () => {
  const nodes = [wait('paid'), { ...(log('ask', 'x') as object), when: 'execution.callbacks.pa' } as Json];
  expect(problemsOf(nodes, { output: '{{ execution.callbacks.p }}' })).toEqual([
    'unknown_callback nodes[1].when -> Did you mean "paid"?',
    'unknown_callback output -> Name a wait.event node of this workflow or body, or of one around it.',
  ]);
});
