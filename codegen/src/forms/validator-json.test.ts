import { describe, expect, test } from '@jest/globals';
import { schemasOf } from '../../test/contract-of.ts';
import type { JsonObject } from '../json.ts';
import type { Form } from './form.ts';
import { validatorJson } from './validator-json.ts';

const user = {
  type: 'object',
  required: ['id', 'password'],
  properties: { id: { type: 'string', readOnly: true }, password: { type: 'string', writeOnly: true } },
};

const tagged = (kind: string): JsonObject => ({
  type: 'object',
  required: ['kind'],
  properties: { kind: { const: kind } },
});

/** Written out, an object with a `then` looks like a promise to lint. */
function consequence(schema: JsonObject): JsonObject {
  const keyword = 'then';
  return { [keyword]: schema };
}

function jsonOf(schemas: JsonObject, form: Form): unknown {
  const { contract, subject } = schemasOf(schemas);
  return validatorJson(contract, subject, form, (pointer) => `#${pointer}`);
}

describe('what a validator checks', () => {
  test.each<[string, JsonObject, Form, unknown]>([
    [
      'a request has no readOnly properties',
      { Subject: user },
      'request',
      { type: 'object', required: ['password'], properties: { id: false, password: { type: 'string' } } },
    ],
    [
      'a response has no writeOnly properties',
      { Subject: user },
      'response',
      { type: 'object', required: ['id'], properties: { id: { type: 'string' }, password: false } },
    ],
    [
      'required in one member of allOf, readOnly in another',
      { Subject: { allOf: [{ $ref: '#/components/schemas/User' }, { required: ['id', 'name'] }] }, User: user },
      'request',
      { allOf: [{ $ref: '#/components/schemas/User' }, { required: ['name'] }] },
    ],
    [
      'readOnly behind a reference',
      {
        Subject: { properties: { id: { $ref: '#/components/schemas/Id' } }, required: ['id'] },
        Id: { type: 'string', readOnly: true },
      },
      'request',
      { properties: { id: false } },
    ],
    [
      'annotations are left out',
      { Subject: { title: 'T', example: 1, default: 2, 'x-a': 3, minimum: 4 } },
      'request',
      { minimum: 4 },
    ],
    [
      'conditions are converted too',
      { Subject: { if: { required: ['a'] }, ...consequence(user), dependentSchemas: { a: user } } },
      'response',
      {
        if: { required: ['a'] },
        ...consequence({ type: 'object', required: ['id'], properties: { id: { type: 'string' }, password: false } }),
        dependentSchemas: {
          a: { type: 'object', required: ['id'], properties: { id: { type: 'string' }, password: false } },
        },
      },
    ],
    [
      'files are whatever the runtime makes of them',
      { Subject: { properties: { file: { type: 'string', format: 'binary' } } } },
      'upload',
      { properties: { file: {} } },
    ],
    [
      'a property may be called like a keyword',
      { Subject: { properties: { title: { description: 'T' } } } },
      'request',
      { properties: { title: {} } },
    ],
    [
      'words of its own for what does not satisfy a schema',
      { Subject: { properties: { a: { type: 'string', 'x-problem': 'must be a name' } } } },
      'request',
      { properties: { a: { 'x-problem': { message: 'must be a name', schema: { type: 'string' } } } } },
    ],
    ...[{ type: 'string', minLength: 1 }, { type: 'integer' }, { enum: ['a'] }].map(
      (other): [string, JsonObject, Form, unknown] => [
        `no property selects beside ${JSON.stringify(other)}`,
        { Subject: { oneOf: [tagged('cat'), tagged('dog'), other] } },
        'request',
        { oneOf: [tagged('cat'), tagged('dog'), other] },
      ],
    ),
    [
      'a property selects beside what is no object',
      { Subject: { oneOf: [tagged('cat'), tagged('dog'), { type: 'null', description: 'd' }] } },
      'request',
      {
        type: ['object', 'null'],
        'x-select': {
          property: 'kind',
          cases: [
            { values: ['cat'], schema: tagged('cat') },
            { values: ['dog'], schema: tagged('dog') },
          ],
        },
      },
    ],
    ['an empty enum admits nothing', { Subject: { enum: [] } }, 'request', false],
  ])('%s', (_, schemas, form, want) => {
    expect(jsonOf(schemas, form)).toEqual(want);
  });
});
