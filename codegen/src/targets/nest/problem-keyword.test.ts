import { expect, test } from '@jest/globals';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { ValidationIssue } from '../../../runtime/nest/contract.ts';
import { fieldErrors } from '../../../runtime/nest/validation-messages.ts';
import { schemasOf } from '../../../test/contract-of.ts';
import { validatorJson } from '../../forms/validator-json.ts';
import type { JsonObject } from '../../json.ts';
import { problemKeyword } from './problem-keyword.ts';

/** Written out, an object with a `then` looks like a promise to lint. */
const when = (condition: JsonObject, consequence: JsonObject, otherwise?: JsonObject): JsonObject => {
  const keyword = 'then';
  return { if: condition, [keyword]: consequence, ...(otherwise && { else: otherwise }) };
};

function compiled(subject: JsonObject, options: { allErrors: boolean }): ValidateFunction {
  const { contract, subject: schema } = schemasOf({ Subject: subject, Text: { type: 'string', minLength: 3 } });
  const json = (target: typeof schema): unknown =>
    validatorJson(contract, target, 'request', (pointer) => `#/$defs/${contract.schemas.get(pointer)!.name}`);
  const ajv = new Ajv2020({ strict: false, inlineRefs: false, ...options });
  ajv.addKeyword(problemKeyword);
  const $defs = Object.fromEntries([...contract.schemas.values()].map((named) => [named.name, json(named.schema)]));
  return ajv.compile({ $defs, $ref: '#/$defs/Subject' });
}

const never = (problem: string): JsonObject => ({ not: {}, 'x-problem': problem });
const text = { properties: { type: { const: 'text' } } };
const field = {
  type: 'object',
  properties: { type: { type: 'string' }, min: { type: 'number' }, options: { type: 'array' } },
  allOf: [
    when(text, { properties: { min: never('is for numbers') } }),
    { not: { required: ['min', 'options'] }, 'x-problem': 'takes one of min and options' },
  ],
};
const named = {
  properties: {
    name: { $ref: '#/components/schemas/Text', 'x-problem': 'must be a name' },
    names: { items: { type: 'string', pattern: '^a', maxLength: 2, 'x-problem': 'must be a short name' } },
  },
};

const cases: readonly (readonly [schema: JsonObject, value: unknown, want: readonly string[]])[] = [
  [field, { type: 'text' }, []],
  [field, { type: 'number', min: 1 }, []],
  [field, { type: 'text', min: 1 }, ['min: is for numbers']],
  [field, { min: 1, options: [], type: 'number' }, [': takes one of min and options']],
  [field, { type: 'text', min: 'x' }, ['min: is for numbers']],
  [
    field,
    { type: 'text', min: 'x', options: 1 },
    ['options: must be an array', 'min: is for numbers', ': takes one of min and options'],
  ],
  [named, { name: 'abc', names: ['a'] }, []],
  [
    named,
    { name: 'ab', names: ['bbb', 'a', 1] },
    ['name: must be a name', 'names[0]: must be a short name', 'names[2]: must be a short name'],
  ],
];

test.each(cases)('%j: %j', (schema, value, want) => {
  const validate = compiled(schema, { allErrors: true });
  expect(validate(value)).toBe(want.length === 0);
  const found = fieldErrors(validate.errors as ValidationIssue[] | null, 'body');
  expect(found.map(({ field: place, message }) => `${place}: ${message}`)).toEqual(want);
  expect(compiled(schema, { allErrors: false })(value)).toBe(want.length === 0);
});
