import { describe, expect, test } from '@jest/globals';
import { Losses } from './losses.ts';
import { lowerSchema } from './lower-schema.ts';

type Json = Record<string, unknown>;

function lower(schema: unknown): [unknown, string[]] {
  const losses = new Losses();
  return [lowerSchema(schema, '', losses), losses.list.map(({ code, pointer }) => `${code} at ${pointer || '/'}`)];
}

const ref = { $ref: '#/components/schemas/A' };

describe('what 3.0.3 can say in its own words', () => {
  test.each<[string, unknown, Json]>([
    ['true', true, {}],
    ['false', false, { not: {} }],
    ['a nullable type', { type: ['string', 'null'], minLength: 1 }, { type: 'string', minLength: 1, nullable: true }],
    ['one type in a list', { type: ['string'] }, { type: 'string' }],
    ['only null', { type: 'null' }, { nullable: true }],
    ['const', { const: 'a' }, { type: 'string', enum: ['a'] }],
    ['const of a type', { type: 'integer', const: 3 }, { type: 'integer', enum: [3] }],
    ['null in enum', { type: ['string', 'null'], enum: ['a', null] }, { type: 'string', enum: ['a'], nullable: true }],
    ['anyOf with null', { anyOf: [{ type: 'string' }, { type: 'null' }] }, { type: 'string', nullable: true }],
    ['a reference or null', { anyOf: [ref, { type: 'null' }] }, { allOf: [ref], nullable: true }],
    [
      'two alternatives or null',
      { oneOf: [ref, { type: 'string' }, { type: 'null' }] },
      { oneOf: [ref, { type: 'string' }], nullable: true },
    ],
    [
      'a described alternative',
      { description: 'd', oneOf: [ref, { type: 'null' }] },
      { description: 'd', allOf: [ref], nullable: true },
    ],
    [
      'exclusiveMinimum',
      { type: 'number', exclusiveMinimum: 1 },
      { type: 'number', minimum: 1, exclusiveMinimum: true },
    ],
    ['a stricter minimum', { type: 'number', minimum: 2, exclusiveMinimum: 1 }, { type: 'number', minimum: 2 }],
    [
      'a stricter exclusiveMaximum',
      { type: 'number', maximum: 2, exclusiveMaximum: 1 },
      { type: 'number', maximum: 1, exclusiveMaximum: true },
    ],
    ['an integer of any size', { type: 'integer' }, { type: 'integer', format: 'int64' }],
    [
      'an integer of 32 bits',
      { type: 'integer', minimum: 1, maximum: 100 },
      { type: 'integer', minimum: 1, maximum: 100 },
    ],
    ['an integer with a format', { type: 'integer', format: 'int32' }, { type: 'integer', format: 'int32' }],
    ['base64', { type: 'string', contentEncoding: 'base64' }, { type: 'string', format: 'byte' }],
    ['raw bytes', { type: 'string', contentMediaType: 'image/png' }, { type: 'string', format: 'binary' }],
    ['one example', { type: 'string', examples: ['a'] }, { type: 'string', example: 'a' }],
    ['an array of anything', { type: 'array' }, { type: 'array', items: {} }],
    ['an empty array', { type: 'array', items: false }, { type: 'array', items: {}, maxItems: 0 }],
    ['siblings of a reference', { ...ref, description: 'd' }, { description: 'd', allOf: [ref] }],
    ['a reference alone', ref, ref],
    ['identifiers and comments', { $id: 'x', $comment: 'c', $schema: 's', type: 'string' }, { type: 'string' }],
    [
      'schemas inside',
      { properties: { a: { type: ['string', 'null'] } }, additionalProperties: { const: 1 } },
      { properties: { a: { type: 'string', nullable: true } }, additionalProperties: { type: 'integer', enum: [1] } },
    ],
    [
      'a property called like a keyword',
      { properties: { if: { type: 'string' } } },
      { properties: { if: { type: 'string' } } },
    ],
  ])('%s', (_name, given, want) => {
    expect(lower(given)).toEqual([want, []]);
  });
});

describe('what is lost is reported', () => {
  test.each<[string, unknown, Json, string[]]>([
    [
      'several types',
      { type: ['string', 'integer'], minLength: 1, minimum: 0, description: 'd' },
      {
        description: 'd',
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'integer', minimum: 0, format: 'int64' },
        ],
      },
      ['several-types at /'],
    ],
    [
      'several types and null',
      { type: ['string', 'boolean', 'null'] },
      { anyOf: [{ type: 'string' }, { type: 'boolean' }], nullable: true },
      ['several-types at /'],
    ],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'boolean' }], items: false },
      { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'boolean' }] }, maxItems: 2 },
      ['tuple at /'],
    ],
    [
      'an open tuple',
      { type: 'array', prefixItems: [{ type: 'string' }] },
      { type: 'array', items: {} },
      ['tuple at /'],
    ],
    [
      'a tuple of equals with a rest',
      { type: 'array', prefixItems: [{ type: 'string' }], items: { type: 'string' } },
      { type: 'array', items: { type: 'string' } },
      ['tuple at /'],
    ],
    [
      'conditions',
      { type: 'object', if: {}, else: {} },
      { type: 'object' },
      ['dropped-keyword at /', 'dropped-keyword at /'],
    ],
    [
      'conditions beside each other, with words for what does not meet them',
      { type: 'object', allOf: [{ if: {}, else: {} }, ref, { else: {}, 'x-problem': 'is not so' }] },
      { type: 'object', allOf: [ref] },
      ['dropped-keyword at /allOf/0', 'dropped-keyword at /allOf/0', 'dropped-keyword at /allOf/2'],
    ],
    [
      'nothing but conditions beside each other',
      { type: 'object', allOf: [{ else: {} }] },
      { type: 'object' },
      ['dropped-keyword at /allOf/0'],
    ],
    [
      'unevaluatedProperties',
      { allOf: [ref], unevaluatedProperties: false },
      { allOf: [ref] },
      ['dropped-keyword at /'],
    ],
    ['dependentRequired', { dependentRequired: { a: ['b'] } }, {}, ['dropped-keyword at /']],
    [
      'contains',
      { type: 'array', items: {}, contains: { type: 'string' } },
      { type: 'array', items: {} },
      ['dropped-keyword at /'],
    ],
    ['further examples', { examples: ['a', 'b'] }, { example: 'a' }, ['examples at /']],
    [
      'patternProperties',
      { type: 'object', patternProperties: { '^x': { type: 'string' } }, additionalProperties: false },
      { type: 'object', additionalProperties: { type: 'string' } },
      ['pattern-properties at /'],
    ],
    ['another encoding', { type: 'string', contentEncoding: 'base32' }, { type: 'string' }, ['content-encoding at /']],
    [
      'what is in a string',
      { type: 'string', contentMediaType: 'application/json', contentSchema: {} },
      { type: 'string' },
      ['content-schema at /'],
    ],
    [
      'the place inside',
      { properties: { a: { items: { examples: [1, 2] } } } },
      { properties: { a: { items: { example: 1 } } } },
      ['examples at /properties/a/items'],
    ],
  ])('%s', (_name, given, want, losses) => {
    expect(lower(given)).toEqual([want, losses]);
  });
});
