import { describe, expect, test } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { fieldErrors } from '../../../runtime/nest/validation-messages.ts';
import type { ValidationIssue } from '../../../runtime/nest/contract.ts';
import { schemasOf } from '../../../test/contract-of.ts';
import { validatorJson } from '../../forms/validator-json.ts';
import type { JsonObject } from '../../json.ts';
import { selectKeyword } from './select-keyword.ts';

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const shape = (kind: string, more: JsonObject): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  required: ['kind', ...Object.keys(more)],
  properties: { kind: { type: 'string', const: kind }, ...more },
});
const size = { type: 'number', minimum: 0 };
const shapes = {
  Circle: shape('circle', { r: size }),
  Square: shape('square', { a: size }),
  Box: shape('box', { a: size, b: { type: 'array', items: ref('Shape') } }),
  Shape: { oneOf: [ref('Circle'), ref('Square'), ref('Box')], discriminator: { propertyName: 'kind' } },
};

function plain(schemas: JsonObject): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addKeyword('discriminator');
  return ajv.compile({ components: { schemas }, ...ref('Subject') });
}

function selecting(schemas: JsonObject): ValidateFunction {
  const { contract } = schemasOf(schemas);
  const $defs = Object.fromEntries(
    [...contract.schemas.values()].map(({ name, schema }) => [
      name,
      validatorJson(contract, schema, 'request', (target) => `#/$defs/${contract.schemas.get(target)!.name}`),
    ]),
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true, inlineRefs: false });
  ajv.addKeyword(selectKeyword);
  expect(JSON.stringify($defs)).toContain('x-select');
  return ajv.compile({ $defs, $ref: '#/$defs/Subject' });
}

const circle = { kind: 'circle', r: 1 };
const values: readonly unknown[] = [
  circle,
  { kind: 'square', a: 1 },
  { kind: 'box', a: 1, b: [circle] },
  { kind: 'box', a: 1, b: [{ kind: 'circle', a: 1 }] },
  { kind: 'circle', r: -1 },
  { kind: 'circle', r: 1, a: 1 },
  { kind: 'circle', r: 1, name: 'x' },
  { kind: 'square', r: 1 },
  { kind: 'triangle' },
  { kind: 'constructor' },
  { kind: null },
  { kind: ['circle'], r: 1 },
  { r: 1 },
  {},
  [],
  null,
  'circle',
  1,
  true,
];

describe('what a selecting validator accepts is what the schema accepts', () => {
  test.each<[string, JsonObject]>([
    ['oneOf with a discriminator', shapes.Shape],
    ['oneOf without one', { oneOf: shapes.Shape.oneOf }],
    ['anyOf', { anyOf: shapes.Shape.oneOf }],
    ['or null', { oneOf: [...shapes.Shape.oneOf, { type: 'null' }] }],
    ['or a text or null', { anyOf: [...shapes.Shape.oneOf, { type: ['string', 'null'] }] }],
    [
      'null by an alternative, but not by the owner',
      { type: 'object', oneOf: [...shapes.Shape.oneOf, { type: 'null' }] },
    ],
    ['a union of unions', { oneOf: [ref('Circle'), { oneOf: [ref('Square'), ref('Box')] }] }],
    ['beside other properties', { required: ['name'], properties: { name: true }, ...shapes.Shape }],
    [
      'with properties that no alternative has',
      {
        type: 'object',
        oneOf: ['circle', 'square'].map((kind) => ({
          required: ['kind'],
          properties: { kind: { const: kind }, ...(kind === 'circle' ? { r: size } : { a: size }) },
        })),
        unevaluatedProperties: false,
      },
    ],
    [
      'a mapping',
      {
        oneOf: [ref('Round'), ref('Edged')],
        discriminator: { propertyName: 'kind', mapping: { circle: '#/components/schemas/Round', square: 'Edged' } },
      },
    ],
  ])('%s', (_, subject) => {
    const named = {
      Round: { type: 'object', required: ['kind'], properties: { kind: { const: 'circle' } } },
      Edged: { type: 'object', required: ['kind'], properties: { kind: { enum: ['square', 'box'] } } },
    };
    const schemas = { ...shapes, ...named, Subject: subject };
    const [all, one] = [plain(schemas), selecting(schemas)];
    expect(values.map((value) => one(value))).toEqual(values.map((value) => all(value)));
  });
});

test('a value that the mapping does not name is refused', () => {
  const open = { type: 'object' };
  const discriminator = { propertyName: 'kind', mapping: { c: '#/components/schemas/Cat', d: 'Dog' } };
  const subject = { oneOf: [ref('Cat'), ref('Dog')], discriminator };
  const validate = selecting({ Cat: open, Dog: open, Subject: subject });
  expect(['c', 'd', 'Cat', 'e'].map((kind) => validate({ kind }))).toEqual([true, true, false, false]);
});

describe('what is wrong is said of one alternative', () => {
  const validate = selecting({ ...shapes, Subject: { properties: { shape: ref('Shape') } } });
  test.each<[unknown, readonly string[]]>([
    [{}, ['shape.kind: is required and must be one of "circle", "square", "box"']],
    [{ kind: 'oval', x: 1 }, ['shape.kind: must be one of "circle", "square", "box"']],
    [{ kind: 7 }, ['shape.kind: must be one of "circle", "square", "box"']],
    [{ kind: 'circle', radius: 1 }, ['shape.r: is required', 'shape.radius: is not a known field']],
    [{ kind: 'square', a: 'x' }, ['shape.a: must be a number']],
    [{ kind: 'box', a: 1, b: [circle, { kind: 'square' }] }, ['shape.b[1].a: is required']],
    ['circle', ['shape: must be an object']],
  ])('%j', (value, want) => {
    expect(validate({ shape: value })).toBe(false);
    const issues = validate.errors as ValidationIssue[];
    expect(fieldErrors(issues, 'body').map(({ field, message }) => `${field}: ${message}`)).toEqual(want);
  });
});
