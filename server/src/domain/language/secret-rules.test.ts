import { expect, test } from '@jest/globals';
import type { Json } from '../domain-error.ts';
import { testNodeTypes } from '../nodes/testing/node-services.ts';
import { parseDefinition, validateDefinition, vaultUse } from './index.ts';

const types = testNodeTypes();
const call = (params: object): Json => ({
  id: 'a',
  type: 'http.request',
  params: { url: 'https://a.test', ...params },
});

function used(nodes: Json[], more: object = {}): { problems: string[]; names: string[] } {
  const { definition } = parseDefinition({ nodes, edges: [], ...more } as Json);
  const problems = validateDefinition(definition!, types).map(({ code, field }) => `${code} ${field}`);
  const names = vaultUse(definition!, types).references.map(({ kind, name, at }) => `${kind} ${name} ${at.field}`);
  return { problems, names };
}

test.each<[node: Json, names: string[]]>([
  [call({ headers: { A: 'Key {{ secrets.A }}' } }), ['secret A nodes[0].params.headers.A']],
  [call({ url: 'https://a.test/{{ secrets.A }}' }), ['secret A nodes[0].params.url']],
  [
    call({ body: [{ x: '{{ secrets.A + secrets?.B }}' }] }),
    ['secret A nodes[0].params.body[0].x', 'secret B nodes[0].params.body[0].x'],
  ],
  [call({ auth: { type: 'bearer', token: '{{ secrets.A }}' } }), ['secret A nodes[0].params.auth.token']],
  [call({ auth: { credential: 'shop' } }), ['credential shop nodes[0].params']],
  [call({ auth: { credential: '{{ input.name }}' } }), []],
  [call({ body: { secrets: '{{ input.secrets.x }}', text: "{{ 'my secrets' }}" } }), []],
  [
    {
      id: 'each',
      type: 'foreach',
      params: { items: [1], body: { nodes: [call({ query: { k: '{{ secrets.A }}' } })], edges: [] } },
    },
    ['secret A nodes[0].params.body.nodes[0].params.query.k'],
  ],
])('%j is allowed', (node, names) => {
  expect(used([node])).toEqual({ problems: [], names });
});

test.each<[nodes: Json[], more: object, problem: string]>([
  [
    [{ id: 'a', type: 'set', params: { values: { x: '{{ secrets.A }}' } } }],
    {},
    'secret_not_allowed nodes[0].params.values.x',
  ],
  [
    [{ id: 'a', type: 'log', params: { message: 'is {{ secrets.A }}' } }],
    {},
    'secret_not_allowed nodes[0].params.message',
  ],
  [[call({ timeout: '{{ secrets.A }}' })], {}, 'secret_not_allowed nodes[0].params.timeout'],
  [[{ ...(call({}) as object), when: 'secrets.A' }], {}, 'secret_not_allowed nodes[0].when'],
  [[call({})], { output: '{{ secrets.A }}' }, 'secret_not_allowed output'],
  [[call({ body: '{{ secrets[input.name] }}' })], {}, 'secret_not_named nodes[0].params.body'],
  [[call({ body: '{{ Object.values(secrets) }}' })], {}, 'secret_not_named nodes[0].params.body'],
])('%j %j is refused', (nodes, more, problem) => {
  expect(used(nodes, more).problems).toEqual([problem]);
});
