import { describe, expect, test } from '@jest/globals';
import { contractOf } from '../../test/contract-of.ts';
import type { Form } from '../forms/form.ts';
import type { JsonObject } from '../json.ts';
import { makePlan } from '../plan/make-plan.ts';
import { typePrinter } from './typescript-types.ts';

/** The type of a schema, on one line. */
async function typeOf(schema: JsonObject, form: Form, optional: readonly string[] = []): Promise<string> {
  const media = (value: JsonObject) => ({ content: { 'application/json': { schema: value } } });
  const contract = contractOf({
    paths: {
      '/': {
        post: {
          parameters: [{ name: 'limit', in: 'query', schema: { $ref: '#/components/schemas/Limit' } }],
          requestBody: media({ $ref: '#/components/schemas/Cat' }),
          responses: { '200': { description: '', ...media({ $ref: '#/components/schemas/Cat' }) } },
        },
      },
      '/subject': { get: { responses: { '200': { description: '', ...media(schema) } } } },
    },
    components: {
      schemas: {
        Cat: {
          type: 'object',
          properties: { id: { type: 'string', readOnly: true }, lives: { type: 'integer' } },
        },
        Dog: { type: 'object', properties: { bark: { type: 'string' } } },
        Limit: { type: 'integer', default: 10 },
      },
    },
  });
  const subject = contract.operations[1]!.responses[0]!.content[0]!.schema!;
  const printer = await typePrinter(contract, makePlan(contract), new Set(), new Set(optional));
  return printer
    .print(subject, form, new Set(optional))
    .replace(/\/\*\*.*?\*\//gs, '')
    .replace(/\s+/g, ' ');
}

const cat = { $ref: '#/components/schemas/Cat' };
const dog = { $ref: '#/components/schemas/Dog' };

describe('the type of a schema', () => {
  test.each<[string, JsonObject, Form, string]>([
    ['a string', { type: 'string' }, 'response', 'string'],
    ['several types', { type: ['string', 'null'] }, 'response', 'string | null'],
    ['an enum', { type: 'string', enum: ['a', 'b'] }, 'response', '"a" | "b"'],
    ['an enum with null', { type: ['string', 'null'], enum: ['a', null] }, 'response', '"a" | null'],
    ['a constant', { const: 'a' }, 'response', '"a"'],
    ['null as a constant', { const: null }, 'response', 'null'],
    ['constants beside a type', { type: 'string', oneOf: [{ const: 'a' }, { const: 'b' }] }, 'response', '"a" | "b"'],
    ['anything', {}, 'response', 'unknown'],
    ['a free-form object', { type: 'object' }, 'response', 'Record<string, unknown>'],
    ['a list', { type: 'array', items: { type: 'integer' } }, 'response', 'number[]'],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] },
      'response',
      '[ string, number ]',
    ],
    ['a reference in a response', cat, 'response', 'schemas.Cat'],
    ['a reference in a request', cat, 'request', 'schemas.CatInput'],
    ['a reference or null', { anyOf: [cat, { type: 'null' }] }, 'response', 'schemas.Cat | null'],
    [
      'properties beside anyOf',
      { type: 'object', properties: { a: { type: 'string' } }, anyOf: [cat, dog] },
      'response',
      '{ a?: string; } & (schemas.Cat | schemas.Dog)',
    ],
    [
      'required beside allOf',
      { allOf: [cat, dog], required: ['lives'] },
      'response',
      'WithRequired<schemas.Cat, "lives"> & schemas.Dog',
    ],
    [
      'required in a member that declares nothing',
      { allOf: [cat, { type: 'object', required: ['lives'] }] },
      'response',
      'WithRequired<schemas.Cat, "lives">',
    ],
    ['what can never be', { allOf: [cat, false] }, 'response', 'schemas.Cat & never'],
    ['an alternative that can never be', { oneOf: [cat, false] }, 'response', 'schemas.Cat | never'],
    ['a property that can never be', { type: 'object', properties: { a: false } }, 'response', '{ a?: never; }'],
    ['a tuple that ends', { type: 'array', prefixItems: [{ type: 'string' }], items: false }, 'response', '[ string ]'],
    ['never at all', { allOf: [false] }, 'response', 'never'],
    [
      'a reference with siblings',
      { ...cat, properties: { name: { type: 'string' } }, required: ['name'] },
      'response',
      'schemas.Cat & { name: string; }',
    ],
    [
      'a discriminator without constants',
      { oneOf: [cat, dog], discriminator: { propertyName: 'kind', mapping: { c: '#/components/schemas/Cat' } } },
      'response',
      '(schemas.Cat & { kind: "c"; }) | (schemas.Dog & { kind: "Dog"; })',
    ],
    [
      'a default in a request is always there',
      {
        type: 'object',
        properties: { a: { type: 'string', default: 'x' }, b: { $ref: '#/components/schemas/Limit' } },
      },
      'request',
      '{ a: string; b: schemas.Limit; }',
    ],
    [
      'a default in a response may be left out',
      { type: 'object', properties: { a: { default: 'x', type: 'string' } } },
      'response',
      '{ a?: string; }',
    ],
    [
      'a property beside an index signature of another type',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'number' } },
      'response',
      '{ a?: string; } & { [key: string]: number | string; }',
    ],
    ['a map', { type: 'object', additionalProperties: { type: 'number' } }, 'response', '{ [key: string]: number; }'],
    [
      'a property beside an index signature of anything',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: {} },
      'response',
      '{ a?: string; } & { [key: string]: unknown; }',
    ],
    [
      'a property and no others',
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
      'response',
      '{ a?: string; }',
    ],
    [
      'patterns beside an index signature',
      { type: 'object', patternProperties: { '^x': { type: 'string' } }, additionalProperties: { type: 'boolean' } },
      'response',
      '{ [key: string]: string | boolean; }',
    ],
    [
      'patterns',
      { type: 'object', patternProperties: { '^x': { type: 'string' } } },
      'response',
      '{ [key: string]: string; }',
    ],
    [
      'readOnly in a request',
      { type: 'object', required: ['id', 'n'], properties: { id: { readOnly: true }, n: { type: 'number' } } },
      'request',
      '{ n: number; }',
    ],
    [
      'writeOnly in a response',
      { type: 'object', properties: { secret: { writeOnly: true }, n: { type: 'number' } } },
      'response',
      '{ n?: number; }',
    ],
    ['a file', { type: 'object', properties: { f: { type: 'string', format: 'binary' } } }, 'upload', '{ f?: File; }'],
    [
      'names that are not identifiers',
      { type: 'object', properties: { 'a-b': { type: 'string' } } },
      'response',
      '{ "a-b"?: string; }',
    ],
    ['an empty enum', { enum: [] }, 'response', 'never'],
  ])('%s', async (_, schema, form, want) => {
    expect(await typeOf(schema, form)).toBe(want);
  });

  test('supplied properties are optional at the top only', async () => {
    const inner = { type: 'object', required: ['meta'], properties: { meta: { type: 'string' } } };
    const schema = {
      type: 'object',
      required: ['meta', 'data'],
      properties: { meta: { type: 'string' }, data: inner },
    };
    expect(await typeOf(schema, 'response', ['meta'])).toBe('{ meta?: string; data: { meta: string; }; }');
  });
});
