import { describe, expect, test } from '@jest/globals';
import type { Json } from '../domain-error.ts';
import { testNodeTypes } from '../nodes/testing/node-services.ts';
import type { WorkflowDefinition } from './definition.ts';
import { compile, parseDefinition, validateDefinition } from './index.ts';

const types = testNodeTypes();

const log = (id: string, more: object = {}): Json => ({ id, type: 'log', params: { message: 'm' }, ...more });
const edge = (from: string, to: string, more: object = {}): Json => ({ from, to, ...more });

function parsed(value: object): WorkflowDefinition {
  const { definition, problems } = parseDefinition(value as Json);
  expect(problems).toEqual([]);
  return definition!;
}

/** `code field: message -> hint` of each problem. */
const problemsOf = (nodes: Json[], edges: Json[] = [], more: object = {}): string[] =>
  validateDefinition(parsed({ nodes, edges, ...more }), types).map(
    ({ code, node, edge: edgeId, field, message, hint }) =>
      `${code} ${[node, edgeId].filter(Boolean).join(' ')} ${field}: ${message} -> ${hint}`,
  );

test('a valid workflow has no problems', () => {
  const nodes = [
    {
      id: 'fetch',
      type: 'http.request',
      params: {
        url: 'https://a.test/{{ input.id }}',
        timeout: '{{ input.timeout }}',
        headers: { 'x-n': '{{ 1 + 1 }}' },
      },
      retry: { max_attempts: 3, initial: '1s', max: '10s' },
    },
    { id: 'large', type: 'condition', params: { expression: 'steps.fetch.output.body.total > 10' } },
    { id: 'pause', type: 'delay', params: { duration: '{{ input.pause }}' } },
    { id: 'shape', type: 'code', params: { source: 'const x = `${input.id}`; return x;' } },
    log('failed', { params: { message: '{{ steps.fetch.error }}' } }),
    { id: 'answer', type: 'respond', params: { status: '{{ 200 }}', body: '{{ steps.shape.output }}' }, join: 'any' },
  ];
  const edges = [
    edge('fetch', 'large'),
    edge('fetch', 'failed', { port: 'error' }),
    edge('large', 'pause', { port: 'true', when: 'steps.large.output.result' }),
    edge('large', 'shape', { port: 'false' }),
    edge('pause', 'answer'),
    edge('shape', 'answer'),
  ];
  expect(
    problemsOf(nodes, edges, {
      output: { total: '{{ steps.fetch.output.body.total }}' },
      input_schema: { type: 'object' },
      settings: { timeout: '5m' },
    }),
  ).toEqual([]);
});

