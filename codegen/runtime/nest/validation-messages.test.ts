import { expect, test } from '@jest/globals';

import { validator, type Schema } from '../testing/descriptors.ts';
import type { ValidationIssue } from './contract.ts';
import { describeIssues, fieldErrors } from './validation-messages.ts';

const nullable = { anyOf: [{ type: 'string', minLength: 2 }, { type: 'null' }] };
const shapes = {
  oneOf: [
    { type: 'object', properties: { kind: { const: 'circle' }, r: { type: 'number' } }, required: ['kind', 'r'] },
    { type: 'object', properties: { kind: { const: 'square' }, a: { type: 'number' } }, required: ['kind', 'a'] },
  ],
};

const shapesByReference = { circle: shapes.oneOf[0], square: shapes.oneOf[1] };

const cases: readonly (readonly [schema: Schema, value: unknown, want: readonly string[]])[] = [
  [{ type: 'object', required: ['name'] }, {}, ['name: is required']],
  [
    { properties: { a: { properties: { b: { items: { type: 'string' } } } } } },
    { a: { b: ['x', 1] } },
    ['a.b[1]: must be a string'],
  ],
  [{ properties: { 'a/b~c': { type: 'integer' } } }, { 'a/b~c': 'x' }, ['a/b~c: must be an integer']],
  [{ properties: {}, additionalProperties: false }, { x: 1 }, ['x: is not a known field']],
  [{ properties: {}, unevaluatedProperties: false }, { x: 1 }, ['x: is not a known field']],
  [{ type: ['string', 'null'] }, 1, [': must be a string or null']],
  [{ enum: ['a', 1, null] }, 'b', [': must be one of "a", 1, null']],
  [{ const: true }, false, [': must be true']],
  [{ minLength: 1 }, '', [': must not be empty']],
  [{ minLength: 3, maxLength: 1 }, 'xx', [': must have at most 1 character', ': must have at least 3 characters']],
  [{ minimum: 2, multipleOf: 3 }, 1, [': must be at least 2', ': must be a multiple of 3']],
  [{ exclusiveMaximum: 2 }, 2, [': must be less than 2']],
  [{ pattern: '^a$' }, 'b', [': must match the pattern ^a$']],
  [{ format: 'date-time' }, 'b', [': must be a valid date-time']],
  [{ minItems: 1 }, [], [': must not be empty']],
  [{ maxItems: 1, uniqueItems: true }, [1, 1], [': must have at most 1 item', ': must not hold the same item twice']],
  [{ dependentRequired: { a: ['b'] } }, { a: 1 }, ['b: is required together with a']],
  [{ not: {} }, 1, [': has a form that is not allowed']],
  [{ properties: { a: false } }, { a: 1 }, ['a: is not allowed']],
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  [{ if: {}, then: { required: ['a'] } }, {}, ['a: is required']],
  [{ propertyNames: { pattern: '^a' } }, { b: 1 }, [': must match the pattern ^a']],
  [nullable, 'x', [': must have at least 2 characters']],
  [nullable, 1, [': must be a string']],
  [{ anyOf: [{ type: 'string' }, { type: 'integer' }] }, true, [': must have one of the allowed forms']],
  [{ oneOf: [{ enum: ['a', 'b'] }, { type: 'integer' }] }, 'c', [': must be one of "a", "b"']],
  [{ oneOf: [{ const: 'a' }, { const: 'b' }] }, 'c', [': must be one of "a", "b"']],
  [
    { oneOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 1 } } }] },
    { a: 2, b: 2 },
    [': must have one of the allowed forms'],
  ],
  [shapes, { kind: 'triangle' }, ['kind: must be one of "circle", "square"']],
  [shapes, { kind: 'circle', r: 'x' }, ['r: must be a number']],
  [shapes, { kind: 'square' }, ['a: is required']],
  [{ properties: { s: shapes } }, { s: [] }, ['s: must have one of the allowed forms']],
  [
    { $defs: shapesByReference, oneOf: [{ $ref: '#/$defs/circle' }, { $ref: '#/$defs/square' }] },
    { kind: 'square' },
    ['a: is required'],
  ],
  [{ oneOf: [{}, {}] }, 1, [': must have exactly one of the allowed forms']],
  [{ type: ['object', 'null'] }, 1, [': must be an object or null']],
  [{ minLength: 2, maxLength: 0 }, 'x', [': must have at most 0 characters', ': must have at least 2 characters']],
  [{ exclusiveMinimum: 2, maximum: 1 }, 2, [': must be at most 1', ': must be greater than 2']],
  [{ minItems: 2 }, [1], [': must have at least 2 items']],
  [{ prefixItems: [{}], items: false }, [1, 2], [': must have at most 1 item']],
  [{ contains: { const: 1 } }, [2], ['[0]: must be 1', ': must hold an item of the required form']],
  [{ minProperties: 2, maxProperties: 0 }, { a: 1 }, [': must have at most 0 fields', ': must have at least 2 fields']],
  [{ prefixItems: [true], unevaluatedItems: false }, [1, 2], [': has items that are not allowed']],
];

