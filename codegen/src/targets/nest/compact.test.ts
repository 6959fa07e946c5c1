import { describe, expect, test } from '@jest/globals';
import { createRequire } from 'node:module';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';
import type { ValidationIssue, Validator } from '../../../runtime/nest/contract.ts';
import { fieldErrors } from '../../../runtime/nest/validation-messages.ts';
import type { JsonObject } from '../../json.ts';
import { compact } from './compact.ts';

function compile(schema: JsonObject): { plain: Validator; text: string; short: Validator } {
  const code = { source: true, lines: true };
  const ajv = new Ajv2020({ allErrors: true, strict: false, inlineRefs: false, messages: false, code });
  Object.assign(ajv.opts, { dynamicRef: false, unevaluated: JSON.stringify(schema).includes('unevaluated') });
  const plain = ajv.compile(schema);
  const text = compact(standaloneCode.default(ajv, plain));
  const module = { exports: {} };
  // oxlint-disable-next-line typescript/no-implied-eval -- the text is what is tested
  new Function('module', 'exports', 'require', text)(module, module.exports, createRequire(import.meta.url));
  return { plain: plain as unknown as Validator, text, short: module.exports as Validator };
}

const withoutPlace = (errors: unknown): unknown =>
  (errors as ErrorObject[] | null)?.map((error) => ({ ...error, schemaPath: '' })) ?? null;

const circle = { type: 'object', required: ['kind', 'r'], properties: { kind: { const: 'circle' }, r: {} } };
const square = { type: 'object', required: ['kind', 'a'], properties: { kind: { const: 'square' }, a: {} } };
const shapes = { $defs: { circle, square }, oneOf: [{ $ref: '#/$defs/circle' }, { $ref: '#/$defs/square' }] };
const odd = ['a"b', "it's", 'a,parentData:data}', '{instancePath,schemaPath:"#', 'a/b~c', '$&$1', '\\', '`${x}`'];

describe('a validator finds the same in its short form', () => {
  test.each<[string, JsonObject, readonly unknown[]]>([
    ['of a reference', { $defs: { circle }, properties: { c: { $ref: '#/$defs/circle' } } }, [{ c: 1 }, { c: {} }, {}]],
    ['of items', { $defs: { n: { type: 'number' } }, items: { $ref: '#/$defs/n' } }, [[1, 'x', null], [1], 1]],
    ['of alternatives', shapes, [{ kind: 'circle' }, { kind: 'square', a: 1 }, 1]],
    ['of itself', { type: 'object', additionalProperties: { $ref: '#' } }, [{ a: { b: 1 } }, { a: {} }]],
    ['of an enum', { enum: [{ a: 1 }, 'x'] }, ['x', 'y', { a: 1 }]],
    [
      'of odd names',
      {
        $defs: { text: { type: 'string' } },
        required: odd,
        properties: Object.fromEntries(odd.map((name) => [name, { $ref: '#/$defs/text' }])),
      },
      [{}, Object.fromEntries(odd.map((name) => [name, 1])), Object.fromEntries(odd.map((name) => [name, 'x']))],
    ],
    [
      'of names that arguments have',
      { $defs: { text: { type: 'string' } }, properties: { rootData: { $ref: '#/$defs/text' } } },
      [{ rootData: 1 }, { rootData: 'x' }],
    ],
    [
      'of what is left over',
      { ...shapes, unevaluatedProperties: false },
      [
        { kind: 'square', a: 1 },
        { kind: 'square', a: 1, b: 2 },
      ],
    ],
  ])('%s', (_, schema, values) => {
    const { plain, short } = compile(schema);
    for (const value of values) {
      expect(short(value)).toBe(plain(value));
      expect(withoutPlace(short.errors)).toEqual(withoutPlace(plain.errors));
    }
  });
});

test('an error takes a line, an unused schema none, and a call has two arguments', () => {
  const { text } = compile({ $defs: { text: { type: 'string' } }, properties: { a: { $ref: '#/$defs/text' } } });
  expect(text).toContain(
    'vErrors = report(vErrors, {instancePath,schemaPath:"#/validate53/type",keyword:"type",params:{type: "string"}});',
  );
  expect(text).toContain('if(!(validate53(data.a, instancePath+"/a"))){');
  expect(text).not.toMatch(/const (?:schema|err)\d+/);
});

test('the alternative that was meant is told from the other where both are references', () => {
  const { short } = compile(shapes);
  expect(short({ kind: 'square' })).toBe(false);
  expect(fieldErrors(short.errors as ValidationIssue[], 'body')).toEqual([
    { field: 'a', message: 'is required', location: 'body' },
  ]);
});
