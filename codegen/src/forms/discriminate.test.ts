import { describe, expect, test } from '@jest/globals';
import { schemasOf } from '../../test/contract-of.ts';
import type { JsonObject } from '../json.ts';
import { selectionOf, selectorOf } from './discriminate.ts';

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const tagged = (kind: JsonObject): JsonObject => ({ type: 'object', required: ['kind'], properties: { kind } });
const oneOf = [ref('Cat'), ref('Dog')];

describe('the property that tells alternatives apart', () => {
  test.each<[string, JsonObject, JsonObject, [string, number][] | undefined]>([
    [
      'constants without discriminator',
      { oneOf },
      { Cat: tagged({ const: 'cat' }), Dog: tagged({ enum: ['dog', 'wolf'] }) },
      [
        ['cat', 0],
        ['dog', 1],
        ['wolf', 1],
      ],
    ],
    [
      'constants say more than implicit names',
      { oneOf, discriminator: { propertyName: 'kind' } },
      { Cat: tagged({ const: 'cat' }), Dog: tagged({ const: 'dog' }) },
      [
        ['cat', 0],
        ['dog', 1],
      ],
    ],
    [
      'a mapping',
      { oneOf, discriminator: { propertyName: 'kind', mapping: { c: '#/components/schemas/Cat', d: 'Dog' } } },
      { Cat: tagged({}), Dog: tagged({}) },
      [
        ['c', 0],
        ['d', 1],
      ],
    ],
    [
      'implicit names',
      { oneOf, discriminator: { propertyName: 'kind' } },
      { Cat: tagged({}), Dog: tagged({}) },
      [
        ['Cat', 0],
        ['Dog', 1],
      ],
    ],
    [
      'a constant that two share',
      { oneOf },
      { Cat: tagged({ const: 'pet' }), Dog: tagged({ const: 'pet' }) },
      undefined,
    ],
    [
      'a constant that may be absent',
      { oneOf },
      { Cat: { properties: { kind: { const: 'cat' } } }, Dog: tagged({ const: 'dog' }) },
      undefined,
    ],
    [
      'constants inside allOf',
      { oneOf },
      { Cat: { allOf: [tagged({ const: 'cat' })] }, Dog: tagged({ const: 'dog' }) },
      [
        ['cat', 0],
        ['dog', 1],
      ],
    ],
  ])('%s', (_, subject, schemas, want) => {
    const { contract, subject: schema } = schemasOf({ Subject: subject, ...schemas });
    const selector = selectorOf(contract, schema, schema.oneOf);
    expect(selector && [...selector.cases]).toEqual(want);
    if (selector) expect(selector.property).toBe('kind');
  });
});

describe('alternatives that one property selects', () => {
  const named = { oneOf, discriminator: { propertyName: 'kind' } };
  const nested = { type: 'object', required: ['kind'], oneOf: [tagged({ const: 'wolf' }), tagged({ const: 'dog' })] };
  test.each<[string, JsonObject, JsonObject, (readonly string[])[] | undefined]>([
    [
      'constants',
      { oneOf },
      { Cat: tagged({ const: 'cat' }), Dog: tagged({ enum: ['a', 'b'] }) },
      [['cat'], ['a', 'b']],
    ],
    ['a mapping', named, { Cat: tagged({}), Dog: { type: 'object' } }, [['Cat'], ['Dog']]],
    ['constants of some', named, { Cat: tagged({ const: 'Cat' }), Dog: tagged({}) }, [['Cat'], ['Dog']]],
    ['a union inside', { oneOf }, { Cat: tagged({ const: 'cat' }), Dog: nested }, [['cat'], ['wolf', 'dog']]],
    [
      'a union of itself',
      { oneOf },
      { Cat: tagged({ const: 'cat' }), Dog: { oneOf: [{ $ref: '#/components/schemas/Dog' }] } },
      undefined,
    ],
    [
      'a value that two share',
      { oneOf },
      { Cat: tagged({ const: 'a' }), Dog: tagged({ enum: ['a', 'b'] }) },
      undefined,
    ],
    [
      'a property that may be absent',
      named,
      { Cat: { type: 'object', properties: { kind: { const: 'Cat' } } }, Dog: tagged({ const: 'Dog' }) },
      undefined,
    ],
    ['numbers', { oneOf }, { Cat: tagged({ const: 1 }), Dog: tagged({ const: 2 }) }, undefined],
    [
      'an alternative that is not only for objects',
      { oneOf },
      { Cat: { ...tagged({ const: 'cat' }), type: ['object', 'string'] }, Dog: tagged({ const: 'dog' }) },
      undefined,
    ],
    [
      'a property that requests do not have',
      { oneOf },
      { Cat: tagged({ const: 'cat', readOnly: true }), Dog: tagged({ const: 'dog' }) },
      undefined,
    ],
  ])('%s', (_, subject, schemas, want) => {
    const { contract, subject: schema } = schemasOf({ Subject: subject, ...schemas });
    const selection = selectionOf(contract, schema, schema.oneOf, 'request');
    expect(selection?.cases.map(({ values }) => values)).toEqual(want);
  });
});