test.each<[nodes: Json[], edges: Json[], want: string[]]>([
  [[], [], ['no_nodes  nodes: The workflow has no nodes. -> Add at least one node.']],
  [
    [log('Bad-Id')],
    [],
    [
      'invalid_node_id Bad-Id nodes[0].id: The node id "Bad-Id" does not match ^[a-z][a-z0-9_]{0,63}$. -> Begin with a lower-case letter; go on with lower-case letters, digits and underscores, 64 characters at most.',
    ],
  ],
  [
    [log('a'), log('a')],
    [],
    [
      'duplicate_node_id a nodes[1].id: The node id "a" is already that of nodes[0]. -> Give each node an id of its own.',
    ],
  ],
  [
    [{ id: 'a', type: 'http.requst', params: { url: '{{ }}' } }],
    [],
    [
      'unknown_node_type a nodes[0].type: There is no node type "http.requst". -> Did you mean "http.request"?',
      'invalid_expression a nodes[0].params.url: The expression {{  }} does not parse: it is empty. -> Write one JavaScript expression between the braces; put a backslash before {{ to mean the text itself.',
    ],
  ],
  [
    [{ id: 'a', type: 'http.request', params: { method: 'GETT', colour: 'red' } }],
    [],
    [
      'invalid_params a nodes[0].params.url: nodes[0].params.url is missing. -> Add "url".',
      'invalid_params a nodes[0].params.colour: nodes[0].params.colour is not known. -> Remove it. Known here: url, method, headers, query, body, form, auth, timeout, follow_redirects, fail_on_status.',
      'invalid_params a nodes[0].params.method: nodes[0].params.method has a value that is not allowed. -> Use one of "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS".',
    ],
  ],
  [
    [{ id: 'a', type: 'respond', params: { status: 'code {{ input.x }}' } }],
    [],
    [
      'invalid_params a nodes[0].params.status: nodes[0].params.status must be integer. -> Write integer here, or an {{ expression }}.',
    ],
  ],
  [
    [{ id: 'a', type: 'delay', params: { duration: 'soon' } }],
    [],
    [
      'invalid_params a nodes[0].params.duration: nodes[0].params.duration is not a duration. -> For example "250ms", "30s", "2h" or "3d".',
    ],
  ],
  [
    [{ id: 'a', type: 'code', params: { source: 'return (' } }],
    [],
    [
      "invalid_code a nodes[0].params.source: The code does not parse: Unexpected token '}'. -> Write the body of an async JavaScript function, and return its result.",
    ],
  ],
  [
    [log('a', { when: 'input.', timeout: 'x', retry: { max_attempts: 2, initial: '10s', max: '1s' } })],
    [],
    [
      "invalid_expression a nodes[0].when: The expression {{ input. }} does not parse: Unexpected token ')'. -> Write one JavaScript expression between the braces; put a backslash before {{ to mean the text itself.",
      'invalid_duration a nodes[0].timeout: nodes[0].timeout is "x", which is not a duration. -> Write for example "250ms", "30s", "5m", "2h" or "3d"; at most 366 days.',
      'invalid_retry a nodes[0].retry.max: The longest delay (1s) is shorter than the first one (10s). -> Raise "max" or lower "initial".',
    ],
  ],
  [
    [
      log('first'),
      log('second', { params: { message: '{{ steps.frst.output }} {{ steps.third.output + 1 }} {{ inputs.x }}' } }),
      log('third'),
    ],
    [edge('first', 'second'), edge('second', 'third')],
    [
      'unknown_step second nodes[1].params.message: {{ steps.frst.output }} reads the step "frst", and there is no such node. -> Did you mean "first"?',
      'step_not_before second nodes[1].params.message: {{ steps.third.output + 1 }} reads the step "third", which does not lead to "second". -> Connect "third" so that it runs before, or read another step.',
      'unknown_name second nodes[1].params.message: {{ inputs.x }} reads "inputs", which expressions do not have. -> Begin with one of execution, input, secrets, steps, trigger, variables.',
    ],
  ],
  [
    [log('a'), log('b')],
    [edge('a', 'b', { id: 'e' }), edge('a', 'c', { id: 'e' }), edge('a', 'b', { id: 'f', port: 'true' })],
    [
      'duplicate_edge_id e edges[1].id: The edge id "e" is already that of edges[0]. -> Give each edge an id of its own, or leave it out.',
      'unknown_node e edges[1].to: There is no node "c". -> Did you mean "a"?',
      'unknown_port a f edges[2].port: The node "a" (log) has no port "true". -> Use one of default, error.',
    ],
  ],
  [
    [log('a', { on_error: 'continue' }), log('b', { on_error: 'route' })],
    [edge('a', 'b', { id: 'e', port: 'error' })],
    [
      'dead_error_edge a e edges[0].port: This edge never fires, because the node "a" has on_error: continue. -> Set on_error to route, or remove the edge.',
      'missing_error_edge b nodes[1].on_error: The node "b" routes its failures, and no edge leaves its error port. -> Add an edge with port error, or set on_error to fail or continue.',
    ],
  ],
  [
    [log('a'), log('b'), log('c'), log('d')],
    [edge('a', 'b'), edge('b', 'c'), edge('c', 'b'), edge('c', 'd')],
    [
      'cycle b nodes[1]: The nodes b -> c -> b form a cycle, so the workflow might never end. -> Remove one of the edges between them; what repeats goes into the body of a foreach or while node.',
      'unreachable_node d nodes[3]: The node "d" can never run, because a cycle stands before it. -> Resolve the cycle, or connect the node to one that runs.',
    ],
  ],
  [
    [log('a', { join: 'any' }), log('b', { join: 3 })],
    [edge('a', 'b')],
    [
      'invalid_join a nodes[0].join: The node "a" waits for 1 of its edges and has 0. -> Remove the join, or add edges to the node.',
      'invalid_join b nodes[1].join: The node "b" waits for 3 of its edges and has 1. -> Use all, any or a number up to 1.',
    ],
  ],
])('problems %#', (nodes, edges, want) => {
  expect(problemsOf(nodes, edges)).toEqual(want);
});

