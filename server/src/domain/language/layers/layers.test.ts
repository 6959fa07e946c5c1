import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Json } from '../../domain-error.ts';
import type { WorkflowDefinition } from '../definition.ts';
import type { WorkflowDocument } from '../yaml/workflow-document.ts';
import { toFilters, toWhen } from './filters.ts';
import { filterOperators, type LayerFilter, type LayersDocument } from './layers-document.ts';
import { readLayers } from './read-layers.ts';
import { writeLayers } from './write-layers.ts';

const read = (layers: LayersDocument): WorkflowDocument => {
  const { document, problems } = readLayers(layers as unknown as Json);
  expect(problems).toEqual([]);
  return document!;
};
const problemsOf = (value: unknown): string[] =>
  readLayers(value as Json).problems.map(({ field, message }) => `${field}: ${message}`);
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const log = { type: 'log', params: { message: 'x' } };

test('layers of one index run side by side, and each index waits for the one before', () => {
  const given: LayersDocument = {
    name: 'Orders',
    layers: [
      { id: 'read', index: 0, ...log },
      { id: 'stock', index: 1, ...log },
      { id: 'price', index: 1, ...log, retry: { count: 2, delay_ms: 1_500, backoff_multiplier: 2 }, timeout: 90 },
      { id: 'answer', index: 2, ...log },
    ],
  };
  const { definition } = read(given);
  expect(definition.edges.map(({ id }) => id)).toEqual([
    'read_to_stock',
    'read_to_price',
    'stock_to_answer',
    'price_to_answer',
  ]);
  expect(definition.nodes[2]).toMatchObject({
    retry: { max_attempts: 3, backoff: 'exponential', initial: '1500ms' },
    timeout: '90s',
  });
  expect(writeLayers(read(given))).toEqual(given);
});

test('what comes after a layer that is filtered out still runs', () => {
  const filters: LayerFilter[] = [{ left_value: '{{ input.total }}', operator: 'gt', right_value: 100 }];
  const given: LayersDocument = {
    name: 'Orders',
    layers: [
      { id: 'read', index: 0, ...log },
      { id: 'approve', index: 1, ...log, filters },
      { id: 'pack', index: 2, ...log },
    ],
  };
  const { definition } = read(given);
  expect(definition.nodes[1]!.when).toBe('{{ ( input.total ) > (100) }}');
  expect(definition.edges.map(({ from, to }) => [from, to])).toEqual([
    ['read', 'approve'],
    ['read', 'pack'],
    ['approve', 'pack'],
  ]);
  expect(writeLayers(read(given))).toEqual(given);
});

test('a graph that layers cannot say keeps its edges', () => {
  const edges = [
    { id: 'e1', from: 'ask', to: 'yes', port: 'true' },
    { id: 'e2', from: 'ask', to: 'no', port: 'false', when: 'input.polite' },
  ];
  const nodes = ['ask', 'yes', 'no'].map((id) => ({ id, type: 'condition', params: {} }));
  const document = { name: 'n', definition: { nodes, edges, settings: { timeout: '5m' } } };
  const layers = writeLayers(document);
  expect(layers).toMatchObject({ edges, settings: { timeout: '5m' } });
  expect(layers.layers.map(({ index }) => index)).toEqual([0, 1, 1]);
  expect(read(layers)).toEqual(document);
});

describe('what is no layered workflow is told where and why', () => {
  test.each<[string, unknown, string[]]>([
    ['nothing', {}, ['name: name is missing.', 'layers: layers is missing.']],
    [
      'a layer without a place',
      { name: 'n', layers: [{ id: 'a', ...log }] },
      ['layers[0].index: layers[0].index is missing.'],
    ],
    [
      'a field that no node has',
      { name: 'n', layers: [{ id: 'a', index: 0, ...log, colour: 'red' }] },
      ['layers[0].colour: layers[0].colour is not known.'],
    ],
    [
      'filters beside when',
      {
        name: 'n',
        layers: [{ id: 'a', index: 0, ...log, when: 'true', filters: [{ left_value: 1, operator: 'is_empty' }] }],
      },
      ['layers[0].filters: layers[0].filters stands beside when.'],
    ],
    [
      'a filter of text with expressions in it',
      {
        name: 'n',
        layers: [{ id: 'a', index: 0, ...log, filters: [{ left_value: 'a{{ b }}', operator: 'not_empty' }] }],
      },
      ['layers[0].filters: layers[0].filters compares something else than plain values and whole expressions.'],
    ],
  ])('%s', (_name, value, problems) => {
    expect(problemsOf(value)).toEqual(problems);
  });
});

