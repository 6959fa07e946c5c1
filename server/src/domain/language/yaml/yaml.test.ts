import { afterAll, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Json } from '../../domain-error.ts';
import { testNodeTypes } from '../../nodes/testing/node-services.ts';
import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from '../definition.ts';
import { QuickJsSandbox } from '../../../platform/sandbox/quickjs-sandbox.ts';
import { readOwnYaml, readYaml } from './read-yaml.ts';
import type { WorkflowDocument } from './workflow-document.ts';
import { writeYaml } from './write-yaml.ts';

const types = testNodeTypes();
const sandbox = new QuickJsSandbox();
afterAll(() => sandbox.stop());

const read = (text: string): WorkflowDocument => {
  const { document, problems } = readOwnYaml(text, types);
  expect(problems).toEqual([]);
  return document!;
};

const problemsOf = async (text: string): Promise<string[]> =>
  (await readYaml(text, types, sandbox, { organisationId: 'org_1' })).problems.map(
    ({ field, message }) => `${field}: ${message}`,
  );

test('the form with nodes as a map, next and ${ }', () => {
  const text = `
metadata:
  name: My Flow
  description: A simple flow
  version: "1.0.0"
nodes:
  start:
    type: http.request
    params:
      url: https://api.example.com/\${ input.id }
      headers: { x-price: '\\\${ 5 } {{ input.currency }}' }
    when: \${ input.id > 1 }
    next:
      default: check
      error: [end, { to: report, id: told, priority: 3, when: "\`\${input.x}\` !== ''" }]
  check:
    type: condition
    params: { expression: "\`\${input.y}\`" }
    next: { 'true': end }
  report:
    type: code
    params:
      source: |
        return \`\${input.id} \${"{{ }}"}\`;
    next: end
  end:
    type: webhook
    join: any
variables: { text: '\${ stays }' }
output: \${ steps.start.output }
`;
  expect(read(text)).toEqual({
    name: 'My Flow',
    description: 'A simple flow',
    definition: {
      nodes: [
        {
          id: 'start',
          type: 'http.request',
          params: {
            url: 'https://api.example.com/{{ input.id }}',
            headers: { 'x-price': '${ 5 } {{ input.currency }}' },
          },
          when: '{{ input.id > 1 }}',
        },
        { id: 'check', type: 'condition', params: { expression: '`${input.y}`' } },
        { id: 'report', type: 'code', params: { source: 'return `${input.id} ${"{{ }}"}`;\n' } },
        { id: 'end', type: 'webhook', join: 'any', params: {} },
      ],
      edges: [
        { id: 'start_to_check', from: 'start', to: 'check', port: 'default' },
        { id: 'start_error_to_end', from: 'start', to: 'end', port: 'error' },
        { id: 'told', from: 'start', to: 'report', port: 'error', priority: 3, when: "`${input.x}` !== ''" },
        { id: 'check_true_to_end', from: 'check', to: 'end', port: 'true' },
        { id: 'report_to_end', from: 'report', to: 'end', port: 'default' },
      ],
      variables: { text: '${ stays }' },
      output: '{{ steps.start.output }}',
    },
  });
});

test('what is written', () => {
  const document: WorkflowDocument = {
    name: 'Order',
    tags: ['a'],
    definition: {
      nodes: [
        { id: 'total', type: 'set', params: { values: { total: '{{ input.amount }}', text: 'costs ${5} \\{{ x }}' } } },
        { id: 'large', type: 'condition', params: { expression: 'steps.total.output.total > `${1}`' } },
        { id: 'done', type: 'code', params: { source: 'return `${1}`;' }, join: 'any' },
      ],
      edges: [
        { id: 'e1', from: 'total', to: 'large', port: 'default' },
        { id: 'large_true_to_done', from: 'large', to: 'done', port: 'true' },
        { id: 'large_false_to_done', from: 'large', to: 'done', port: 'false', when: '{{ input.x }}' },
      ],
      settings: { timeout: '5m' },
    },
  };
  const text = writeYaml(document, types);
  expect(text).toBe(`metadata:
  name: Order
  tags:
    - a
nodes:
  total:
    type: set
    params:
      values:
        total: \${ input.amount }
        text: costs \\\${5} \\{{ x }}
    next:
      default:
        to: large
        id: e1
  large:
    type: condition
    params:
      expression: steps.total.output.total > \`\${1}\`
    next:
      "true": done
      "false":
        to: done
        when: \${ input.x }
  done:
    type: code
    join: any
    params:
      source: return \`\${1}\`;
settings:
  timeout: 5m
`);
  expect(read(text)).toEqual(document);
});

