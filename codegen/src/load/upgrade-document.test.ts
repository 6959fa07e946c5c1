import { describe, expect, test } from '@jest/globals';
import { upgradeDocument } from './upgrade-document.ts';

describe('a schema of OpenAPI 3.0 as one of 3.1', () => {
  test.each([
    ['nullable', { type: 'string', nullable: true }, { type: ['string', 'null'] }],
    ['not nullable', { type: 'string', nullable: false }, { type: 'string' }],
    ['nullable enum', { type: 'string', nullable: true, enum: ['a'] }, { type: ['string', 'null'], enum: ['a', null] }],
    [
      'nullable without type',
      { nullable: true, allOf: [{ $ref: '#/a' }] },
      { anyOf: [{ allOf: [{ $ref: '#/a' }] }, { type: 'null' }] },
    ],
    ['nullable alone', { nullable: true }, {}],
    ['exclusive limit', { minimum: 1, exclusiveMinimum: true }, { exclusiveMinimum: 1 }],
    ['inclusive limit', { maximum: 1, exclusiveMaximum: false }, { maximum: 1 }],
    ['example', { example: { nullable: true } }, { examples: [{ nullable: true }] }],
    ['siblings of a reference', { $ref: '#/a', description: 'ignored' }, { $ref: '#/a' }],
    [
      'property called nullable',
      { properties: { nullable: { type: 'null' } } },
      { properties: { nullable: { type: 'null' } } },
    ],
    [
      'nested',
      { items: { additionalProperties: { type: 'object', nullable: true } } },
      { items: { additionalProperties: { type: ['object', 'null'] } } },
    ],
  ])('%s', (_, given, want) => {
    expect(upgradeDocument({ openapi: '3.0.3', components: { schemas: { A: given } } })).toEqual({
      openapi: '3.1.1',
      components: { schemas: { A: want } },
    });
  });
});

test('examples of bodies are left as they are', () => {
  const media = { schema: { type: 'string', nullable: true }, example: { schema: { nullable: true } } };
  expect(upgradeDocument({ paths: { '/': { content: { 'application/json': media } } } })).toMatchObject({
    paths: {
      '/': {
        content: {
          'application/json': { schema: { type: ['string', 'null'] }, example: { schema: { nullable: true } } },
        },
      },
    },
  });
});
