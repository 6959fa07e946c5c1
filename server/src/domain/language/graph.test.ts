import { describe, expect, test } from '@jest/globals';
import type { WorkflowDefinition, WorkflowEdge, WorkflowNode } from './definition.ts';
import { compile, cycles } from './graph.ts';

/** Edges as `a>b` or `a:error>b`, each with its priority behind a `@`; their ids are their texts. */
function definition(
  nodes: string,
  edges: readonly string[] = [],
  more: Partial<WorkflowNode> = {},
): WorkflowDefinition {
  return {
    nodes: [...nodes].map((id) => ({ id, type: 'log', params: {}, ...more })),
    edges: edges.map((text): WorkflowEdge => {
      const [, from, port = 'default', to, priority] = /^(\w+)(?::(\w+))?>(\w+)(?:@(-?\d+))?$/.exec(text)!;
      return { id: text, from: from!, to: to!, port, ...(priority !== undefined && { priority: Number(priority) }) };
    }),
  };
}
const ids = (edges: readonly WorkflowEdge[]): string[] => edges.map(({ id }) => id);

describe('a graph', () => {
  const graph = compile(definition('edcba', ['a>c', 'b>c', 'c>d@2', 'c:error>e@1', 'c>e@1']));

  test('begins where nothing leads to, and ends where nothing but a failure leads on', () => {
    expect([graph.start, graph.end]).toEqual([
      ['a', 'b'],
      ['d', 'e'],
    ]);
    expect(compile(definition('ab', ['a:error>b'])).end).toEqual(['a', 'b']);
  });

  test('has an order in which each comes after all that lead to it, ties by id', () => {
    expect(graph.order).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(compile(definition('abcd', ['d>a', 'a>b'])).order).toEqual(['c', 'd', 'a', 'b']);
    expect(compile(definition('abc', ['a>c', 'b>c', 'a>c@1'])).order).toEqual(['a', 'b', 'c']);
  });

  test('has edges into a node by id, and out of it by priority, those without one as 0', () => {
    expect([ids(graph.incoming('c')), ids(graph.incoming('a')), graph.incoming('none')]).toEqual([
      ['a>c', 'b>c'],
      [],
      [],
    ]);
    expect(ids(graph.outgoing('c'))).toEqual(['c:error>e@1', 'c>e@1', 'c>d@2']);
    expect([ids(graph.outgoing('c', 'default')), ids(graph.outgoing('c', 'error'))]).toEqual([
      ['c>e@1', 'c>d@2'],
      ['c:error>e@1'],
    ]);
    expect([graph.outgoing('d'), graph.outgoing('d', 'default')]).toEqual([[], []]);
    const { outgoing } = compile(definition('abcde', ['a>b@1', 'a>e', 'a>c', 'a>d@-1']));
    expect(ids(outgoing('a'))).toEqual(['a>d@-1', 'a>c', 'a>e', 'a>b@1']);
  });

  test('knows all that lead to a node', () => {
    expect([...graph.upstream('e')].sort()).toEqual(['a', 'b', 'c']);
    expect([...graph.upstream('a')]).toEqual([]);
    expect(graph.upstream('e')).toBe(graph.upstream('e'));
    const tangled = compile(definition('abc', ['a>b', 'b>a', 'b>c']));
    expect([...tangled.upstream('c')].sort()).toEqual(['a', 'b']);
    expect([...tangled.upstream('a')].sort()).toEqual(['a', 'b']);
  });

  test('routes a failure where an edge is for it, unless the node says otherwise', () => {
    const onError = (edges: string[], more: Partial<WorkflowNode> = {}): string =>
      compile(definition('ab', edges, more)).onError('a');
    expect([onError([]), onError(['a>b']), onError(['a:error>b'])]).toEqual(['fail', 'fail', 'route']);
    expect(onError(['a:error>b'], { on_error: 'continue' })).toBe('continue');
    expect(onError(['a>b'], { on_error: 'continue' })).toBe('continue');
    for (const ask of [graph.node, graph.onError]) expect(() => ask('x')).toThrow('The workflow has no node "x".');
    expect(graph.node('a').id).toBe('a');
  });

  test('leaves out edges to what is not there, and of the order what is in a cycle or behind one', () => {
    const broken = compile(definition('abc', ['a>x', 'x>b', 'b>c', 'c>b']));
    expect([broken.start, broken.order, ids(broken.outgoing('a')), ids(broken.incoming('b'))]).toEqual([
      ['a'],
      ['a'],
      [],
      ['c>b'],
    ]);
  });
});

test.each<[edges: string[], want: string[][]]>([
  [[], []],
  [['a>b', 'b>c'], []],
  [['a>a'], [['a']]],
  [['a>b', 'b>a'], [['a', 'b']]],
  [['c>a', 'a>b', 'b>c'], [['a', 'b', 'c']]],
  // Behind a cycle, not on one.
  [['a>b', 'b>a', 'b>c', 'c>d'], [['a', 'b']]],
  [['a>b', 'b>a', 'c>d', 'd>c'], [['a', 'b'], ['c', 'd']]], // prettier-ignore
  // Two that share a node are one tangle, of which the shortest through the smallest is told.
  [['a>b', 'b>c', 'c>a', 'b>a'], [['a', 'b']]],
  [['b>c', 'c>b', 'a>b', 'c>d', 'd>c'], [['b', 'c']]],
  [['a>b', 'b>x', 'x>a'], []],
])('the cycles of %j are %j', (edges, want) => {
  expect(cycles(definition('abcd', edges))).toEqual(want);
});
