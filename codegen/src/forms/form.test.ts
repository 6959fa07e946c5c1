import { describe, expect, test } from '@jest/globals';
import { schemasOf } from '../../test/contract-of.ts';
import type { JsonObject } from '../json.ts';
import { conjuncts, FORMS, followRef, hiddenNames, isBareReference, isBinary } from './form.ts';

const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

test.each<[string, JsonObject, boolean]>([
  ['a reference', ref('Other'), true],
  ['a reference that is described', { ...ref('Other'), description: 'd', 'x-own': 1 }, true],
  ['a reference that is described and restricted', { ...ref('Other'), description: 'd', minLength: 1 }, false],
  ['no reference', { description: 'd' }, false],
])('%s is a bare one: %#', (_name, subject, want) => {
  expect(isBareReference(schemasOf({ Subject: subject, Other: { type: 'string' } }).subject)).toBe(want);
});

test.each<[JsonObject, boolean]>([
  [{ type: 'string', format: 'binary' }, true],
  [{ type: ['string', 'null'], format: 'binary' }, true],
  [{ format: 'binary' }, true],
  [{ type: 'integer', format: 'binary' }, false],
  [{ type: 'string' }, false],
  [{ type: 'string', contentMediaType: 'image/png' }, true],
  [{ type: 'string', contentMediaType: 'image/png', contentEncoding: 'base64' }, false],
  [{ type: 'string', contentMediaType: 'text/html' }, false],
  [{ type: 'string', contentMediaType: 'application/json' }, false],
])('%j holds bytes: %s', (subject, want) => {
  expect(isBinary(schemasOf({ Subject: subject }).subject)).toBe(want);
});

describe('a property is hidden', () => {
  test.each<[string, JsonObject, string[][]]>([
    ['from requests where it may only be read', { readOnly: true }, [['a'], ['a'], []]],
    ['from responses where it may only be written', { writeOnly: true }, [[], [], ['a']]],
    ['from neither where it is both', { readOnly: true, writeOnly: true }, [[], [], []]],
    ['behind a reference', ref('Read'), [['a'], ['a'], []]],
    ['by a part of it', { allOf: [{ writeOnly: true }] }, [[], [], ['a']]],
  ])('%s', (_name, property, want) => {
    const schemas = { Subject: { allOf: [{ properties: { a: property, b: {} } }] }, Read: { readOnly: true } };
    const { contract, subject } = schemasOf(schemas);
    expect(FORMS.map((form) => [...hiddenNames(contract, subject, form)])).toEqual(want);
  });
});

test('references are followed to their end, in a circle once', () => {
  const { contract, subject } = schemasOf({ Subject: ref('One'), One: ref('Two'), Two: { type: 'string' } });
  expect(followRef(contract, subject).types).toEqual(['string']);
  expect(conjuncts(contract, subject)).toHaveLength(3);
  const round = schemasOf({ Subject: ref('One'), One: { allOf: [ref('Subject')] } });
  expect(conjuncts(round.contract, round.subject).length).toBeGreaterThan(1);
});