test.each(cases)('%j', (schema, value, want) => {
  const validate = validator(schema);
  expect(validate(value)).toBe(false);
  expect(fieldErrors(validate.errors, 'body').map(({ field, message }) => `${field}: ${message}`)).toEqual(want);
});

const issue = (keyword: string, params: object, more: object = {}): ValidationIssue =>
  ({ instancePath: '', keyword, params, ...more }) as ValidationIssue;
const messagesOf = (...issues: ValidationIssue[]): string[] =>
  fieldErrors(issues, 'body').map(({ field, message }) => `${field}: ${message}`);

test("what the generator's own keywords find is told in their words", () => {
  const select = { property: 'kind', allowedValues: ['a', 'b'] };
  expect(messagesOf(issue('x-select', { ...select, missing: true }))).toEqual([
    'kind: is required and must be one of "a", "b"',
  ]);
  expect(messagesOf(issue('x-select', { ...select, missing: false }))).toEqual(['kind: must be one of "a", "b"']);
  expect(messagesOf(issue('x-problem', { message: 'must end after it begins' }))).toEqual([
    ': must end after it begins',
  ]);
});

test('a rule of the contract stands for all that is wrong with its field, and comes last', () => {
  const rule = issue('x-problem', { message: 'must be an address' }, { instancePath: '/url' });
  const own = issue('minLength', { limit: 1 }, { instancePath: '/url' });
  const other = issue('minLength', { limit: 1 }, { instancePath: '/name' });
  expect(messagesOf(rule, own, other)).toEqual(['name: must not be empty', 'url: must be an address']);
});

test('a keyword that nobody knows says what the validator says, or that something is wrong', () => {
  expect(messagesOf(issue('x-own', {}, { message: 'must be nice' }), issue('x-other', {}))).toEqual([
    ': must be nice',
    ': is not valid',
  ]);
  expect([fieldErrors(null, 'body'), fieldErrors(undefined, 'query')]).toEqual([[], []]);
});

test('for a log a problem is one line', () => {
  expect(
    describeIssues([issue('minLength', { limit: 1 }), issue('minLength', { limit: 1 }, { instancePath: '/a' })]),
  ).toEqual(['must not be empty', 'a must not be empty']);
});

test('values that were sent are never repeated', () => {
  const validate = validator({ properties: { password: { minLength: 8, pattern: '^x', enum: ['x'] } } });
  validate({ password: 'hunter2' });
  expect(JSON.stringify(fieldErrors(validate.errors, 'body'))).not.toContain('hunter2');
});

test('the list is bounded and says nothing twice', () => {
  const validate = validator({ items: { allOf: [{ type: 'string' }, { type: 'string' }] } });
  validate([1]);
  expect(fieldErrors(validate.errors, 'body')).toHaveLength(1);
  validate(Array.from({ length: 500 }, () => 1));
  expect(fieldErrors(validate.errors, 'body')).toHaveLength(100);
});