test('settings and output are looked at too', () => {
  expect(
    problemsOf([log('a')], [], {
      settings: { timeout: 'never' },
      output: ['{{ steps.b.output }}'],
    }),
  ).toEqual([
    'unknown_step  output[0]: {{ steps.b.output }} reads the step "b", and there is no such node. -> Did you mean "a"?',
    'invalid_duration  settings.timeout: settings.timeout is "never", which is not a duration. -> Write for example "250ms", "30s", "5m", "2h" or "3d"; at most 366 days.',
  ]);
});

describe('structure', () => {
  const structureOf = (value: Json): string[] =>
    parseDefinition(value).problems.map(({ field, message }) => `${field}: ${message}`);

  test.each<[value: Json, want: string[]]>([
    [null, [': The definition must be object.']],
    [{}, ['nodes: nodes is missing.']],
    [
      { nodes: [{ id: 'a' }, 3], edges: [{ to: 'a' }], more: 1 },
      [
        'more: more is not known.',
        'nodes[0].type: nodes[0].type is missing.',
        'nodes[1]: nodes[1] must be object.',
        'edges[0].from: edges[0].from is missing.',
      ],
    ],
    [
      { nodes: [{ id: 'a', type: 't', params: {}, join: 'most', retry: {} }] },
      [
        'nodes[0].join: nodes[0].join has a value that is not allowed.',
        'nodes[0].join: nodes[0].join must be integer.',
        'nodes[0].retry.max_attempts: nodes[0].retry.max_attempts is missing.',
      ],
    ],
  ])('%j', (value, want) => {
    expect(structureOf(value)).toEqual(want);
  });

  test('limits: bytes, depth, nodes', () => {
    expect(structureOf({ nodes: [{ id: 'a', type: 't', params: { x: 'x'.repeat(1_048_576) } }] })).toEqual([
      expect.stringContaining('at most 1048576 are allowed'),
    ]);
    let deep: Json = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(structureOf({ nodes: [{ id: 'a', type: 't', params: { deep } }] })).toEqual([
      expect.stringContaining('deeper than 64'),
    ]);
    expect(structureOf({ nodes: Array.from({ length: 501 }, (_, index) => log(`n${index}`)) })).toEqual([
      expect.stringContaining('must NOT have more than 500 items'),
    ]);
  });

  test('edges get a port and an id', () => {
    const { edges } = parsed({
      nodes: [log('a'), log('b')],
      edges: [edge('a', 'b'), edge('a', 'b'), edge('a', 'b', { port: 'x' })],
    });
    expect(edges.map(({ id, port }) => [id, port])).toEqual([
      ['a_to_b', 'default'],
      ['a_to_b_2', 'default'],
      ['a_x_to_b', 'x'],
    ]);
  });
});

test('500 nodes that read each other are valid', () => {
  const nodes = Array.from({ length: 500 }, (_, index) =>
    log(`n${index}`, { params: { message: index === 0 ? 'start' : `{{ steps.n${index - 1}.output.message + 1 }}` } }),
  );
  const edges = Array.from({ length: 499 }, (_, index) => edge(`n${index}`, `n${index + 1}`));
  expect(problemsOf(nodes, edges)).toEqual([]);
});

test('what is made to be slow to validate ends within the time of a test', () => {
  const nodes = [
    [
      '{{ a. }}'.repeat(8_000),
      '{{ "}}}}}}}}}}}}}}}}}}" }}'.repeat(2_500),
      '{{'.repeat(30_000),
      `{{ ${'}}'.repeat(30_000)}`,
    ],
    Array.from({ length: 16 }, () => `{{ /["]/ + ${'}}'.repeat(30_000)}`),
    Array.from({ length: 150_000 }, () => '{{a+1}}'),
  ].map((data, index) => ({ id: `n${index}`, type: 'log', params: { message: 'm', data } }));
  for (const node of nodes) {
    const { definition, problems } = parseDefinition({ nodes: [node] });
    expect((definition ? validateDefinition(definition, types) : problems).length).toBeGreaterThan(0);
  }
});

test('the graph of a definition', () => {
  const graph = compile(
    parsed({
      nodes: [log('d'), log('b'), log('c'), log('a')],
      edges: [
        edge('a', 'b', { id: 'e2', priority: 2 }),
        edge('a', 'c', { id: 'e1', priority: 1 }),
        edge('b', 'd'),
        edge('c', 'd'),
        edge('c', 'b', { id: 'err', port: 'error' }),
      ],
    }),
  );
  expect(graph.start).toEqual(['a']);
  expect(graph.end).toEqual(['d']);
  expect(graph.order).toEqual(['a', 'c', 'b', 'd']);
  expect(graph.outgoing('a').map(({ id }) => id)).toEqual(['e1', 'e2']);
  expect(graph.outgoing('c', 'error').map(({ to }) => to)).toEqual(['b']);
  expect(graph.incoming('d').map(({ from }) => from)).toEqual(['b', 'c']);
  expect([...graph.upstream('b')].sort()).toEqual(['a', 'c']);
  expect([graph.onError('c'), graph.onError('a')]).toEqual(['route', 'fail']);
});

