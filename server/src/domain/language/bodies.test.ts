import { describe, expect, test } from '@jest/globals';
import type { Json } from '../domain-error.ts';
import { allNodes, bodiesOf, hasBodies, withBodies } from './bodies.ts';
import type { WorkflowBody } from './definition.ts';

const body = (...ids: string[]) => ({ nodes: ids.map((id) => ({ id, type: 'log', params: {} })), edges: [] });
type Given = { type: string; params: Record<string, Json> };
const node = (type: string, params: object): Given => ({ type, params: params as Given['params'] });

describe('the bodies of a node', () => {
  test.each<[given: Given, want: unknown[]]>([
    [node('foreach', { body: body('a') }), [{ keys: ['params', 'body'], body: body('a') }]],
    [node('while', { body: body('a') }), [{ keys: ['params', 'body'], body: body('a') }]],
    [
      node('parallel', { branches: { x: body('a'), y: 'none', z: body('b') } }),
      [
        { keys: ['params', 'branches', 'x'], name: 'x', body: body('a') },
        { keys: ['params', 'branches', 'z'], name: 'z', body: body('b') },
      ],
    ],
    [node('parallel', { body: body('a') }), []],
    [node('parallel', { branches: [body('a')] }), []],
    [node('parallel', { branches: null }), []],
    [node('foreach', {}), []],
    [node('foreach', { body: { nodes: 'none' } }), []],
    [node('foreach', { body: [body('a')] }), []],
    [node('log', { body: body('a'), branches: { x: body('a') } }), []],
  ])('%j', (given, want) => {
    expect(bodiesOf(given)).toEqual(want);
    expect(hasBodies(given.type)).toBe(given.type !== 'log');
  });
});

describe('replacing bodies', () => {
  const other = (): WorkflowBody => body('other') as WorkflowBody;

  test('replaces all that there are, and leaves alone what is none', () => {
    expect(withBodies(node('foreach', { body: body('a'), items: [1] }), other)).toEqual(
      node('foreach', { body: body('other'), items: [1] }),
    );
    const branches = { x: body('a'), y: 'none', z: null };
    expect(withBodies(node('parallel', { branches, n: 1 }), other)).toEqual(
      node('parallel', { branches: { x: body('other'), y: 'none', z: null }, n: 1 }),
    );
  });

  test('of a node without any gives the node itself', () => {
    for (const given of [node('log', { body: body('a') }), node('foreach', { body: 'none' })])
      expect(withBodies(given, other)).toBe(given);
  });
});

test('every node is found, also in bodies of bodies, with the keys that lead to it', () => {
  const inner = { id: 'in', ...node('while', { body: body('deep') }) };
  const branches = { x: { nodes: [inner], edges: [] } };
  const nodes = [
    { id: 'a', ...node('log', {}) },
    { id: 'p', ...node('parallel', { branches }) },
  ];
  const found = [...allNodes({ nodes } as never)].map(({ node: { id }, keys }) => [id, keys.join('/')]);
  expect(found).toEqual([
    ['a', 'nodes/0'],
    ['p', 'nodes/1'],
    ['in', 'nodes/1/params/branches/x/nodes/0'],
    ['deep', 'nodes/1/params/branches/x/nodes/0/params/body/nodes/0'],
  ]);
});
