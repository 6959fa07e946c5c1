import { describe, expect, test } from '@jest/globals';
import { ContractDocument, type Schema } from './contract-document.ts';
import { ResponseSchemas } from './response-schema.ts';

const components = {
  Secret: { type: 'string', writeOnly: true },
  Alias: { $ref: '#/components/schemas/Secret' },
  Part: { type: 'object', properties: { part: { type: 'string' } } },
  Free: { type: 'object' },
  Tree: { type: 'object', properties: { children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } } },
  'odd.name-1_x': { type: 'object', properties: { odd: { type: 'boolean' } } },
};

/** Schemas of a contract with these components and those that every test may refer to. */
function schemas(more: Record<string, unknown> = {}): ResponseSchemas {
  return new ResponseSchemas(ContractDocument.of({ components: { schemas: { ...components, ...more } } }));
}

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const all = schemas();

/** A schema, a value that it lets pass and one that it refuses. */
type Case = readonly [name: string, schema: Schema, good: unknown, bad: unknown];

function holds([, schema, good, bad]: Case): void {
  expect(all.problems(schema, good)).toEqual([]);
  expect(all.problems(schema, bad)).not.toEqual([]);
}

describe('what may only be written may not be read', () => {
  test.each<Case>([
    ['a property', { properties: { a: {}, key: { writeOnly: true } } }, { a: 1 }, { a: 1, key: 'k' }],
    ['a property behind a $ref', { properties: { a: {}, key: ref('Secret') } }, { a: 1 }, { a: 1, key: 'k' }],
    ['a property behind two', { properties: { a: {}, key: ref('Alias') } }, { a: 1 }, { a: 1, key: 'k' }],
    [
      'a property whose $ref says it beside',
      { properties: { a: {}, key: { $ref: '#/components/schemas/Part', writeOnly: true } } },
      { a: 1 },
      { a: 1, key: { part: 'p' } },
    ],
    ['a property by its pattern', { patternProperties: { '^k': ref('Secret') } }, {}, { key: 'k' }],
    ['a property of an item', { items: { properties: { key: ref('Secret') } } }, [{}], [{ key: 'k' }]],
  ])('%s', (...given) => holds(given));

  test('it is not required of a response; all else that is required is', () => {
    const schema = {
      type: 'object',
      required: ['id', 'key', 'alias', 'elsewhere', 'open'],
      properties: { id: {}, key: { writeOnly: true }, alias: ref('Alias'), open: true },
    };
    expect(all.problems({ ...schema, additionalProperties: true }, {})).toEqual([
      `/ must have required property 'id' {"missingProperty":"id"}`,
      `/ must have required property 'elsewhere' {"missingProperty":"elsewhere"}`,
      `/ must have required property 'open' {"missingProperty":"open"}`,
    ]);
  });

  test('writeOnly: false is no reason to leave anything out', () => {
    const schema = { required: ['id'], properties: { id: { writeOnly: false } } };
    expect(all.problems(schema, { id: 1 })).toEqual([]);
    expect(all.problems(schema, {})).toHaveLength(1);
  });
});

describe('an object holds what is named, and nothing else', () => {
  const other = { a: 1, other: 1 };
  test.each<Case>([
    ['by properties', { properties: { a: {} } }, { a: 1 }, other],
    ['by a $ref', ref('Part'), { part: 'p' }, { part: 'p', other: 1 }],
    ['by a component with an odd name', ref('odd.name-1_x'), { odd: true }, { odd: true, other: 1 }],
    ['by any of its parts', { allOf: [{ properties: { a: {} } }, ref('Part')] }, { a: 1, part: 'p' }, other],
    [
      'by the alternative that holds',
      {
        oneOf: [
          { properties: { a: {} }, required: ['a'] },
          { properties: { b: {} }, required: ['b'] },
        ],
      },
      { b: 1 },
      { b: 1, other: 1 },
    ],
    ['by anyOf', { anyOf: [{ properties: { a: {} } }] }, { a: 1 }, other],
    ['as an item', { items: { properties: { a: {} } } }, [{ a: 1 }], [other]],
    ['as one of the first items', { prefixItems: [true, { properties: { a: {} } }] }, [1, { a: 1 }], [1, other]],
    [
      'as what is contained',
      { contains: { properties: { a: { const: 1 } }, required: ['a'] } },
      [other, { a: 1 }],
      [other],
    ],
    ['as a further property', { additionalProperties: { properties: { a: {} } } }, { x: { a: 1 } }, { x: other }],
    ['as an unevaluated property', { unevaluatedProperties: { properties: { a: {} } } }, { x: { a: 1 } }, { x: other }],
    ['as an unevaluated item', { unevaluatedItems: { properties: { a: {} } } }, [{ a: 1 }], [other]],
    ['as a property', { properties: { x: { properties: { a: {} } } } }, { x: { a: 1 } }, { x: other }],
    [
      'as a property by its pattern',
      { patternProperties: { '^x': { properties: { a: {} } } } },
      { x: { a: 1 } },
      { x: other },
    ],
    ['at any depth', ref('Tree'), { children: [{ children: [] }] }, { children: [{ children: [{ other: 1 }] }] }],
    [
      'unless the contract opens it',
      { properties: { a: { type: 'number' } }, additionalProperties: true },
      other,
      { a: 'x' },
    ],
    [
      'unless it says what else there may be',
      { properties: { a: {} }, unevaluatedProperties: { type: 'number' } },
      other,
      { a: 1, other: 'x' },
    ],
    ['unless a $ref leads to nothing that names one', ref('Free'), { any: 'thing' }, 1],
    [
      'unless nothing names a property, in a part that lets all pass',
      { allOf: [true, ref('Free')] },
      { any: 'thing' },
      1,
    ],
    ['unless nothing names a property', { type: 'object' }, { any: 'thing' }, 1],
  ])('%s', (...given) => holds(given));

  test('a component that only names another, or itself, is followed to its end', () => {
    const round = schemas({
      Ring: { anyOf: [ref('Ring2'), { properties: { a: {} } }] },
      Ring2: { allOf: [ref('Part')] },
    });
    expect(round.problems(ref('Ring'), { a: 1 })).toEqual([]);
    expect(round.problems(ref('Ring'), { other: 1 })).not.toEqual([]);
  });
});