test('the list form reads as it stands', () => {
  const text = `
metadata: { name: n }
nodes:
  - { id: a, type: log, params: { message: '\${ x } {{ input.y }}' } }
  - { id: b, type: log }
edges:
  - { from: a, to: b }
`;
  expect(read(text).definition).toEqual({
    nodes: [
      { id: 'a', type: 'log', params: { message: '${ x } {{ input.y }}' } },
      { id: 'b', type: 'log', params: {} },
    ],
    edges: [{ id: 'a_to_b', from: 'a', to: 'b', port: 'default' }],
  });
});

test('the portable JSON form is YAML, too', () => {
  expect(read('{"name": "n", "definition": {"nodes": [], "edges": []}}')).toEqual({
    name: 'n',
    definition: { nodes: [], edges: [] },
  });
});

test('a workflow with very many values is written as JSON, which is YAML', () => {
  const data = Array.from({ length: 60_000 }, (_, index) => index);
  const document = {
    name: 'n',
    definition: { nodes: [{ id: 'a', type: 'log', params: { message: '${ x }', data } }], edges: [] },
  };
  expect(read(writeYaml(document, types))).toEqual(document);
});

describe('refused', () => {
  test.each<[text: string, want: string[]]>([
    ['', [': The text is not a map.']],
    ['- a', [': The text is not a map.']],
    ['a: [', [expect.stringMatching(/^line 1, column 5: The text is not YAML: /) as never]],
    [
      'a: 1\na: 2\nb: { c: 1, "c": 2 }',
      [
        'line 2, column 1: The text is not YAML: The key "a" is there twice.',
        'line 3, column 12: The text is not YAML: The key "c" is there twice.',
      ],
    ],
    ['nodes: {}', ['name: name is missing.']],
    [
      'metadata: { name: n, owner: me }\nnodes: { a: { type: 3, colour: red, next: 5 } }',
      ['owner: owner is not known.', 'definition.nodes[0].colour: nodes[0].colour is not known.'],
    ],
    [
      'metadata: { name: n }\nnodes: {}\nvariables: { x: .nan }',
      [': The text cannot be read as JSON: x is not a finite number.'],
    ],
    [
      'metadata: { name: n }\nnodes: {}\nvariables: { __proto__: { admin: true } }',
      [': The text holds the name __proto__, which is not allowed.'],
    ],
    [
      `metadata: { name: n }\nnodes: { a: { type: set, params: ${'['.repeat(3_000)}${']'.repeat(3_000)} } }`,
      [': The text nests deeper than 128 levels.'],
    ],
    ['metadata: { name: n }\nnodes: { a: null }', ['definition.nodes[0]: nodes[0] must be object.']],
    [`name: ${'x'.repeat(1_100_000)}`, [': The text has more than 1048576 bytes.']],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]`,
      [expect.stringContaining('Excessive alias count') as never],
    ],
  ])('%#', async (text, want) => {
    const problems = await problemsOf(text);
    for (const one of want) expect(problems).toEqual(expect.arrayContaining([one]));
  });

  test.each<[name: string, text: string]>([
    ['many keys', Array.from({ length: 60_000 }, (_, index) => `k${index}: ${index}`).join('\n')],
    ['many values', `a: [${'a,'.repeat(500_000)}]`],
    ['many errors', '!!x '.repeat(90_000)],
    ['deep flow lists', '['.repeat(200_000)],
    ['deep block lists', '- '.repeat(90_000)],
    ['many anchors', '&a '.repeat(200_000)],
    ['many expressions', 'a: ${ x }\n'.repeat(90_000)],
    ['many directives', '%x\n'.repeat(200_000)],
  ])('what is made to be slow to read ends in time: %s', async (_, slow) => {
    expect((await problemsOf(slow)).length).toBeGreaterThan(0);
  });

  test('more nodes than a workflow may have', async () => {
    const nodes = Array.from({ length: 501 }, (_, index) => `  n${index}: { type: log }`).join('\n');
    expect(await problemsOf(`metadata: { name: n }\nnodes:\n${nodes}`)).toEqual([
      expect.stringContaining('must NOT have more than 500 items'),
    ]);
  });
});

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('{{', '}}', '${', '}', '{', '$', '\\', ' ', 'input.a', '"', "'", '`', '1', '\n', ':', '#', '- '),
      { maxLength: 8 },
    )
    .map((parts) => parts.join('')),
);

test('text goes to YAML and back without loss, whatever is in it', () => {
  fc.assert(
    fc.property(text, (canonicalText) => {
      expect(read(writeYaml(documentWith(canonicalText), types))).toEqual(documentWith(canonicalText));
    }),
    { numRuns: 200 },
  );
});

function documentWith(message: string): WorkflowDocument {
  return { name: 'n', definition: { nodes: [{ id: 'a', type: 'log', params: { message } }], edges: [] } };
}

const id = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/) },
  fc.constantFrom('1', 'Bad Id', 'constructor'),
);
const jsonValue = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const params = fc.dictionary(
  fc.oneof(fc.constantFrom('source', 'expression', 'message', 'url'), fc.string()),
  fc.oneof(text, jsonValue, fc.array(text)),
  { noNullPrototype: true },
);