const operand = fc.oneof(
  fc.constantFrom(
    '{{ input.a }}',
    '{{steps.x.output[0]}}',
    '{{ (a) === (b) }}',
    '{{ a) && (b }}',
    '{{ ")) && ((" + input.b }}',
    '{{ `(${input.c}` }}',
  ),
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const filter = fc.record({ left_value: operand, operator: fc.constantFrom(...filterOperators), right_value: operand });
const filters = fc.array(fc.tuple(filter, fc.constantFrom('and' as const, 'or' as const)), {
  minLength: 1,
  maxLength: 4,
});

test('filters become a condition and filters again, or are refused', () => {
  fc.assert(
    fc.property(filters, (list) => {
      const given = list.map(([{ right_value: right, ...rest }, mode], position): LayerFilter => {
        const isUnary = rest.operator.endsWith('empty');
        return plain({ ...rest, ...(!isUnary && { right_value: right }), ...(position > 0 && { mode }) });
      });
      const when = toWhen(given);
      if (when === undefined) return;
      const back = toFilters(when);
      if (back) expect(toWhen(back)).toBe(when);
      const { document } = readLayers(
        plain({ name: 'n', layers: [{ id: 'a', index: 0, ...log, filters: given }] }) as unknown as Json,
      );
      if (document) expect(back).toEqual(given);
    }),
    { numRuns: 300 },
  );
});

const nodeIds = ['a', 'b', 'c', 'd', 'e'];
const duration = fc.constantFrom('250ms', '1s', '60s', '1m', '90s', 'PT5M', '1h30m', '2d');
const when = fc.constantFrom(
  'input.go',
  '{{ (input.a) === (1) }}',
  '{{ ((input.a) > (1)) && ((input.b)?.includes("x")) }}',
  '{{ not (',
);
const definition = fc
  .record(
    {
      nodes: fc.uniqueArray(
        fc.record(
          {
            id: fc.constantFrom(...nodeIds),
            type: fc.constantFrom('log', 'condition'),
            params: fc.constant({ message: 'x' }),
            when,
            timeout: duration,
            retry: fc.record(
              {
                max_attempts: fc.integer({ min: 1, max: 5 }),
                backoff: fc.constantFrom('constant' as const, 'exponential' as const),
                initial: duration,
                max: duration,
                jitter: fc.constantFrom(0, 0.5, 1),
                on: fc.constant(['timeout']),
              },
              { requiredKeys: ['max_attempts'], noNullPrototype: true },
            ),
            join: fc.constantFrom('all' as const, 'any' as const, 2),
            on_error: fc.constantFrom('continue' as const, 'route' as const),
          },
          { requiredKeys: ['id', 'type', 'params'], noNullPrototype: true },
        ),
        { selector: ({ id }) => id, maxLength: 5 },
      ),
      edges: fc.array(
        fc.record(
          {
            id: fc.stringMatching(/^[a-z]{1,3}$/),
            from: fc.constantFrom(...nodeIds),
            to: fc.constantFrom(...nodeIds),
            port: fc.constantFrom('default', 'error', 'true'),
            when,
          },
          { requiredKeys: ['id', 'from', 'to', 'port'], noNullPrototype: true },
        ),
        { maxLength: 6 },
      ),
      output: fc.constantFrom('{{ steps.a.output }}', 7, { x: ['{{ input }}'] }),
    },
    { requiredKeys: ['nodes', 'edges'], noNullPrototype: true },
  )
  .map((value) => plain(value) as WorkflowDefinition);

test('any definition goes to layers and back without loss', () => {
  fc.assert(
    fc.property(definition, (given) => {
      const document = { name: 'n', description: null, tags: ['x'], definition: given };
      const layers = plain(writeLayers(document));
      expect(read(layers)).toEqual(document);
      expect(plain(writeLayers(read(layers)))).toEqual(layers);
    }),
    { numRuns: 300 },
  );
});
