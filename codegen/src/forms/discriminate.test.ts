import { describe, expect, test } from '@jest/globals';
import { schemasOf } from '../../test/contract-of.ts';
import type { JsonObject } from '../json.ts';
import { selectorOf } from './discriminate.ts';

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