describe('every assertion of the contract counts', () => {
  test.each<Case>([
    ['type', { type: 'string' }, 'a', 1],
    ['several types', { type: ['string', 'null'] }, null, 1],
    ['enum', { enum: ['a'] }, 'a', 'b'],
    ['const', { const: 1 }, 1, 2],
    ['multipleOf', { multipleOf: 2 }, 4, 3],
    ['maximum', { maximum: 2 }, 2, 3],
    ['exclusiveMaximum', { exclusiveMaximum: 2 }, 1, 2],
    ['minimum', { minimum: 2 }, 2, 1],
    ['exclusiveMinimum', { exclusiveMinimum: 2 }, 3, 2],
    ['maxLength', { maxLength: 2 }, 'ab', 'abc'],
    ['minLength', { minLength: 2 }, 'ab', 'a'],
    ['pattern', { pattern: '^a' }, 'ab', 'b'],
    ['maxItems', { maxItems: 1 }, [1], [1, 2]],
    ['minItems', { minItems: 1 }, [1], []],
    ['uniqueItems', { uniqueItems: true }, [1, 2], [1, 1]],
    ['maxContains', { contains: { const: 1 }, maxContains: 1 }, [1, 2], [1, 1]],
    ['minContains', { contains: { const: 1 }, minContains: 2 }, [1, 1], [1, 2]],
    ['maxProperties', { maxProperties: 1 }, { a: 1 }, { a: 1, b: 2 }],
    ['minProperties', { minProperties: 1 }, { a: 1 }, {}],
    ['dependentRequired', { dependentRequired: { a: ['b'] } }, { a: 1, b: 2 }, { a: 1 }],
    ['dependentSchemas', { dependentSchemas: { a: { required: ['b'] } } }, { a: 1, b: 2 }, { a: 1 }],
    ['propertyNames', { propertyNames: { maxLength: 1 } }, { a: 1 }, { ab: 1 }],
    ['not', { not: { const: 1 } }, 2, 1],
    ['then', { if: { const: 1 }, then: false }, 2, 1],
    ['else', { if: { const: 1 }, else: false }, 1, 2],
    ['format', { format: 'date-time' }, '2026-01-01T00:00:00Z', 'yesterday'],
    ['items', { items: { type: 'number' } }, [1], ['a']],
    ['a schema that is false', { properties: { a: false } }, {}, { a: 1 }],
  ])('%s', (...given) => holds(given));

  test.each(['password', 'binary'])('the format %s says nothing about the text', (format) => {
    expect(all.problems({ type: 'string', format }, 'anything')).toEqual([]);
  });

  test("OpenAPI's own keywords assert nothing", () => {
    const schema = { type: 'string', nullable: true, example: 'x', description: 'd', 'x-own': 1, readOnly: true };
    expect(all.problems(schema, 'a')).toEqual([]);
  });
});

test('every problem is told, with its place', () => {
  const schema = { properties: { a: { type: 'string' }, b: { items: { maximum: 1 } } } };
  expect(all.problems(schema, { a: 1, b: [0, 2] })).toEqual([
    '/a must be string {"type":"string"}',
    '/b/1 must be <= 1 {"comparison":"<=","limit":1}',
  ]);
});

test('a schema is compiled once, since it is asked for with each response', () => {
  const schema = { type: 'string' };
  expect(all.problems(schema, 'a')).toEqual([]);
  schema.type = 'number';
  expect(all.problems(schema, 'a')).toEqual([]);
});

test('a contract without components has schemas too', () => {
  expect(new ResponseSchemas(ContractDocument.of({})).problems({ type: 'string' }, 1)).toHaveLength(1);
});

test('compileAll finds a schema that nothing has needed yet, whatever its name', () => {
  expect(() => all.compileAll()).not.toThrow();
  expect(() => schemas({ 'odd.name-2': { pattern: '(?i)a' } }).compileAll()).toThrow(/regular expression|pattern/i);
});