describe('bodies', () => {
  const node = (id: string, type: string, params: object): Json => ({ id, type, params: params as Json });
  const foreach = (body: unknown): Json => node('each', 'foreach', { items: '{{ input.list }}', body });

  test('are checked like workflows, and see what is around them', () => {
    const inner = [
      node('fetch', 'transform', { value: '{{ item.id }} {{ loop.index }} {{ steps.first.output }}' }),
      node('show', 'transform', { value: '{{ steps.fetch.output }}' }),
    ];
    const body = { nodes: inner, edges: [{ from: 'fetch', to: 'show' }], output: '{{ steps.show.output }}' };
    expect(problemsOf([node('first', 'log', { message: 'x' }), foreach(body)], [edge('first', 'each')])).toEqual([]);
  });

  test.each<[body: unknown, want: string]>([
    [{ nodes: [node('a', 'nonsense', {})] }, 'unknown_node_type a nodes[0].params.body.nodes[0].type'],
    [{ nodes: [node('each', 'log', { message: 'x' })] }, 'duplicate_node_id each nodes[0].params.body.nodes[0].id'],
    [
      { nodes: [node('a', 'log', { message: '{{ steps.later.output }}' })] },
      'step_not_before a nodes[0].params.body.nodes[0].params.message',
    ],
    [
      { nodes: [node('a', 'log', { message: '{{ steps.nowhere.output }}' })] },
      'unknown_step a nodes[0].params.body.nodes[0].params.message',
    ],
    [
      {
        nodes: [node('a', 'log', { message: 'x' }), node('b', 'log', { message: 'x' })],
        edges: [
          { from: 'a', to: 'b' },
          { from: 'b', to: 'a' },
        ],
      },
      'cycle a nodes[0].params.body.nodes[0]',
    ],
    [
      { nodes: [node('a', 'log', { message: 'x' })], edges: [{ from: 'a', to: 'each' }] },
      'unknown_node a_to_each nodes[0].params.body.edges[0].to',
    ],
    [
      { nodes: [node('a', 'log', { message: 'x' })], output: '{{ nothing }}' },
      'unknown_name  nodes[0].params.body.output',
    ],
  ])('%j: %s', (body, want) => {
    const problems = problemsOf([foreach(body), node('later', 'log', { message: 'x' })], [edge('each', 'later')]);
    expect(problems.map((text) => text.split(':')[0])).toEqual([want]);
  });

  test('item and loop are known within loops only', () => {
    const problems = problemsOf([node('a', 'log', { message: '{{ item }}' })]);
    expect(problems).toEqual([expect.stringContaining('which expressions do not have here, outside of a loop')]);
    const looping = node('w', 'while', {
      condition: '{{ loop.last }}',
      body: { nodes: [node('b', 'log', { message: '{{ loop.index }}' })] },
    });
    expect(problemsOf([looping], [])).toEqual([]);
  });

  test('their structure is checked when a definition is read', () => {
    const { problems } = parseDefinition({ nodes: [foreach({ nodes: [{ id: 'a', type: 'log', surprise: 1 }] })] });
    expect(problems).toMatchObject([
      { code: 'invalid_structure', node: 'each', field: 'nodes[0].params.body.nodes[0].surprise' },
    ]);
  });

  test('only so many nodes in all, and bodies only so deep', () => {
    const many = Array.from({ length: 300 }, (_, index) => node(`n${index}`, 'log', { message: 'x' }));
    const others = Array.from({ length: 300 }, (_, index) => node(`m${index}`, 'log', { message: 'x' }));
    expect(problemsOf([foreach({ nodes: many }), ...others], [])).toEqual([expect.stringMatching(/^too_many_nodes/)]);
    const deep = (level: number): Json =>
      level === 0
        ? node('leaf', 'log', { message: 'x' })
        : node(`l${level}`, 'foreach', { items: [], body: { nodes: [deep(level - 1)] } });
    expect(problemsOf([deep(5)], [])).toEqual([]);
    expect(problemsOf([deep(6)], [])).toEqual([expect.stringMatching(/^nested_too_deep leaf/)]);
  });
});
