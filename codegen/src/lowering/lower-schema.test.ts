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
    ['a stricter exclusiveMinimum', { minimum: 1, exclusiveMinimum: 2 }, { minimum: 2, exclusiveMinimum: true }],
    ['equal limits', { minimum: 1, exclusiveMinimum: 1 }, { minimum: 1, exclusiveMinimum: true }],
    ['a stricter maximum', { maximum: 1, exclusiveMaximum: 2 }, { maximum: 1 }],
    ...[
      { type: 'integer', minimum: -2147483647, maximum: 2147483647 },
      { type: 'integer', enum: [1] },
      { type: 'number' },
    ].map((schema): [string, unknown, Json] => [`${JSON.stringify(schema)}, which has a width`, schema, schema]),
    ...[
      { type: 'integer', minimum: -2147483648, maximum: 1 },
      { type: 'integer', minimum: 1, maximum: 2147483648 },
      { type: 'integer', minimum: 1 },
      { type: 'integer', maximum: 1 },
    ].map((schema): [string, unknown, Json] => [
      `${JSON.stringify(schema)}, which has none`,
      schema,
      { ...schema, format: 'int64' },
    ]),
    ['items of any kind', { type: 'array', items: true }, { type: 'array', items: {} }],
    ['an array or null of anything', { type: ['array', 'null'] }, { type: 'array', items: {}, nullable: true }],
    ['what is no array', { type: 'object' }, { type: 'object' }],
    ['const null', { const: null }, { enum: [null] }],
    ['const of an object', { const: { a: 1 } }, { enum: [{ a: 1 }] }],
    ['const of a fraction', { const: 1.5 }, { type: 'number', enum: [1.5] }],
    ['const of a yes or no', { const: true }, { type: 'boolean', enum: [true] }],
    ['nullable of 3.0', { nullable: true, description: 'd' }, { nullable: true, description: 'd' }],
    ['nothing but null', { anyOf: [{ type: 'null' }] }, { enum: [null], nullable: true }],
    ['an enum of nothing but null', { enum: [null] }, { enum: [null] }],
    ['an enum without null', { enum: ['a', 'b'] }, { enum: ['a', 'b'] }],
    [
      'an alternative to null that says something of its own',
      { title: 't', description: 'd', anyOf: [{ type: 'string', description: 'e', title: 'u' }, { type: 'null' }] },
      { title: 't', type: 'string', description: 'd', nullable: true },
    ],
    [
      'an alternative to null that says the same in another way',
      { minLength: 1, anyOf: [{ type: 'string', minLength: 2 }, { type: 'null' }] },
      { minLength: 1, allOf: [{ type: 'string', minLength: 2 }], nullable: true },
    ],
    [
      'a reference or null beside allOf',
      { allOf: [ref], anyOf: [{ $ref: '#/components/schemas/B' }, { type: 'null' }] },
      { allOf: [ref, { $ref: '#/components/schemas/B' }], nullable: true },
    ],
    ['an example beside examples', { example: 'x', examples: ['a'] }, { example: 'x' }],
    ['no examples', { examples: [] }, {}],
    ['a text of a media type', { type: 'string', contentMediaType: 'text/html' }, { type: 'string' }],
    ['JSON in a text', { type: 'string', contentMediaType: 'application/json' }, { type: 'string' }],
    [
      'bytes of a media type in base64',
      { type: 'string', contentEncoding: 'base64', contentMediaType: 'image/png' },
      { type: 'string', format: 'byte' },
    ],
    ['siblings of a reference with allOf', { ...ref, allOf: [{ minLength: 1 }] }, { allOf: [ref, { minLength: 1 }] }],
    ['no', { not: false, additionalProperties: false }, { not: { not: {} }, additionalProperties: false }],
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
      'a tuple with a rest of another kind',
      { prefixItems: [{ type: 'string' }], items: { type: 'boolean' } },
      { items: { anyOf: [{ type: 'string' }, { type: 'boolean' }] } },
      ['tuple at /'],
    ],
    ['a tuple with any rest', { prefixItems: [{ type: 'string' }], items: true }, { items: {} }, ['tuple at /']],
    [
      'a tuple with a length of its own',
      { prefixItems: [{ type: 'string' }], items: false, maxItems: 0 },
      { items: { type: 'string' }, maxItems: 0 },
      ['tuple at /'],
    ],
    [
      'several types beside alternatives',
      { type: ['string', 'boolean'], anyOf: [ref], allOf: [{ minLength: 1 }] },
      { anyOf: [ref], allOf: [{ minLength: 1 }, { anyOf: [{ type: 'string' }, { type: 'boolean' }] }] },
      ['several-types at /'],
    ],
    [
      'patternProperties beside any others',
      { patternProperties: { '^x': { type: 'string' } } },
      { additionalProperties: true },
      ['pattern-properties at /'],
    ],
    [
      'patternProperties beside others that are let through',
      { patternProperties: { '^x': { type: 'string' } }, additionalProperties: true },
      { additionalProperties: true },
      ['pattern-properties at /'],
    ],
    [
      'patternProperties beside others of a kind',
      { patternProperties: { '^x': { type: 'string' } }, additionalProperties: { type: 'boolean' } },
      { additionalProperties: { anyOf: [{ type: 'string' }, { type: 'boolean' }] } },
      ['pattern-properties at /'],
    ],
    ...[
      'if',
      'else',
      'dependentSchemas',
      'unevaluatedItems',
      'minContains',
      'maxContains',
      'propertyNames',
      '$dynamicRef',
    ].map((keyword): [string, unknown, Json, string[]] => [keyword, { [keyword]: {} }, {}, ['dropped-keyword at /']]),
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