const node = fc.record(
  {
    id,
    type: fc.constantFrom('log', 'code', 'condition', 'http.request', 'unknown'),
    params,
    name: fc.string(),
    when: text,
    join: fc.constantFrom('all' as const, 'any' as const, 2),
    position: fc.record({ x: fc.integer(), y: fc.integer() }, { noNullPrototype: true }),
  },
  { requiredKeys: ['id', 'type', 'params'], noNullPrototype: true },
) as fc.Arbitrary<WorkflowNode>;

const edge = fc.record(
  {
    id: fc.stringMatching(/^[a-z_0-9]{1,4}$/),
    from: id,
    to: id,
    port: fc.constantFrom('default', 'error', 'true', 'to', '7'),
    when: text,
    priority: fc.integer({ min: 0, max: 9 }),
  },
  { requiredKeys: ['id', 'from', 'to', 'port'], noNullPrototype: true },
) as fc.Arbitrary<WorkflowEdge>;

/** Nodes that hold bodies, whose edges have ids as those that were read. */
const control = fc
  .oneof(
    fc
      .record({
        type: fc.constantFrom('foreach', 'while'),
        body: fc.record({
          nodes: fc.array(node, { maxLength: 2 }),
          edges: fc.array(edge, { maxLength: 2 }),
          output: text,
        }),
      })
      .map(({ type, body }) => ({ type, params: { items: [], condition: '{{ true }}', body } })),
    fc
      .dictionary(
        fc.constantFrom('left', 'right'),
        fc.record({ nodes: fc.array(node, { maxLength: 2 }), edges: fc.array(edge, { maxLength: 2 }) }),
      )
      .map((branches) => ({ type: 'parallel', params: { branches } })),
  )
  .chain((holder) => id.map((name) => ({ id: name, ...holder }))) as unknown as fc.Arbitrary<WorkflowNode>;

const definition = fc.record(
  {
    nodes: fc.array(fc.oneof({ weight: 3, arbitrary: node }, control), { maxLength: 4 }),
    edges: fc.array(edge, { maxLength: 5 }),
    output: fc.oneof(text, jsonValue),
    variables: fc.dictionary(fc.string(), fc.oneof(text, jsonValue), { noNullPrototype: true }),
  },
  { requiredKeys: ['nodes', 'edges'], noNullPrototype: true },
) as fc.Arbitrary<WorkflowDefinition>;

const someName = fc.string({ minLength: 1, maxLength: 50 });

test('any document goes to YAML and back without loss', () => {
  const document = fc.record(
    { name: someName, description: fc.oneof(fc.string(), fc.constant(null)), definition },
    { requiredKeys: ['name', 'definition'], noNullPrototype: true },
  );
  fc.assert(
    fc.property(document, (given) => {
      const plain = JSON.parse(JSON.stringify(given)) as WorkflowDocument;
      expect(read(writeYaml(plain, types))).toEqual(plain);
    }),
    { numRuns: 120 },
  );
});

test('bodies are written as maps too, and their programs stay as they are', () => {
  const document = read(`
metadata: { name: n }
nodes:
  each:
    type: foreach
    params:
      items: \${ input.list }
      body:
        nodes:
          fetch: { type: http.request, params: { url: 'https://a.test/\${ item.id }' }, next: sum }
          sum:
            type: code
            params: { source: 'return \`\${1 + 1}\`' }
        output: \${ steps.sum.output }
`);
  const [each] = document.definition.nodes;
  expect(each!.params).toEqual({
    items: '{{ input.list }}',
    body: {
      nodes: [
        { id: 'fetch', type: 'http.request', params: { url: 'https://a.test/{{ item.id }}' } },
        { id: 'sum', type: 'code', params: { source: 'return `${1 + 1}`' } },
      ],
      edges: [{ id: 'fetch_to_sum', from: 'fetch', to: 'sum', port: 'default' }],
      output: '{{ steps.sum.output }}',
    },
  });
  const text = writeYaml(document, types);
  expect(text).toContain('${ item.id }');
  expect(read(text)).toEqual(document);
});
